import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engines.ports import Speech, SpokenWord
from engines.tts.cache import REMEMBERED, PhraseCache

WORD = SpokenWord("Hello.", 0, 0.0, 0.5)
SAID = Speech(np.arange(1000, dtype=np.int16), (WORD,), exact=True)
Caches = Callable[..., PhraseCache]


@pytest.fixture(name="opened")
def closed_at_the_end(tmp_path: Path) -> Iterator[Caches]:
    caches: list[PhraseCache] = []

    def opened(most_bytes: int = 1 << 20, revision: str = "model") -> PhraseCache:
        caches.append(PhraseCache(tmp_path / "phrases", most_bytes=most_bytes, revision=revision))
        return caches[-1]

    yield opened
    for cache in caches:
        cache.close()


def kept(cache: PhraseCache, *texts: str, voice: str = "joe") -> None:
    for text in texts:
        cache.keep(cache.phrase(text, voice, 1.0), [SAID])
    cache._writer.submit(lambda: None).result()


def files(cache: PhraseCache) -> list[Path]:
    return [path for path in cache._folder.rglob("*") if path.is_file()]


def test_what_was_kept_is_there_also_for_the_next_process(opened: Caches) -> None:
    cache = opened()
    phrase = cache.phrase("Hello.", "joe", 1.0)
    assert not cache.has(phrase)
    kept(cache, "Hello.")
    for one in (cache, opened()):
        assert one.has(phrase)
        pieces = one.load(phrase)
        assert pieces is not None
        assert np.array_equal(pieces[0].pcm, SAID.pcm)
        assert pieces[0].words == (WORD,)
        assert one.bytes == sum(path.stat().st_size for path in files(cache)) > 2000


def test_another_text_voice_speed_or_model_is_another_phrase(opened: Caches) -> None:
    cache = opened()
    kept(cache, "Hello.")
    for phrase in (
        cache.phrase("Hello", "joe", 1.0),
        cache.phrase("Hello.", "amy", 1.0),
        cache.phrase("Hello.", "joe", 1.1),
        opened(revision="a newer model").phrase("Hello.", "joe", 1.0),
    ):
        assert not cache.has(phrase)
        assert cache.load(phrase) is None


def test_nobody_else_may_read_what_was_said(opened: Caches) -> None:
    cache = opened()
    kept(cache, "Hello.")
    [file] = files(cache)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (cache._folder, file.parent, file)]
    assert modes == [0o700, 0o700, 0o600]
    assert b"Hello" not in str(file).encode()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"phrase1\n" + bytes(100)])
def test_a_file_that_is_none_of_ours_is_a_miss_and_removed(opened: Caches, content: bytes) -> None:
    cache = opened()
    kept(cache, "Hello.")
    [file] = files(cache)
    file.write_bytes(content)
    phrase = cache.phrase("Hello.", "joe", 1.0)
    assert cache.has(phrase)
    assert cache.load(phrase) is None
    assert not cache.has(phrase)
    assert files(cache) == []
    kept(cache, "Hello.")
    assert cache.load(phrase) is not None


def test_what_another_process_removed_is_a_miss(opened: Caches) -> None:
    cache, other = opened(), opened()
    kept(cache, "Hello.")
    other.forget_voice("joe")
    phrase = cache.phrase("Hello.", "joe", 1.0)
    assert cache.load(phrase) is None
    assert not cache.has(phrase)


def test_the_longest_unused_makes_room(opened: Caches) -> None:
    cache = opened()
    kept(cache, "One.")
    size = cache.bytes
    small = opened(most_bytes=3 * size + 10)
    kept(small, "Two.", "Six.")
    phrases = {text: small.phrase(text, "joe", 1.0) for text in ("One.", "Two.", "Six.", "Ten.")}
    for age, text in enumerate(("Six.", "Two.", "One.")):
        os.utime(small._path(phrases[text]), (age, age))
    assert small.load(phrases["Six."]) is not None  # and so is the last used
    kept(small, "Ten.")
    assert {text for text, phrase in phrases.items() if small.has(phrase)} == {"One.", "Six.", "Ten."}
    assert len(files(small)) == 3
    assert small.bytes <= 3 * size + 10
    opened(most_bytes=0)
    assert files(small) == []


def test_a_forgotten_voice_leaves_nothing_and_what_is_being_made_in_it_is_not_kept(opened: Caches) -> None:
    cache = opened()
    kept(cache, "One.", "Two.")
    kept(cache, "One.", voice="amy")
    making = cache.phrase("Three.", "joe", 1.0)
    cache.forget_voice("joe")
    cache.keep(making, [SAID])
    kept(cache, "Two.", voice="amy")
    assert [cache.has(cache.phrase("One.", voice, 1.0)) for voice in ("joe", "amy")] == [False, True]
    assert {path.parent.name for path in files(cache)} == {cache.phrase("", "amy", 1.0).folder}
    kept(cache, "Three.")
    assert cache.has(cache.phrase("Three.", "joe", 1.0))


def test_only_what_is_asked_for_again_is_worth_keeping(opened: Caches) -> None:
    cache = opened()
    first = cache.phrase("Hello.", "joe", 1.0)
    assert [cache.is_asked_again(first) for _ in range(3)] == [False, True, True]
    for number in range(REMEMBERED):
        assert not cache.is_asked_again(cache.phrase(str(number), "joe", 1.0))
    assert not cache.is_asked_again(first)


def test_a_folder_that_cannot_be_written_to_is_no_error(opened: Caches) -> None:
    cache = opened()
    phrase = cache.phrase("Hello.", "joe", 1.0)
    cache._path(phrase).parent.write_bytes(b"in the way")
    kept(cache, "Hello.")
    assert not cache.has(phrase)
    kept(cache, "Hello.", voice="amy")
    assert cache.has(cache.phrase("Hello.", "amy", 1.0))

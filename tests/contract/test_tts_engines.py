"""What every synthesiser must do, whatever it is made of.

Each is run in the environment that is active: Chatterbox has one of its own, in which there is no Piper.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import CloningTtsEngine, Speech, SpokenWord, TtsEngine
from engines.tts.reader import Reader
from tests.contract.hum import Hum
from tests.engines.tts.made_up_voice import recording

TEXT = "Open the door, said Doctor Who to two men."
OTHER = "She sells shoes on Mondays only."


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine. `clones`: it takes on voices. `repeats`: the same text gives the same sound, to the sample."""

    load: Callable[[], Any]
    clones: bool = False
    repeats: bool = False


@cache
def hum() -> Hum:
    return Hum()


def candidates() -> list[Any]:
    """The engines of this environment."""
    found = [pytest.param(Candidate(hum, clones=True, repeats=True), id="hum")]
    if find_spec("chatterbox"):
        from tests.engines.tts.tiny_chatterbox import chatterbox  # noqa: PLC0415 - only there

        found.append(pytest.param(Candidate(chatterbox, clones=True), id="chatterbox"))
    else:
        from tests.engines.tts.voice import piper  # noqa: PLC0415 - not there

        found.append(pytest.param(Candidate(piper), id="piper", marks=pytest.mark.models))
    return found


@pytest.fixture(name="candidate", params=candidates())
def fixture_candidate(request: pytest.FixtureRequest) -> Candidate:
    candidate: Candidate = request.param
    return candidate


@pytest.fixture
def engine(candidate: Candidate) -> TtsEngine:
    engine: TtsEngine = candidate.load()
    return engine


@pytest.fixture(params=[found for found in candidates() if found.values[0].clones])
def cloning(request: pytest.FixtureRequest) -> CloningTtsEngine:
    candidate: Candidate = request.param
    engine: CloningTtsEngine = candidate.load()
    return engine


def sound_of(pieces: list[Speech]) -> NDArray[np.int16]:
    return np.concatenate([piece.pcm for piece in pieces])


def words_of(pieces: list[Speech]) -> list[SpokenWord]:
    return [word for piece in pieces for word in piece.words]


def colour(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """How a sound's energy lies over 40 bands: what one voice's clauses share and two voices' do not."""
    energy = np.abs(np.fft.rfft(pcm / 32768)) ** 2
    bands = np.linspace(0, len(energy) - 1, 41).astype(int)[:-1]
    shade: NDArray[np.float64] = np.log(np.add.reduceat(energy, bands) + 1e-6)
    shade -= shade.mean()
    return shade


def test_a_clause_is_16_bit_sound_with_its_words_in_order(engine: TtsEngine) -> None:
    pieces = list(engine.synthesize(TEXT, engine.voices[0]))
    assert all(piece.pcm.dtype == np.int16 and piece.pcm.ndim == 1 for piece in pieces)
    assert not pieces[-1].more
    assert not any(piece.cut for piece in pieces)
    sound = sound_of(pieces) / 32768
    seconds = len(sound) / engine.sample_rate
    assert 0.02 < seconds / len(TEXT) < 0.15
    assert 0.01 < np.sqrt(np.mean(sound**2)) < 0.5
    words = words_of(pieces)
    assert [word.text for word in words] == TEXT.split()
    assert all(TEXT[word.offset :].startswith(word.text) for word in words)
    assert all(0 <= word.start <= word.end for word in words)
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(words))
    assert words[-1].end <= seconds + 1e-6


def test_a_word_comes_with_the_piece_in_which_it_ends(engine: TtsEngine) -> None:
    made = 0.0
    for piece in engine.synthesize(TEXT, engine.voices[0]):
        made += len(piece.pcm) / engine.sample_rate
        assert all(word.end <= made + 1e-6 for word in piece.words)


def test_pieces_that_go_on_fit_without_a_click(engine: TtsEngine) -> None:
    pieces = list(engine.synthesize(TEXT, engine.voices[0]))
    bend = np.abs(np.diff(sound_of(pieces).astype(float), 2))
    around = engine.sample_rate // 10
    seams = np.cumsum([len(piece.pcm) for piece in pieces])[:-1]
    for seam, piece in zip(seams, pieces, strict=False):
        if piece.more:
            assert (
                bend[seam - 3 : seam + 2].max()
                <= np.delete(
                    bend[max(0, seam - around) : seam + around], slice(min(seam, around) - 3, min(seam, around) + 2)
                ).max()
            )


@pytest.mark.parametrize("text", ["", " \n\t", "...?!", "🙂🙂", "\x00\x1b", "\ud800", "\u202e\u200f"])
def test_nothing_comes_of_a_text_without_a_sound(engine: TtsEngine, text: str) -> None:
    assert list(Reader(engine).synthesize(text, engine.voices[0])) == []


def test_what_is_written_is_read_and_its_words_told(engine: TtsEngine) -> None:
    written = "Open at 10:30, said Dr. Who [STOP] to 2 men."
    pieces = list(Reader(engine).synthesize(written, engine.voices[0]))
    assert [word.text for word in words_of(pieces)] == written.split()


@pytest.mark.parametrize(
    ("text", "voice", "speed"),
    [
        (TEXT, "../../etc/passwd", 1.0),
        (TEXT, "", 1.0),
        ("x" * 10_000, None, 1.0),
        (TEXT, None, 0.0),
        (TEXT, None, 10.0),
        (TEXT, None, float("nan")),
    ],
)
def test_what_it_cannot_say_is_refused(engine: TtsEngine, text: str, voice: str | None, speed: float) -> None:
    with pytest.raises(InputError):
        next(engine.synthesize(text, engine.voices[0] if voice is None else voice, speed))


def test_closing_it_cancels_and_leaves_the_engine_to_others(engine: TtsEngine) -> None:
    pieces = engine.synthesize(TEXT, engine.voices[0])
    next(pieces)
    other = engine.synthesize(OTHER, engine.voices[0])
    next(other)
    assert isinstance(pieces, Generator)
    pieces.close()
    assert next(pieces, None) is None
    assert [word.text for word in words_of(list(other))][-1] == OTHER.rsplit(maxsplit=1)[-1]


def test_the_same_text_gives_the_same_sound_where_it_says_so(candidate: Candidate, engine: TtsEngine) -> None:
    first, second = (sound_of(list(engine.synthesize(TEXT, engine.voices[0]))) for _ in range(2))
    same = len(first) == len(second) and bool((first == second).all())
    assert same == candidate.repeats


def test_several_at_once_do_not_mix_texts(engine: TtsEngine) -> None:
    texts = [TEXT, OTHER, TEXT, OTHER]
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda text: words_of(list(engine.synthesize(text, engine.voices[0]))), texts))
    assert [[word.text for word in words] for words in said] == [text.split() for text in texts]


def test_several_at_once_do_not_mix_voices(cloning: CloningTtsEngine) -> None:
    for number in range(2):
        cloning.add_voice(f"clone-{number}", cloning.clone(recording(number, 1.5 + number, 16000), 16000))
    voices = [cloning.voices[0], "clone-0", "clone-1"]

    def said(voice: str) -> NDArray[np.float64]:
        return colour(sound_of(list(cloning.synthesize(OTHER, voice))))

    alone = {voice: said(voice) for voice in voices}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(said, [*voices, *voices]))
    for voice, heard in zip([*voices, *voices], together, strict=True):
        apart = {other: float(np.abs(heard - shade).mean()) for other, shade in alone.items()}
        assert min(apart, key=apart.__getitem__) == voice, apart
    for number in range(2):
        cloning.remove_voice(f"clone-{number}")


def test_a_cloned_voice_is_tensors_and_lives_until_it_is_removed(cloning: CloningTtsEngine) -> None:
    tensors = cloning.clone(recording(7, 1.5, 24000), 24000)
    for tensor in tensors.values():
        assert tensor.dtype in (np.float32, np.int64)
        assert tensor.flags["C_CONTIGUOUS"]
    before = cloning.voices
    cloning.add_voice("clone", tensors)
    assert cloning.voices == (*before, "clone")
    under_way = cloning.synthesize(OTHER, "clone")
    pieces = [next(under_way)]
    cloning.remove_voice("clone")
    assert cloning.voices == before
    pieces += under_way
    assert [word.text for word in words_of(pieces)] == OTHER.split()
    with pytest.raises(InputError):
        next(cloning.synthesize(OTHER, "clone"))
    with pytest.raises(KeyError):
        cloning.remove_voice("clone")


def test_broken_tensors_are_no_voice(cloning: CloningTtsEngine) -> None:
    good = dict(cloning.clone(recording(7, 1.5, 24000), 24000))
    before = cloning.voices
    broken: list[dict[str, NDArray[np.generic]]] = [{}, {**good, "more": np.zeros(1, np.float32)}]
    for name, tensor in good.items():
        broken.append({other: good[other] for other in good if other != name})
        others = [np.zeros((3, 3, 3, 3), np.float32), np.full(tensor.shape, None), np.full(tensor.shape, "x")]
        if tensor.dtype == np.float32:
            others += [np.full(tensor.shape, bad, np.float32) for bad in (np.nan, np.inf)]
        broken += [{**good, name: other} for other in others]
    for tensors in broken:
        with pytest.raises(InputError):
            cloning.add_voice("broken", tensors)
    assert cloning.voices == before


@pytest.mark.parametrize("sound", [0.0, np.nan, np.inf])
def test_what_is_no_sound_is_not_cloned(cloning: CloningTtsEngine, sound: float) -> None:
    for seconds in (0, 3):
        with pytest.raises(InputError):
            cloning.clone(np.full(seconds * 16000, sound, np.float32), 16000)

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.ports import VoiceTensors
from engines.tts import voice_file
from engines.tts.voice_file import BrokenVoice, ClonedVoice, is_id, new_id, parse, serialize
from engines.tts.voice_store import TooManyVoices, VoiceStore

ANNA = ClonedVoice("anna-1", "Anna", "tone", datetime(2026, 11, 24, 12, tzinfo=UTC), "yes", 10.5, "warm", "de")
TENSORS: VoiceTensors = {
    "across": np.arange(12, dtype=np.float32).reshape(3, 4).T,  # not in one piece
    "scalar": np.array(7, np.int64),
    "half": np.ones((1, 2, 3), np.float16)[:, ::-1],
    "none": np.zeros((0, 4), np.int32),
}
FILE = serialize(ANNA, TENSORS)


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(tmp_path / "voices", "tone", most=2)


def same(one: VoiceTensors, other: VoiceTensors) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one
    )


def test_what_was_saved_is_loaded_whatever_its_shape(store: VoiceStore) -> None:
    store.save(ANNA, TENSORS)
    about, tensors = store.load(ANNA.id)
    assert about == ANNA
    assert same(tensors, TENSORS)
    assert store.ids() == [ANNA.id]


def test_only_its_owner_may_read_it_and_nothing_else_is_left(store: VoiceStore, tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        store.save(ANNA, TENSORS)
    finally:
        os.umask(umask)
    (path,) = (tmp_path / "voices").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.delete(ANNA.id)
    assert not list((tmp_path / "voices").iterdir())
    with pytest.raises(KeyError):
        store.delete(ANNA.id)


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_a_write_that_fails_leaves_nothing(
    store: VoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, step, full)
    with pytest.raises(OSError, match="No space"):
        store.save(ANNA, TENSORS)
    assert not list((tmp_path / "voices").iterdir())


def test_what_a_write_that_was_killed_has_left_is_removed(store: VoiceStore, tmp_path: Path) -> None:
    old, new = (tmp_path / "voices" / f".writing-{name}" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(FILE)
    os.utime(old, (0, 0))
    assert store.ids() == []
    VoiceStore(tmp_path / "voices", "tone", most=2)
    assert (old.exists(), new.exists()) == (False, True)  # another process may be writing the new one


def test_it_takes_so_many_and_no_more(store: VoiceStore) -> None:
    for number in range(2):
        store.save(replace(ANNA, id=f"anna-{number}"), TENSORS)
    with pytest.raises(TooManyVoices):
        store.save(ANNA, TENSORS)
    store.delete("anna-0")
    store.save(replace(ANNA, id="anna-2"), TENSORS)


@pytest.mark.parametrize("bad", [{}, {"a": np.array([1.0, np.nan])}, {"a": np.array([np.inf], np.float16)}])
def test_what_is_no_voice_is_not_saved(store: VoiceStore, bad: VoiceTensors) -> None:
    with pytest.raises(BrokenVoice):
        store.save(ANNA, bad)
    assert store.ids() == []


def test_a_voice_that_is_too_big_is_not_saved(store: VoiceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_file, "MOST_BYTES", len(FILE) - 1)
    with pytest.raises(BrokenVoice, match="at most"):
        store.save(ANNA, TENSORS)


@pytest.mark.parametrize("voice", ["../anna", "/etc/passwd", "a/b", "", ".", "..", "ANNA", "a\0", "a\n", "a" * 65, "ä"])
def test_an_id_is_no_path(store: VoiceStore, voice: str) -> None:
    for act in (store.load, store.delete):
        with pytest.raises(KeyError):
            act(voice)
    with pytest.raises(KeyError):
        store.save(replace(ANNA, id=voice), TENSORS)
    assert store.ids() == []


@given(st.text(max_size=200))
def test_every_name_has_an_id_of_its_own(name: str) -> None:
    assert is_id(new_id(name))
    assert new_id(name) != new_id(name)


@given(at=st.integers(0, len(FILE) - 1), bits=st.integers(1, 255), length=st.integers(0, 2 * len(FILE)))
def test_a_file_that_was_changed_is_refused_or_says_the_same(at: int, bits: int, length: int) -> None:
    changed = bytearray(FILE)
    changed[at] ^= bits
    for data in (bytes(changed), FILE[:length], bytes(changed)[:length]):
        try:
            _, tensors = parse(ANNA.id, data)
        except BrokenVoice:
            continue
        assert same(tensors, TENSORS)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BrokenVoice):
        parse("anna", len(data).to_bytes(8, "little") + data)


def test_a_description_must_be_one() -> None:
    for said, instead in (
        (b"2026-11-24T12:00:00+00:00", b"2026-11-24T12:00:00+xx:00"),
        (b'"10.5"', b'"-inf"'),
        (b'"sha256"', b'"sha257"'),
    ):
        assert said in FILE
        with pytest.raises(BrokenVoice):
            parse("anna", FILE.replace(said, instead))

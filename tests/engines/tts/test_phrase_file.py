import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.ports import Speech, SpokenWord
from engines.tts.phrase_file import name_of, parse, serialize

NAME = name_of("engine", "voice", 1.0, "Hello.")
SECONDS = st.floats(0, 60)
WORDS = st.builds(SpokenWord, st.text(st.characters(), max_size=9), st.integers(0, 99), SECONDS, SECONDS)
PCM = st.lists(st.integers(-32768, 32767), max_size=20).map(lambda samples: np.array(samples, np.int16))
PIECES = st.lists(st.builds(Speech, PCM, st.lists(WORDS, max_size=3).map(tuple), st.booleans(), st.booleans()))


def plain(pieces: list[Speech] | tuple[Speech, ...]) -> list[object]:
    return [(piece.pcm.tolist(), str(piece.pcm.dtype), piece.words, piece.exact, piece.more) for piece in pieces]


@given(PIECES)
def test_what_was_written_is_read(pieces: list[Speech]) -> None:
    read = parse(NAME, serialize(NAME, pieces))
    assert read is not None
    assert plain(read) == plain(pieces)


@given(PIECES, st.data())
def test_a_file_that_is_damaged_or_torn_is_none(pieces: list[Speech], data: st.DataObject) -> None:
    whole = serialize(NAME, pieces)
    at = data.draw(st.integers(0, len(whole) - 1))
    assert parse(NAME, whole[:at]) is None
    assert parse(NAME, whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]) is None


@given(st.binary(max_size=200))
def test_any_other_bytes_are_none(data: bytes) -> None:
    assert parse(NAME, data) is None
    assert parse(NAME, b"phrase1\n" + data) is None


def test_a_file_under_another_name_is_none() -> None:
    assert parse(name_of("another"), serialize(NAME, [])) is None


@pytest.mark.parametrize("parts", [("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), ("a", 1.0), ("\ud800",)])
def test_names_tell_things_apart(parts: tuple[object, ...]) -> None:
    others = [("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), ("a", 1.0), ("\ud800",)]
    assert [name_of(*other) == name_of(*parts) for other in others].count(True) == 1

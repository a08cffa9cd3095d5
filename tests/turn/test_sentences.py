import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.turn.sentences import MAX_PIECE, SentenceSplitter


def pieces(text: str) -> list[str]:
    splitter = SentenceSplitter()
    found = [piece for char in text for piece in splitter.feed(char)]
    rest = splitter.flush()
    return [piece.strip() for piece in [*found, rest] if piece.strip()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("It costs 3.50 euros. Yes.", ["It costs 3.50 euros.", "Yes."]),
        ("Dr. Smith is in. Come at 5 p.m. today.", ["Dr. Smith is in.", "Come at 5 p.m. today."]),
        ("Open the big door, you said. Right, then.", ["Open the big door,", "you said.", "Right, then."]),
        ("No, yes.", ["No, yes."]),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("one\ntwo", ["one", "two"]),
    ],
)
def test_where_text_is_cut(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_sentence_is_given_out_without_the_next_one() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("I have found it. ") == ["I have found it."]


@given(st.text(max_size=600), st.integers(1, 40))
def test_nothing_is_lost_and_no_piece_is_endless(text: str, step: int) -> None:
    splitter = SentenceSplitter()
    found = [piece for at in range(0, len(text), step) for piece in splitter.feed(text[at : at + step])]
    rest = splitter.flush()
    assert "".join([*found, rest]) == text
    assert all(len(piece) <= MAX_PIECE + step for piece in found)

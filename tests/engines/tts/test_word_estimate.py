from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engines.ports import SpokenWord
from engines.tts.alignment import written_words
from engines.tts.word_estimate import CHARACTERS_PER_S, WordEstimate

TEXTS = st.text("ab.  ", max_size=60)
SECONDS = st.floats(0, 20)


@given(TEXTS, st.lists(SECONDS, max_size=6), SECONDS)
def test_each_word_comes_once_in_order_and_within_the_sound(text: str, pieces: list[float], last: float) -> None:
    estimate = WordEstimate(written_words(text))
    made = 0.0
    given_out: list[SpokenWord] = []
    for piece in pieces:
        made += piece
        words = estimate.until(made)
        assert all(word.end <= made for word in words)
        given_out += words
    given_out += estimate.rest(made + last)
    assert [(word.text, word.offset) for word in given_out] == [
        (word.text, word.offset) for word in written_words(text)
    ]
    assert all(word.start <= word.end <= made + last + 1e-6 for word in given_out)
    assert all(left.end <= right.start + 1e-6 for left, right in pairwise(given_out))


def test_the_last_word_waits_for_the_last_sound_and_what_is_left_shares_it() -> None:
    estimate = WordEstimate(written_words("one three nine"))
    assert estimate.until(0.1) == ()
    assert [word.text for word in estimate.until(60.0)] == ["one", "three"]
    assert [(word.text, round(word.end, 6)) for word in estimate.rest(60.0)] == [("nine", 60.0)]


def test_a_voice_is_taken_to_be_rather_slow() -> None:
    [first] = WordEstimate(written_words("seven men")).until(1.0)
    assert first == SpokenWord("seven", 0, 0.0, 6 / CHARACTERS_PER_S)

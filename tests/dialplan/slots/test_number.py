import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from media_server.dialplan.slots import Number, Value
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

PEOPLE: list[tuple[str, object]] = [
    ("four", 4), ("for four", 4), ("a table for 4", 4), ("4 people", 4), ("a dozen", 12), ("half a dozen", 6),
    ("there will be 11 of us", 11), ("twelve, please.", 12), ("make it eight", 8), ("a couple", 2),
    ("four, no, five people", 5), ("not four but five", 5), ("five, not four", 5), ("four... sorry, six", 6),
    ("no, five people", 5), ("five please, sorry about that", 5), ("not four", "no_match"),
    ("for four people at 7:30", 4), ("we are 4 at 7 p.m.", 4), ("on the 3rd", "no_match"), ("no one", "no_match"),
    ("4.50", "no_match"), ("four or five", "ambiguous"), ("two and three", "ambiguous"), ("twenty", "out_of_range"),
    ("1,250", "out_of_range"), ("hello", "no_match"), ("", "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PEOPLE)
def test_how_many_people(text: str, expected: object) -> None:
    assert told(Number(1, 12), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a hundred and five", 105), ("1,250", 1250), ("fifteen hundred", 1500), ("2 thousand", 2000), ("two dozen", 24)],
)
def test_larger_numbers(text: str, expected: int) -> None:
    assert told(Number(0, 5000), text) == expected


def test_below_zero_where_that_is_taken() -> None:
    assert told(Number(-20, 40), "minus five degrees") == -5
    assert told(Number(-20, 40), "-5") == -5
    assert told(Number(0, 40), "minus five") == 5


@pytest.mark.parametrize(
    ("keys", "expected"),
    [("4", 4), ("12", 12), ("13", "out_of_range"), ("0", "too_short"), ("0#", "out_of_range"), ("*", "nothing")],
)
def test_by_keys(keys: str, expected: object) -> None:
    assert told(Number(1, 12), "", keys) == expected


def test_a_key_that_can_be_all_of_it_ends_it_and_one_that_may_be_a_ten_does_not() -> None:
    assert Number(1, 12).feed("", "4") == Value(4, open_ended=False)
    assert Number(1, 12).feed("", "1") == Value(1, open_ended=True)
    assert Number(1, 12).feed("", "1#") == Value(1, open_ended=False)


@given(st.integers(0, 999_999_999))
def test_a_number_in_words_or_figures_is_heard(number: int) -> None:
    slot = Number(0, 10**9)
    for text in (
        num2words(number),
        f"{number:,}",
        str(number),
        slot.spoken(number),
        num2words(number).replace("-", " "),
    ):
        assert told(slot, text) == number


def test_it_says_which_words_it_was() -> None:
    text = "a table for twenty-one people"
    answer = Number(1, 30).feed(text)
    assert isinstance(answer, Value)
    assert answer.span is not None
    assert text[slice(*answer.span)] == "twenty-one"


def test_the_ends_must_fit() -> None:
    with pytest.raises(ConfigError):
        Number(5, 4)

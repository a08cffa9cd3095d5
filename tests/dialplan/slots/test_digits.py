import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from media_server.dialplan.slots import Digits, Missing, Value, spell
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

DIGITS = st.text("0123456789", min_size=1, max_size=15)
ZEROS = st.sampled_from(["zero", "oh", "o", "0"])
PHONE = [
    ("555-1212", "5551212"),
    ("5, 5, 5, 1, 2, 1, 2.", "5551212"),
    ("5551212", "5551212"),
    ("Five, five, five, one, two, one, two.", "5551212"),
    ("My number is five fifty-five, one two one two", "5551212"),
    ("eight hundred five five five one two one two", "8005551212"),
    ("double five oh triple two 34", "55022234"),
    ("I have 2 of them, it's 5551212", "5551212"),
    ("(415) 555-1212", "4155551212"),
    ("+1 415 555 1212", "14155551212"),
    ("um, it's 415, uh, 555, then 1212, thanks", "4155551212"),
    ("twenty twenty twenty twenty", "20202020"),
    ("one hundred twenty three four five six seven", "1234567"),
    ("four one five five five five for two one two", "4155554212"),
    ("4155551212, no, 4155551213", "4155551213"),
    ("it's not 4155551212, it's 4155551213", "4155551213"),
    ("five five five", "too_short"),
    ("1234567890123456", "too_long"),
    ("I don't have one", "no_match"),
    ("one moment please", "no_match"),
    ("what do you mean?", "no_match"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("text", "expected"), PHONE)
def test_a_telephone_number_is_taken_however_it_is_said(text: str, expected: str) -> None:
    assert told(Digits(7, 15), text) == expected


def test_of_a_known_length_it_is_satisfied_at_once_and_of_an_unknown_one_it_waits() -> None:
    assert Digits(7).feed("5551212") == Value("5551212", open_ended=False, span=(0, 7))
    assert Digits(7, 15).feed("5551212") == Value("5551212", open_ended=True, span=(0, 7))
    missing = Digits(10).feed("my number is 415 555")
    assert isinstance(missing, Missing)
    assert missing.begun
    assert missing.patience_s > 2


def test_the_end_of_a_number_may_be_said_again_where_its_length_is_known() -> None:
    assert told(Digits(10), "415 555, sorry, 556 1212") == "4155561212"
    assert told(Digits(10), "415, wait, 555 1212") == "4155551212"


def test_what_sounds_like_a_digit_is_one_at_the_end_only_where_one_is_missing() -> None:
    assert told(Digits(4), "five five one for") == "5514"
    assert told(Digits(3), "five five one for") == "551"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("123456", "123456"), ("1234567", "too_long"), ("12345", "too_short"), ("12345#", "too_short"),
        ("12*123456", "123456"), ("12#123456", "123456"), ("*", "nothing"), ("#", "nothing"), ("12ab3456", "123456"),
    ],
)  # fmt: skip
def test_keys_win_over_words(keys: str, expected: str) -> None:
    assert told(Digits(6), "999999", keys) == expected


def test_keys_of_an_unknown_number_are_open_until_the_pound_key() -> None:
    assert Digits(4, 8).feed("", "12345") == Value("12345", open_ended=True)
    assert Digits(4, 8).feed("", "12345#") == Value("12345", open_ended=False)


@given(DIGITS)
def test_what_is_read_back_is_heard_again(digits: str) -> None:
    assert told(Digits(len(digits)), Digits(len(digits)).spoken(digits)) == digits


@given(DIGITS, st.data())
def test_digits_are_heard_in_any_grouping(digits: str, data: st.DataObject) -> None:
    said, rest = [], digits
    while rest:
        size = data.draw(st.integers(1, min(4, len(rest))))
        group, rest = rest[:size], rest[size:]
        words = [num2words(int(digit)) if digit != "0" else data.draw(ZEROS) for digit in group]
        if data.draw(st.booleans()):
            words = [group]
        elif len(group) == 2 and group[0] > "1" and group[1] != "0":
            words = [num2words(int(group))]
        elif len(group) == 3 and group[1:] == "00" and group[0] != "0":
            words = [f"{num2words(int(group[0]))} hundred"]
        elif len(group) == 2 and group[0] == group[1]:
            words = ["double", num2words(int(group[0]))]
        said.append(" ".join(words))
    text = data.draw(st.sampled_from([", ", ". ", "; "])).join(said)
    assert told(Digits(len(digits)), f"It's {text}.") == digits


def test_it_takes_sensible_lengths_only() -> None:
    for lengths in ((0,), (5, 4), (1, 33)):
        with pytest.raises(ConfigError):
            Digits(*lengths)
    with pytest.raises(ConfigError, match="English"):
        Digits(4, language="de")


def test_spelling_makes_groups_as_people_say_them() -> None:
    assert spell("5551212") == "5 5 5, 1 2 1 2"
    assert spell("4155551212") == "4 1 5, 5 5 5, 1 2 1 2"
    assert spell("AB-12") == "A B, 1 2"
    assert spell("4242424242424242") == "4 2 4 2, 4 2 4 2, 4 2 4 2, 4 2 4 2"
    assert spell("") == ""

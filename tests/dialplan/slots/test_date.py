from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from media_server.dialplan.slots import Date, Missing, Value
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

WEDNESDAY = date(2026, 11, 25)
COMING = Date(future=True, today=WEDNESDAY)
GONE = Date(past=True, today=WEDNESDAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-25"), ("tonight", "2026-11-25"), ("Tomorrow.", "2026-11-26"),
        ("the day after tomorrow", "2026-11-27"), ("Friday", "2026-11-27"), ("on Friday.", "2026-11-27"),
        ("this Friday", "2026-11-27"), ("next Friday", "2026-12-04"), ("Friday next week", "2026-12-04"),
        ("Wednesday", "2026-12-02"), ("this Wednesday", "2026-11-25"), ("a week from Friday", "2026-12-04"),
        ("the 3rd", "2026-12-03"), ("the third", "2026-12-03"), ("the twenty fifth", "2026-11-25"),
        ("the 3rd of next month", "2026-12-03"), ("March 3rd", "2027-03-03"), ("March three", "2027-03-03"),
        ("the third of March", "2027-03-03"), ("3 March", "2027-03-03"), ("March the 3rd", "2027-03-03"),
        ("March 3, 2027", "2027-03-03"), ("twenty-first of January", "2027-01-21"), ("the 4th of July", "2027-07-04"),
        ("Friday the 4th", "2026-12-04"), ("Friday, the 4th of December", "2026-12-04"),
        ("Fri the 27th", "2026-11-27"), ("3/4", "2027-03-04"), ("2027-03-04", "2027-03-04"),
        ("24.12.2026", "2026-12-24"), ("24/12/2026", "2026-12-24"), ("in two weeks", "2026-12-09"),
        ("in three days", "2026-11-28"), ("a week from now", "2026-12-02"), ("in a month", "2026-12-25"),
        ("Christmas Eve", "2026-12-24"), ("um, how about next Monday", "2026-11-30"),
        ("March third at 7:30", "2027-03-03"), ("February 29th", "2028-02-29"),
        ("Friday, I mean Saturday", "2026-11-28"), ("not Friday, Saturday", "2026-11-28"),
        ("not on Friday but on Saturday", "2026-11-28"), ("Friday... no, Sunday", "2026-11-29"),
        ("Friday or Saturday", "ambiguous"), ("Friday the 5th of December", "ambiguous"),
        ("yesterday", "out_of_range"), ("February 30th", "out_of_range"), ("March", "too_short"),
        ("for four people", "no_match"), ("the second one", "no_match"), ("", "nothing"),
    ],
)  # fmt: skip
def test_a_day_to_come(text: str, expected: str) -> None:
    assert str(told(COMING, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("March third nineteen eighty-four", "1984-03-03"), ("3/3/84", "1984-03-03"), ("12/25/1999", "1999-12-25"),
        ("the 3rd of March 2006", "2006-03-03"), ("June 5th two thousand and six", "2006-06-05"),
        ("May 1st nineteen oh five", "1905-05-01"), ("March 3rd twenty twenty", "2020-03-03"),
        ("last Friday", "2026-11-20"), ("Friday", "2026-11-20"), ("three days ago", "2026-11-22"),
        ("March 3rd", "2026-03-03"), ("tomorrow", "out_of_range"),
    ],
)  # fmt: skip
def test_a_day_that_is_gone(text: str, expected: str) -> None:
    assert str(told(GONE, text)) == expected


def test_without_a_direction_the_nearest_day_is_meant() -> None:
    slot = Date(today=lambda: WEDNESDAY)
    assert told(slot, "October 5th") == date(2026, 10, 5)
    assert told(slot, "March 3rd") == date(2027, 3, 3)


def test_between_two_days() -> None:
    slot = Date(first=date(2026, 11, 25), last=date(2026, 12, 1), today=WEDNESDAY)
    assert told(slot, "Wednesday") == WEDNESDAY  # in a week it is too late
    assert told(slot, "the third") == "out_of_range"


@pytest.mark.parametrize(
    ("slot", "keys", "expected"),
    [
        (COMING, "0303", "2027-03-03"), (COMING, "03", "too_short"), (COMING, "1332", "out_of_range"),
        (GONE, "03031984", "1984-03-03"), (GONE, "0303", "too_short"), (GONE, "0303#", "2026-03-03"),
        (GONE, "00000000", "out_of_range"), (COMING, "#", "nothing"),
    ],
)  # fmt: skip
def test_by_keys(slot: Date, keys: str, expected: str) -> None:
    assert str(told(slot, "", keys)) == expected


def test_a_day_without_its_month_may_go_on_and_half_a_date_is_waited_for() -> None:
    for text, open_ended in (("the 3rd", True), ("the 3rd of March", False), ("Friday or", True)):
        answer = COMING.feed(text)
        assert isinstance(answer, Value)
        assert answer.open_ended is open_ended
    missing = COMING.feed("on the")
    assert isinstance(missing, Missing)
    assert missing.begun


WORDINGS = (
    lambda day: f"{day:%B} {num2words(day.day, to='ordinal')}, {day.year}",
    lambda day: f"the {num2words(day.day, to='ordinal')} of {day:%B} {day.year}",
    lambda day: f"{day:%A} {day:%B} {day.day} {day.year}",
    lambda day: f"{day.day} {day:%b} {day.year}",
    lambda day: f"{day.month}/{day.day}/{day.year}",
    lambda day: day.isoformat(),
    lambda day: f"{day:%B} {num2words(day.day)} {num2words(day.year, to='year')}",
)


@given(st.dates(WEDNESDAY, WEDNESDAY + timedelta(1200)), st.sampled_from(WORDINGS))
def test_a_day_is_heard_in_many_wordings(day: date, wording: object) -> None:
    assert callable(wording)
    assert told(COMING, f"on {wording(day)}, please") == day


@given(st.dates(WEDNESDAY, WEDNESDAY + timedelta(1200)))
def test_what_is_read_back_is_heard_again(day: date) -> None:
    assert told(COMING, COMING.spoken(day)) == day


def test_how_a_day_is_read_back() -> None:
    assert COMING.spoken(date(2026, 12, 3)) == "Thursday, the 3rd of December"
    assert COMING.spoken(date(2027, 12, 11)) == "Saturday, the 11th of December, 2027"


def test_the_arguments_must_fit() -> None:
    with pytest.raises(ConfigError):
        Date(future=True, past=True)
    with pytest.raises(ConfigError):
        Date(first=date(2026, 2, 1), last=date(2026, 1, 1))

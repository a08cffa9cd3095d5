from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from media_server.dialplan.slots import Time, Value
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

EVENING = Time(after="17:00", before="22:30")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7:30", "7:30 PM"), ("seven thirty", "7:30 PM"), ("Half past seven.", "7:30 PM"), ("19:30", "7:30 PM"),
        ("a quarter to eight", "7:45 PM"), ("quarter of eight", "7:45 PM"), ("7 30 p.m.", "7:30 PM"),
        ("1930", "7:30 PM"),
        ("7.30", "7:30 PM"), ("7-30", "7:30 PM"), ("seven", "7 PM"), ("7", "7 PM"), ("at 7 o'clock", "7 PM"),
        ("7 p.m.", "7 PM"), ("7PM", "7 PM"), ("ten past nine", "9:10 PM"), ("nineteen thirty", "7:30 PM"),
        ("nineteen hundred hours", "7 PM"), ("seven oh five", "7:05 PM"), ("eight in the evening", "8 PM"),
        ("tonight at 8", "8 PM"), ("half seven", "7:30 PM"), ("for four people at seven", "7 PM"),
        ("7, no, 8", "8 PM"), ("not seven but eight", "8 PM"), ("8 am", "out_of_range"), ("four", "out_of_range"),
        ("eight or nine", "ambiguous"), ("half past", "too_short"), ("whenever you like", "no_match"), ("", "nothing"),
    ],
)  # fmt: skip
def test_a_time_of_the_evening(text: str, expected: str) -> None:
    assert str(told(EVENING, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("noon", "noon"), ("twelve noon", "noon"), ("midnight", "midnight"), ("12 a.m.", "midnight"),
        ("12:30", "12:30 PM"),
        ("9", "9 AM"), ("seven", "7 PM"), ("07:30", "7:30 AM"), ("7:30 in the morning", "7:30 AM"), ("one", "1 PM"),
        ("quarter to one", "12:45 PM"), ("00:15", "12:15 AM"), ("2 at night", "2 AM"), ("eleven at night", "11 PM"),
    ],
)  # fmt: skip
def test_any_time(text: str, expected: str) -> None:
    assert str(told(Time(), text)) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("1930", "7:30 PM"), ("0730", "7:30 PM"), ("730#", "7:30 PM"), ("7#", "7 PM"), ("19", "too_short"),
        ("2560", "no_match"), ("0400", "out_of_range"), ("#", "nothing"), ("19305", "too_long"),
    ],
)  # fmt: skip
def test_by_keys(keys: str, expected: str) -> None:
    assert str(told(EVENING, "", keys)) == expected


def test_over_midnight() -> None:
    slot = Time(after="22:00", before="02:00")
    assert told(slot, "one") == time(1)
    assert told(slot, "eleven") == time(23)
    assert told(slot, "nine") == "out_of_range"


def test_an_hour_alone_may_go_on() -> None:
    for text, open_ended in (("seven", True), ("seven thirty", False), ("7 PM", False)):
        answer = EVENING.feed(text)
        assert isinstance(answer, Value)
        assert answer.open_ended is open_ended


def test_it_reads_well_aloud_and_is_a_time_all_the_same() -> None:
    heard = told(EVENING, "half past seven")
    assert f"at {heard}" == "at 7:30 PM"
    assert f"{heard:%H:%M}" == "19:30"
    assert heard == time(19, 30)
    assert heard.isoformat() == "19:30:00"


TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))


def said(at: time) -> list[str]:
    """Wordings that say it whole."""
    half = "in the morning" if at.hour < 12 else "p.m."
    hour = num2words(at.hour % 12 or 12)
    minute = f"oh {num2words(at.minute)}" if at.minute < 10 else num2words(at.minute)
    wordings = [
        f"{at:%H:%M}",
        f"{at:%I:%M %p}",
        f"{at.hour % 12 or 12}.{at.minute:02} {'am' if at.hour < 12 else 'pm'}",
    ]
    wordings.append(f"{hour} {minute} {half}" if at.minute else f"{hour} o'clock {half}")
    if 0 < at.minute <= 30:
        wordings.append(f"{num2words(at.minute)} minutes past {hour} {half}")
    if at.minute == 30:
        wordings.append(f"half past {hour} {half}")
    return wordings


@given(TIMES)
def test_a_time_is_heard_in_many_wordings(at: time) -> None:
    for wording in (*said(at), Time().spoken(told(Time(), f"{at:%H:%M}"))):
        assert told(Time(), f"At {wording}, please.") == at, wording


def test_the_ends_must_be_times() -> None:
    with pytest.raises(ConfigError, match="17:00"):
        Time(after="five")

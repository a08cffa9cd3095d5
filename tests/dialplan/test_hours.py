from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.hours import parse_window


def at(text: str) -> datetime:
    """`Thu 09:00` of a week that begins on Monday, the 4th."""
    day, time = text.split()
    number = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun").index(day) + 4
    return datetime.fromisoformat(f"2026-05-{number:02}T{time}")


@pytest.mark.parametrize(
    ("window", "during", "beside"),
    [
        ("Mon-Fri 09:00-17:30", ["Mon 09:00", "Fri 17:29"], ["Mon 08:59", "Fri 17:30", "Sat 12:00"]),
        ("sat,sun", ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
        ("9:00-24:00", ["Mon 23:59", "Sun 09:00"], ["Mon 00:00"]),
        ("Fri-Mon 10:00-11:00", ["Fri 10:30", "Mon 10:30"], ["Tue 10:30"]),
        ("Fri 22:00-06:00", ["Fri 22:00", "Sat 05:59"], ["Fri 05:00", "Sat 06:00", "Sat 23:00"]),
        ("Sun 22:00-06:00", ["Mon 03:00"], ["Sun 03:00"]),
        ("Mon-Tue, Thu 08:00-09:00", ["Tue 08:00", "Thu 08:59"], ["Wed 08:00"]),
    ],
)
def test_a_window_is_open_when_it_says(window: str, during: list[str], beside: list[str]) -> None:
    parsed = parse_window(window)
    assert [moment for moment in during if not parsed.open_at(at(moment))] == []
    assert [moment for moment in beside if parsed.open_at(at(moment))] == []


@pytest.mark.parametrize("window", ["", " ", "Mon-", "9-17", "25:00-26:00", "Mon 24:00-25:00", "09:60-10:00", "Foo"])
def test_what_is_no_window_is_refused(window: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|no time"):
        parse_window(window)


@given(st.text(alphabet="MonTueFriSat,-: 0123456789", max_size=30))
def test_any_text_is_a_window_or_a_value_error(text: str) -> None:
    try:
        window = parse_window(text)
    except ValueError:
        return
    assert window.open_at(datetime(2026, 5, 4)) in (True, False)  # noqa: DTZ001 - the wall clock of a zone

"""When a route is open: `Mon-Fri 09:00-17:30`. Pure.

A window names days (`Mon`, `Mon-Fri`, `Sat,Sun`, `Fri-Mon`), times, or both; without days it is every day's, without
times the whole day's. It opens at its first minute and is closed at its last one. `22:00-06:00` goes on into the next
morning, and belongs to the day on which it begins; `24:00` is the end of a day. Times are those of the wall clock, so
that a summer time is a matter of the time zone.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MINUTES = 24 * 60

_DAY = "|".join(DAYS)
_WINDOW = re.compile(
    rf"(?P<days>(?:{_DAY})(?:-(?:{_DAY}))?(?:\s*,\s*(?:{_DAY})(?:-(?:{_DAY}))?)*)?"
    r"\s*(?:(?P<opens>\d\d?:\d\d)\s*-\s*(?P<closes>\d\d?:\d\d))?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Window:
    """`opens`, `closes`: minutes of the day; one that closes no later than it opens does so on the next day."""

    text: str
    days: frozenset[int]
    opens: int
    closes: int

    def open_at(self, at: datetime) -> bool:
        """Whether it is open then, by the wall clock that `at` shows."""
        day, minute = at.weekday(), at.hour * 60 + at.minute
        if self.opens < self.closes:
            return day in self.days and self.opens <= minute < self.closes
        yesterday = (day - 1) % len(DAYS)
        return (day in self.days and minute >= self.opens) or (yesterday in self.days and minute < self.closes)

    @override
    def __str__(self) -> str:
        return self.text


def parse_window(text: str) -> Window:
    """A window.

    Raises:
        ValueError: It is none.
    """
    match = _WINDOW.fullmatch(text.strip())
    if match is None or not text.strip():
        raise ValueError(f"{text!r}: hours such as 'Mon-Fri 09:00-17:30' are wanted")
    days = _days(match["days"]) if match["days"] else frozenset(range(len(DAYS)))
    if match["opens"] is None:
        return Window(text.strip(), days, 0, MINUTES)
    return Window(text.strip(), days, _minute(match["opens"], MINUTES - 1), _minute(match["closes"], MINUTES))


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = (name.strip().capitalize() for name in part.partition("-"))
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update((begin + step) % len(DAYS) for step in range((end - begin) % len(DAYS) + 1))
    return frozenset(found)


def _minute(text: str, most: int) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute > 59 or hour * 60 + minute > most:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{text!r} is no time of the day")
    return hour * 60 + minute

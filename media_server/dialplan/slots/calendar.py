"""Which day is meant by what was said of a date. Pure.

A day that is in no year yet is taken from the side that the question allows: the next one, the last one, or the
nearest. "Friday", said on a Friday, is in a week; "this Friday" is today; "next Friday" is the one of next week, which
begins on Monday.
"""

import calendar
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from media_server.dialplan.slots.date_words import Spoken

_WEEK = 7
_NEAR = 93
"""Days in which "Friday the 3rd" must be."""

_A_YEAR = 366
"""… and "Friday the 3rd of March"."""

_CENTURY = 100
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are taken, and from which side of today one is looked for."""

    today: date
    future: bool = False
    past: bool = False
    first: date | None = None
    last: date | None = None

    def takes(self, day: date) -> bool:
        """Whether a day is among them."""
        if (self.future and day < self.today) or (self.past and day > self.today):
            return False
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def rank(self, day: date) -> tuple[bool, int]:
        """Smaller is likelier."""
        distance = (day - self.today).days
        return (self.future and distance < 0) or (self.past and distance > 0), abs(distance)


def resolve(spoken: Spoken, window: Window) -> date | str:
    """The day, or why there is none: out_of_range, ambiguous."""
    try:
        candidates = list(_candidates(spoken, window))
    except OverflowError:
        return "out_of_range"
    if spoken.weekday is not None and spoken.day is not None:
        candidates = [day for day in candidates if day.weekday() == spoken.weekday]
        if spoken.year is None:
            near = _NEAR if spoken.month is None else _A_YEAR
            candidates = [day for day in candidates if abs((day - window.today).days) <= near]
        if not any(map(window.takes, candidates)):
            return "ambiguous"  # one of the two was misheard
    return next((day for day in candidates if window.takes(day)), "out_of_range")


def _candidates(spoken: Spoken, window: Window) -> Iterator[date]:
    """The days that it may be, the likeliest first."""
    today = window.today
    if spoken.day is not None and spoken.month is not None:
        years: Iterable[int] = range(today.year - 9, today.year + 10)  # 29th of February
        if spoken.year is not None:
            years = _full(spoken.year, window) if spoken.short_year else (spoken.year,)
        yield from _ranked(window, years, lambda year: _day(year, spoken.month or 1, spoken.day or 1))
    elif spoken.day is not None and spoken.months is not None:
        month = _later(today.replace(day=1), spoken.months)
        if (day := _day(month.year, month.month, spoken.day)) is not None:
            yield day
    elif spoken.day is not None:
        first = today.replace(day=1)
        months = (_later(first, offset) for offset in range(-_MONTHS, _MONTHS + 1))
        yield from _ranked(window, months, lambda month: _day(month.year, month.month, spoken.day or 1))
    elif spoken.weekday is not None:
        for day in _weekdays(spoken.weekday, spoken.which, window):
            yield _later(day, spoken.months or 0) + timedelta(spoken.days or 0)
    else:
        yield _later(today, spoken.months or 0) + timedelta(spoken.days or 0)


def _ranked(window: Window, places: Iterable[object], day_in: Callable[..., date | None]) -> list[date]:
    days = [day for place in places if (day := day_in(place)) is not None]
    return sorted(days, key=window.rank)


def _full(short: int, window: Window) -> tuple[int, ...]:
    """The years that two digits may stand for, within a hundred."""
    century = window.today.year - window.today.year % _CENTURY
    return tuple(century + offset + short for offset in (0, -_CENTURY))


def _weekdays(weekday: int, which: str, window: Window) -> tuple[date, ...]:
    today = window.today
    ahead = (weekday - today.weekday()) % _WEEK
    monday = today - timedelta(today.weekday())
    match which:
        case "this":
            return (today + timedelta(ahead),)
        case "next":
            return (monday + timedelta(_WEEK + weekday),)
        case "last":
            return (today - timedelta((today.weekday() - weekday) % _WEEK or _WEEK),)
    coming = today + timedelta(ahead or _WEEK)
    before = today - timedelta((today.weekday() - weekday) % _WEEK or _WEEK)
    same = (today,) if ahead == 0 else ()
    return (before, *same, coming) if window.past else (coming, *same, before)


def _later(day: date, months: int) -> date:
    """So many months later, or the last day of that month."""
    if not months:
        return day
    number = day.year * _MONTHS + day.month - 1 + months
    year, month = number // _MONTHS, number % _MONTHS + 1
    if not date.min.year <= year <= date.max.year:
        raise OverflowError
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

"""Dates as people say them and recognisers write them, not yet put on the calendar. Pure.

"Friday", "next Friday", "Friday the 3rd of March", "March 3rd, 2027", "the third", "3/4/2027", "in two weeks", "a week
from Friday", "the day after tomorrow". Which day of which year that is, is for `calendar.py` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from media_server.dialplan.slots.correction import Found
from media_server.dialplan.slots.numerals import Numeral, below_hundred, cardinal, ordinal
from media_server.dialplan.slots.words import MASK, Words, phrase_at, phrases_of, said

MONTHS: Mapping[str, int] = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12, "jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7,
    "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
WEEKDAYS: Mapping[str, int] = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6, "tues": 1,
    "weds": 2, "thurs": 3, "fri": 4,
}  # fmt: skip
_DAYS: Mapping[tuple[str, ...], int] = {
    ("the", "day", "after", "tomorrow"): 2, ("day", "after", "tomorrow"): 2, ("the", "day", "before", "yesterday"): -2,
    ("day", "before", "yesterday"): -2, ("today",): 0, ("tonight",): 0, ("this", "evening"): 0, ("this", "morning"): 0,
    ("this", "afternoon"): 0, ("tomorrow",): 1, ("yesterday",): -1,
}  # fmt: skip
_FEASTS: Mapping[tuple[str, ...], tuple[int, int]] = {
    ("christmas", "eve"): (24, 12), ("christmas", "day"): (25, 12), ("christmas",): (25, 12),
    ("boxing", "day"): (26, 12), ("new", "year's", "eve"): (31, 12), ("new", "year's", "day"): (1, 1),
    ("new", "year's"): (1, 1), ("valentine's", "day"): (14, 2), ("halloween",): (31, 10),
}  # fmt: skip
_NAMES = phrases_of((*_DAYS, *_FEASTS))
_UNITS: Mapping[str, tuple[int, int]] = {
    "day": (1, 0), "days": (1, 0), "week": (7, 0), "weeks": (7, 0), "fortnight": (14, 0), "fortnights": (14, 0),
    "month": (0, 1), "months": (0, 1), "year": (0, 12), "years": (0, 12),
}  # fmt: skip
_WHICH: Mapping[str, str] = {"this": "this", "coming": "this", "next": "next", "following": "next", "last": "last"}
_LAST_DAY, _LAST_MONTH = 31, 12
_OLDEST, _NEWEST = 1900, 2100
_TEN, _HUNDRED = 10, 100
_FARTHEST = 1_000
"""Days, weeks or months from now."""

_FOUR, _THREE, _TWO = 4, 3, 2


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said of a date.

    Attributes:
        which: this, next or last, of the week that a weekday is in.
        days: From today, or from the weekday, where that was said.
        months: From today; without days, of the month that `day` is in.
        short_year: Of two digits.
    """

    day: int | None = None
    month: int | None = None
    year: int | None = None
    weekday: int | None = None
    which: str = ""
    days: int | None = None
    months: int | None = None
    short_year: bool = False


@dataclass(frozen=True, slots=True)
class DateWords:
    """The grammar, with the years that may be said without a month's being missed: not "twenty thirty" for a time."""

    years: tuple[int, int]

    def read(self, words: Words, at: int) -> Found[Spoken] | None:
        """The date that begins at this word."""
        return (
            _numeric(words, at)
            or _named(words, at)
            or _distance(words, at)
            or self._weekday(words, at)
            or self._day_of_month(words, at)
        )

    def _weekday(self, words: Words, at: int) -> Found[Spoken] | None:
        begin, which = at, ""
        while begin < len(words) and words[begin].text in _WHICH and begin - at < _TWO:
            which, begin = which or _WHICH[words[begin].text], begin + 1
        if begin >= len(words) or words[begin].text not in WEEKDAYS:
            return None
        spoken, end = Spoken(weekday=WEEKDAYS[words[begin].text], which=which), begin + 1
        for phrase, kind in ((("next", "week"), "next"), (("of", "next", "week"), "next"), (("this", "week"), "this")):
            if said(words, end, *phrase):
                return Found(replace(spoken, which=kind), at, end + len(phrase))
        more = self._day_of_month(words, end)
        if more is None and end < len(words) and words[end].text in ("the", "on"):
            more = self._day_of_month(words, end + 1)
        if more is not None and MASK not in words[end].before:
            return Found(replace(more.value, weekday=spoken.weekday), at, more.end, open_ended=more.open_ended)
        return Found(spoken, at, end)

    def _day_of_month(self, words: Words, at: int) -> Found[Spoken] | None:
        if at >= len(words):
            return None
        if words[at].text in MONTHS:
            return self._month_day(words, at)
        begin = at + 1 if words[at].text == "the" else at
        nth = ordinal(words, begin)
        day = nth or _day_number(words, begin)
        if day is None or not 1 <= day.value <= _LAST_DAY:
            return None
        of = day.end + 1 if said(words, day.end, "of") else day.end
        if of < len(words) and words[of].text in MONTHS and MASK not in words[of].before:
            year = self._year(words, of + 1)
            spoken = Spoken(day=day.value, month=MONTHS[words[of].text], year=year.value if year else None)
            return Found(spoken, at, year.end if year else of + 1)
        return _bare(words, at, begin, nth) if nth is not None else None

    def _month_day(self, words: Words, at: int) -> Found[Spoken] | None:
        begin = at + 2 if said(words, at + 1, "the") else at + 1
        if begin < len(words) and MASK in words[begin].before:
            return None
        day = ordinal(words, begin) or _day_number(words, begin)
        if day is None or not 1 <= day.value <= _LAST_DAY:
            return None
        year = self._year(words, day.end)
        spoken = Spoken(day=day.value, month=MONTHS[words[at].text], year=year.value if year else None)
        return Found(spoken, at, year.end if year else day.end)

    def _year(self, words: Words, at: int) -> Numeral | None:
        if at >= len(words) or words[at].before not in ("", ",", "-"):
            return None
        if words[at].number:
            value = int(words[at].text) if len(words[at].text) == _FOUR else 0
            return Numeral(value, at + 1) if _OLDEST <= value < _NEWEST else None
        first = below_hundred(words, at)
        if first is None:
            return None
        second = below_hundred(words, first.end)
        if said(words, first.end, "oh") and (unit := below_hundred(words, first.end + 1)) is not None:
            second = unit if unit.value < _TEN else None
        elif second is not None and second.value < _TEN:
            second = None
        read = cardinal(words, at)
        if second is not None:
            read = Numeral(first.value * _HUNDRED + second.value, second.end)
        return read if read is not None and self.years[0] <= read.value <= self.years[1] else None


def _bare(words: Words, at: int, begin: int, nth: Numeral) -> Found[Spoken] | None:
    """A day in no month ("the third"), or in one beside this ("the 3rd of next month")."""
    for phrase, months in ((("this", "month"), 0), (("next", "month"), 1), (("last", "month"), -1)):
        if said(words, nth.end, "of", *phrase):
            return Found(Spoken(day=nth.value, months=months), at, nth.end + 1 + len(phrase))
    if _counts_one(words, nth.end):
        return None
    the = begin > at or (at > 0 and words[at - 1].text == "the") or words[begin].number
    return Found(Spoken(day=nth.value), at, nth.end, sure=the, open_ended=True)


def _day_number(words: Words, at: int) -> Numeral | None:
    """Such as "March three", "March 3", but not the 3 of "3:30"."""
    if at >= len(words):
        return None
    word = words[at]
    if not word.number:
        return below_hundred(words, at)
    follows = at + 1 < len(words) and words[at + 1].tight and words[at + 1].before in (":", "/", ".")
    follows = follows and words[at + 1].number
    return None if follows or len(word.text) > _TWO else Numeral(int(word.text), at + 1)


def _counts_one(words: Words, at: int) -> bool:
    """Such as "the second one", "the first time"."""
    return at < len(words) and words[at].text in ("one", "time", "option", "thing", "choice", "half", "of")


def _numeric(words: Words, at: int) -> Found[Spoken] | None:
    """Such as "3/4/2027", "24.12.2027", "2027-03-04"; with slashes the month first, as in the USA."""
    if at + 1 >= len(words) or not words[at].number or (at > 0 and words[at].tight and words[at - 1].number):
        return None
    sign, end = words[at + 1].before, at + 1
    while (
        end < len(words) and end - at < _THREE and words[end].number and words[end].tight and words[end].before == sign
    ):
        end += 1
    figures = [word.text for word in words[at:end]]
    if sign not in ("/", "-", ".") or len(figures) < _TWO or (len(figures) == _TWO and sign != "/"):
        return None
    if any(len(figure) > _FOUR for figure in figures):
        return None
    if len(figures) == _THREE and len(figures[0]) == _FOUR:
        year, first, second = (int(figure) for figure in figures)
        return _checked(Spoken(day=second, month=first, year=year), at, end)
    if len(figures) == _THREE and len(figures[2]) not in (_TWO, _FOUR):
        return None
    first, second = int(figures[0]), int(figures[1])
    day_first = sign == "." or first > _LAST_MONTH
    day, month = (first, second) if day_first else (second, first)
    stated = int(figures[2]) if len(figures) == _THREE else None
    return _checked(Spoken(day, month, stated, short_year=stated is not None and len(figures[2]) == _TWO), at, end)


def _checked(spoken: Spoken, at: int, end: int) -> Found[Spoken] | None:
    in_calendar = 1 <= (spoken.day or 0) <= _LAST_DAY and 1 <= (spoken.month or 0) <= _LAST_MONTH
    in_time = spoken.year is None or spoken.short_year or _OLDEST <= spoken.year < _NEWEST
    return Found(spoken, at, end) if in_calendar and in_time else None


def _named(words: Words, at: int) -> Found[Spoken] | None:
    phrase = phrase_at(words, at, _NAMES)
    if phrase is None:
        return None
    if phrase in _DAYS:
        return Found(Spoken(days=_DAYS[phrase]), at, at + len(phrase))
    day, month = _FEASTS[phrase]
    return Found(Spoken(day=day, month=month), at, at + len(phrase))


def _distance(words: Words, at: int) -> Found[Spoken] | None:
    """Such as "in two weeks", "a week from Friday", "three days ago"."""
    inside = said(words, at, "in")
    begin = at + 1 if inside else at
    article = said(words, begin, "a") or said(words, begin, "an") or said(words, begin, "one")
    number = Numeral(1, begin + 1) if article else cardinal(words, begin)
    if said(words, begin, "a", "couple"):
        number = Numeral(2, begin + 2)
    if number is None or number.value > _FARTHEST:
        return None
    unit = number.end + 1 if said(words, number.end, "of") else number.end
    if unit >= len(words) or words[unit].text not in _UNITS:
        return None
    days, months = (each * number.value for each in _UNITS[words[unit].text])
    end = unit + 1
    past = said(words, end, "ago")
    anchor = None
    if said(words, end, "from") and end + 1 < len(words):
        anchor = _named(words, end + 1)
        weekday = WEEKDAYS.get(words[end + 1].text)
        if anchor is None and weekday is not None:
            return Found(Spoken(weekday=weekday, days=days, months=months or None), at, end + 2)
        now = said(words, end + 1, "now")
        end = anchor.end if anchor is not None else end + 2 if now else end
        past = False
        if anchor is None and not now:
            return None
    elif past:
        end += 1
    elif not inside:
        return None
    sign = -1 if past else 1
    offset = (anchor.value.days or 0) if anchor is not None else 0
    return Found(Spoken(days=sign * days + offset, months=sign * months or None), at, end)

"""`Date`: which day. English, in a grammar of its own. Pure.

Libraries were tried on 43 phrases of a caller ("the third of March", "Friday the 4th", "a week from Friday"): of those
dateparser 1.5 reads 27 right and takes a second and more to import, parsedatetime 2.6 21, python-dateutil 15; this
grammar was written to read all. Nor do they say where in the text the date stands, or whether more of it may follow.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, TypeAlias

from media_server.dialplan.slots.arguments import check, entry, typing
from media_server.dialplan.slots.calendar import Window, resolve
from media_server.dialplan.slots.correction import Found, choose, find
from media_server.dialplan.slots.date_words import MONTHS, DateWords, Spoken
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, Missing, Value
from media_server.dialplan.slots.words import Words, set_of, words_of

Today: TypeAlias = date | Callable[[], date] | None

_DAY_MONTH_YEAR, _MONTH_DAY = 8, 4
_YEARS_AHEAD = 5
_BEGUN = set_of("the on of next this coming in last day") | frozenset(MONTHS)
_NTH = {1: "st", 2: "nd", 3: "rd"}
_TEENS = range(11, 14)
_NAMELESS_DAYS = 300
"""A day that is further away is said with its year."""


class Date:
    """A day, as a `datetime.date`.

    `future` and `past` say where it lies (today is in both), `first` and `last` between which days, both taken.
    """

    secret = False
    keyterms: tuple[str, ...] = ()
    """None: every recogniser knows dates."""

    def __init__(
        self,
        *,
        future: bool = False,
        past: bool = False,
        first: date | None = None,
        last: date | None = None,
        today: Today = None,
        language: str = "en",
    ) -> None:
        """`today`: the day it is, or a function that tells; else that of this machine.

        Raises:
            ConfigError: They do not fit, or the language is not known.
        """
        fits = first is None or last is None or first <= last
        check("Date", language=language, future_or_past_and_not_both=not (future and past), first_is_after_last=fits)
        self.future, self.past, self.first, self.last = future, past, first, last
        self._today = today

    @property
    def keys_hint(self) -> str:
        """Month and day; of a day in the past day, month and year."""
        if self.past:
            return "Please type the day, the month and the year, as eight digits."
        return "Please type the month and the day, as four digits."

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[date]:
        """The day of the words, or of the keys."""
        window = self._window()
        return self._typed(*entry(dtmf), window) if dtmf else self._heard(text, window, sure=False)

    def among(self, text: str) -> Missing | Value[date]:
        """In an answer to several questions: what can be nothing but a day; not a bare "third"."""
        return self._heard(text, self._window(), sure=True)

    def spoken(self, value: Any) -> str:
        """Such as "Friday, the 3rd of March", with the year where it is far away."""
        nth = "th" if value.day in _TEENS else _NTH.get(value.day % 10, "th")
        said = f"{value:%A}, the {value.day}{nth} of {value:%B}"
        far = abs((value - self._window().today).days) > _NAMELESS_DAYS
        return f"{said}, {value.year}" if far else said

    def _heard(self, text: str, window: Window, *, sure: bool) -> Missing | Value[date]:
        words = words_of(text)
        years = (window.today.year - 1, window.today.year + _YEARS_AHEAD)
        grammar = DateWords((1900, window.today.year) if self.past else years)

        def read(words: Words, at: int) -> Found[date | str] | None:
            found = grammar.read(words, at)
            if found is None or (sure and not found.sure):
                return None
            yearless = self.past and found.value.month is not None and found.value.year is None
            day = resolve(found.value, window)
            return Found(day, at, found.end, found.sure, found.open_ended or yearless)

        chosen = choose(words, find(words, read), lambda day: day if isinstance(day, str) else "")
        if isinstance(chosen, Value):
            assert isinstance(chosen.value, date)
            return Value(chosen.value, chosen.open_ended, chosen.span)
        if chosen.reason == "no_match" and words and words[-1].text in _BEGUN:
            return Missing(BEGUN_S, "too_short", begun=True)
        return chosen

    def _window(self) -> Window:
        today = self._today() if callable(self._today) else self._today
        return Window(today or datetime.now().astimezone().date(), self.future, self.past, self.first, self.last)

    def _typed(self, digits: str, ended: bool, window: Window) -> Missing | Value[date]:
        whole = _DAY_MONTH_YEAR if self.past else _MONTH_DAY
        if len(digits) < whole and not ended:
            return typing("too_short" if digits else "nothing")
        if len(digits) == _DAY_MONTH_YEAR:
            spoken = Spoken(int(digits[:2]), int(digits[2:4]), int(digits[4:]))
        elif len(digits) == _MONTH_DAY:
            spoken = Spoken(int(digits[2:]), int(digits[:2]))
        else:
            short = "too_short" if len(digits) < whole else "too_long"
            return Missing(NO_MATCH_S, short if digits else "nothing")
        day = resolve(spoken, window)
        return Missing(NO_MATCH_S, day) if isinstance(day, str) else Value(day)

"""`Time`: when on a day. Pure."""

import datetime as dt
from typing import Any

from typing_extensions import override

from media_server.dialplan.slots.arguments import check, entry, typing
from media_server.dialplan.slots.clock_words import Clock, clock, hours
from media_server.dialplan.slots.correction import Found, choose, find
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, Missing, Value
from media_server.dialplan.slots.words import Words, said, set_of, words_of
from media_server.errors import ConfigError

_NOON = 12
_KEYS = 4
_HOURS, _MINUTES = 24, 60
_BEGUN = set_of("half quarter past to at around about")


class ClockTime(dt.time):
    """A time of day that reads well aloud: "7:30 PM", "7 PM", "noon"."""

    __slots__ = ()

    @override
    def __str__(self) -> str:
        if self.minute == 0 and self.hour % _NOON == 0:
            return "noon" if self.hour else "midnight"
        hour = self.hour % _NOON or _NOON
        half = "PM" if self.hour >= _NOON else "AM"
        return f"{hour}:{self.minute:02} {half}" if self.minute else f"{hour} {half}"

    @override
    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if spec else str(self)


class Time:
    """A time of day, from `after` to `before` ("17:00"), both taken; where they cross midnight, over it.

    An hour without am or pm is the one that fits them.
    """

    secret = False
    keyterms: tuple[str, ...] = ()
    """None: every recogniser knows times."""
    keys_hint = "Please type the time as four digits, two for the hour and two for the minutes."

    def __init__(self, *, after: str | None = None, before: str | None = None, language: str = "en") -> None:
        """`after` and `before` as "HH:MM".

        Raises:
            ConfigError: They are no times, or the language is not known.
        """
        check("Time", language=language)
        self.after, self.before = _bound("after", after), _bound("before", before)

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[ClockTime]:
        """The time of the words, or of the keys."""
        return self._typed(*entry(dtmf)) if dtmf else self._heard(text, sure=False)

    def among(self, text: str) -> Missing | Value[ClockTime]:
        """In an answer to several questions: what can be nothing but a time ("at seven", "7:30", "7 PM")."""
        return self._heard(text, sure=True)

    def spoken(self, value: Any) -> str:
        """As it reads aloud: "7:30 PM"."""
        return str(value)

    def _heard(self, text: str, *, sure: bool) -> Missing | Value[ClockTime]:
        words = words_of(text)
        found = [one for one in find(words, self._read) if one.sure or not sure]
        chosen = choose(words, found, lambda time: "" if time is not None else "out_of_range")
        if isinstance(chosen, Value):
            assert chosen.value is not None
            return Value(chosen.value, chosen.open_ended, chosen.span)
        if chosen.reason == "no_match" and words and words[-1].text in _BEGUN:
            return Missing(BEGUN_S, "too_short", begun=True)
        return chosen

    def _read(self, words: Words, at: int) -> Found[ClockTime | None] | None:
        found = clock(words, at)
        if found is None or _counts(words, found):
            return None
        return Found(self._fitting(found.value), at, found.end, found.sure, found.open_ended)

    def _fitting(self, said_so: Clock) -> ClockTime | None:
        times = (ClockTime(hour, said_so.minute) for hour in hours(said_so))
        return next((time for time in times if self._allowed(time)), None)

    def _allowed(self, time: ClockTime) -> bool:
        late, early = self.after is None or time >= self.after, self.before is None or time <= self.before
        crossing = self.after is not None and self.before is not None and self.after > self.before
        return late or early if crossing else late and early

    def _typed(self, digits: str, ended: bool) -> Missing | Value[ClockTime]:
        if len(digits) < _KEYS and not ended:
            return typing("too_short" if digits else "nothing")
        if not digits or len(digits) > _KEYS:
            return Missing(NO_MATCH_S, "too_long" if digits else "nothing")
        short = len(digits) <= len("12")  # the hour alone
        hour, minute = (int(digits), 0) if short else (int(digits[:-2]), int(digits[-2:]))
        if hour >= _HOURS or minute >= _MINUTES:
            return Missing(NO_MATCH_S, "no_match")
        exact, other = ClockTime(hour, minute), ClockTime((hour + _NOON) % _HOURS, minute)
        for time in (exact, other) if 0 < hour <= _NOON else (exact,):
            if self._allowed(time):
                return Value(time)
        return Missing(NO_MATCH_S, "out_of_range")


def _counts(words: Words, found: Found[Clock]) -> bool:
    """Whether a bare number counts something: "four people"."""
    return not found.sure and any(said(words, found.end, noun) for noun in ("people", "persons", "guests", "of"))


def _bound(name: str, text: str | None) -> ClockTime | None:
    if text is None:
        return None
    try:
        time = dt.time.fromisoformat(text)
    except ValueError:
        raise ConfigError(f'Time: {name}={text!r} is no time such as "17:00"') from None
    return ClockTime(time.hour, time.minute)

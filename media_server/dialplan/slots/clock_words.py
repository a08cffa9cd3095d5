"""Times of day as people say them and recognisers write them. Pure.

"7:30", "seven thirty", "half past seven", "a quarter to eight", "7 30 p.m.", "19:30", "nineteen hundred", "noon".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from media_server.dialplan.slots.correction import Found
from media_server.dialplan.slots.numerals import UNITS, ZEROS, Numeral, below_hundred
from media_server.dialplan.slots.words import Words, joined, phrase_at, phrases_of, said, set_of

_HALVES: Mapping[tuple[str, ...], str] = {
    ("am",): "am", ("a", "m"): "am", ("pm",): "pm", ("p", "m"): "pm", ("in", "the", "morning"): "am",
    ("this", "morning"): "am", ("in", "the", "afternoon"): "pm", ("this", "afternoon"): "pm",
    ("in", "the", "evening"): "pm", ("this", "evening"): "pm", ("tonight",): "pm", ("at", "night"): "night",
}  # fmt: skip
_HALF_PHRASES = phrases_of(_HALVES)
_BEFORE_HALVES: Mapping[str, str] = {"morning": "am", "afternoon": "pm", "evening": "pm", "tonight": "pm"}
_AT = set_of("at around about by before after from until till past")
_PAST, _TO = frozenset(("past", "after")), frozenset(("to", "of", "before", "till"))
_NOON, _TEN = 12, 10
_MORNING = 8
"""An hour from here to noon is of the morning, unless somebody says otherwise."""

_HOURS, _MINUTES = 24, 60
_FOUR, _THREE, _TWO = 4, 3, 2
_LATE = 5
"""Up to this hour "at night" is after midnight."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time as it was said: `half` is am, pm, night, or "24" where the hour itself tells; empty where nothing does."""

    hour: int
    minute: int
    half: str = ""


def half_of_day(words: Words, at: int) -> tuple[str, int] | None:
    """am, pm or night, and the index of the word behind it."""
    phrase = phrase_at(words, at, _HALF_PHRASES)
    return (_HALVES[phrase], at + len(phrase)) if phrase is not None else None


def clock(words: Words, at: int) -> Found[Clock] | None:
    """The time that begins at this word."""
    for phrase, hour in ((("noon",), _NOON), (("midday",), _NOON), (("midnight",), 0)):
        if said(words, at, *phrase):
            return Found(Clock(hour, 0, "24"), at, at + 1)
    relative = _relative(words, at)
    if relative is not None:
        return _with_half(words, at, relative, sure=True)
    plain = _figures(words, at) or _hour_and_minute(words, at)
    if plain is None:
        return None
    if plain.value.minute == 0 and plain.value.hour == _NOON and plain.end < len(words):
        name = words[plain.end].text
        if name in ("noon", "midday", "midnight"):
            return Found(Clock(0 if name == "midnight" else _NOON, 0, "24"), at, plain.end + 1)
    return _with_half(words, at, plain, sure=plain.sure)


def _with_half(words: Words, at: int, time: Found[Clock], *, sure: bool) -> Found[Clock]:
    value, end = time.value, time.end
    half = half_of_day(words, end)
    if half is not None:
        return Found(Clock(value.hour, value.minute, half[0]), at, half[1])
    sure = sure or (at > 0 and words[at - 1].text in _AT)
    if at > 1 and words[at - 1].text == "at" and words[at - 2].text in _BEFORE_HALVES and not value.half:
        value = Clock(value.hour, value.minute, _BEFORE_HALVES[words[at - 2].text])
    return Found(value, at, end, sure, open_ended=time.open_ended)


def _hour(words: Words, at: int) -> Numeral | None:
    """An hour of one word, or of two above twenty."""
    if at >= len(words):
        return None
    text = words[at].text
    if words[at].number:
        return Numeral(int(text), at + 1) if len(text) <= _TWO and int(text) <= _HOURS else None
    number = Numeral(0, at + 1) if text == "zero" else below_hundred(words, at)
    return number if number is not None and number.value <= _HOURS else None


def _figures(words: Words, at: int) -> Found[Clock] | None:
    """In figures: "7:30", "7.30", "19:30:00", "1930", "730"."""
    if not words[at].number:
        return None
    text, end = words[at].text, at + 1
    if len(text) in (_THREE, _FOUR):
        hour, minute = text[:-2], text[-2:]
        end = end + 1 if said(words, end, "hours") else end
        sure = end > at + 1
    elif len(text) <= _TWO and end < len(words) and _minutes_follow(words, end):
        hour, minute = text, words[end].text
        sure = words[end].before == ":"
        end += 1
        if end < len(words) and words[end].number and words[end].tight and words[end].before == ":":  # seconds
            end += 1
    else:
        return None
    if int(hour) >= _HOURS or int(minute) >= _MINUTES:
        return None
    return Found(Clock(int(hour), int(minute), _by_itself(hour, int(hour))), at, end, sure)


def _minutes_follow(words: Words, at: int) -> bool:
    after = words[at]
    return after.number and after.tight and after.before in (":", ".") and len(after.text) == _TWO


def _by_itself(written: str, hour: int) -> str:
    """The mark "24" where an hour needs no am or pm: "19", "07", "0"."""
    return "24" if hour > _NOON or hour == 0 or written.startswith("0") else ""


def _hour_and_minute(words: Words, at: int) -> Found[Clock] | None:
    """Such as "seven thirty", "7 30", "seven oh five", "nineteen hundred hours", "seven o'clock", "seven"."""
    hour = _hour(words, at)
    if hour is None:
        return None
    written = words[at].text if words[at].number else ""
    half = _by_itself(written, hour.value)
    value = hour.value % _HOURS
    for phrase in (("o'clock",), ("o", "clock"), ("hundred", "hours"), ("hundred",)):
        if said(words, hour.end, *phrase):
            if phrase[0] == "hundred":
                return Found(Clock(value, 0, "24"), at, hour.end + len(phrase), sure=len(phrase) > 1)
            return Found(Clock(value, 0, half), at, hour.end + len(phrase))
    minute = _minute(words, hour.end)
    if minute is None or hour.value == _HOURS:
        return Found(Clock(value, 0, half), at, hour.end, sure=False, open_ended=True)
    return Found(Clock(value, minute.value, half), at, minute.end, sure=not _short(words, at, minute.end))


def _short(words: Words, at: int, end: int) -> bool:
    """Two figures in a row may be something else: "4 15"."""
    return any(word.number for word in words[at:end])


def _minute(words: Words, at: int) -> Numeral | None:
    if not joined(words, at):
        return None
    text = words[at].text
    if words[at].number:
        return Numeral(int(text), at + 1) if len(text) == _TWO and int(text) < _MINUTES else None
    if text in ZEROS and joined(words, at + 1):
        unit = UNITS.get(words[at + 1].text) or (
            int(words[at + 1].text) if len(words[at + 1].text) == 1 and words[at + 1].number else 0
        )
        return Numeral(unit, at + 2) if unit else None
    number = below_hundred(words, at)
    return number if number is not None and _TEN <= number.value < _MINUTES else None


def _relative(words: Words, at: int) -> Found[Clock] | None:
    """Such as "half past seven", "half seven", "a quarter to eight", "ten minutes past nine"."""
    begin = at + 1 if said(words, at, "a", "quarter") else at
    if said(words, begin, "half") or said(words, begin, "quarter"):
        minutes, end = 30 if words[begin].text == "half" else 15, begin + 1
    elif (number := below_hundred(words, at) or _figure(words, at)) is not None and 0 < number.value < _MINUTES:
        minutes, end = number.value, number.end
        if said(words, end, "minutes") or said(words, end, "minute"):
            end += 1
    else:
        return None
    half_hour = said(words, begin, "half")
    side = words[end].text if end < len(words) else ""
    past, to = side in _PAST, side in _TO
    hour = _hour(words, end + 1) if past or to else (_hour(words, end) if half_hour else None)
    if hour is None or hour.value == _HOURS or (to and half_hour):
        return None
    if side == "of" and minutes not in (5, 10, 15, 20, 25):
        return None
    end = hour.end + 1 if said(words, hour.end, "o'clock") else hour.end
    if to:
        return Found(_earlier(hour.value, _MINUTES - minutes), at, end)
    return Found(Clock(hour.value, minutes, _by_itself("", hour.value)), at, end)


def _figure(words: Words, at: int) -> Numeral | None:
    word = words[at]
    return Numeral(int(word.text), at + 1) if word.number and len(word.text) <= _TWO else None


def _earlier(hour: int, minute: int) -> Clock:
    before = (hour - 1) % _HOURS
    if hour == 1:
        return Clock(_NOON, minute)
    return Clock(before, minute, _by_itself("", before))


def hours(said_so: Clock) -> tuple[int, ...]:
    """The hours of the day that it may be, the likelier one first.

    Without a word for it, from eight to eleven the morning is likelier, else the afternoon.
    """
    hour = said_so.hour
    if said_so.half == "24" or hour > _NOON or (hour == 0 and not said_so.half):
        return (hour,)
    early, late = hour % _NOON, hour % _NOON + _NOON
    if said_so.half == "night":
        return (early,) if early < _LATE else (late,)
    if said_so.half:
        return (early,) if said_so.half == "am" else (late,)
    return (early, late) if _MORNING <= hour < _NOON else (late, early)

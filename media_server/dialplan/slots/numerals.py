"""English numbers in words and in digits, read from a place in an answer. Pure.

text2num 3.1 was tried: it knows neither "oh" nor "double five" nor "a dozen", and does not say where in the text a
number stands, which several questions answered in one sentence need.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from media_server.dialplan.slots.words import Words, joined, said

UNITS: Mapping[str, int] = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
}  # fmt: skip
TEENS: Mapping[str, int] = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS: Mapping[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40,
    "fiftieth": 50, "sixtieth": 60, "seventieth": 70, "eightieth": 80, "ninetieth": 90,
}  # fmt: skip
ZEROS = frozenset(("zero", "oh", "o", "nought", "naught", "nil", "ought"))
_SCALES: Mapping[str, int] = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_SUFFIXES = frozenset(("st", "nd", "rd", "th"))
_MOST_DIGITS = 15
_TEN, _HUNDRED = 10, 100
_IN_THREES = 3


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number that was read, and the index of the word behind it."""

    value: int
    end: int


def below_hundred(words: Words, at: int) -> Numeral | None:
    """A number word or two: "seven", "seventeen", "seventy", "twenty-one". Digits are not words."""
    if at >= len(words):
        return None
    text = words[at].text
    for table in (UNITS, TEENS):
        if text in table:
            return Numeral(table[text], at + 1)
    if text not in TENS:
        return None
    unit = UNITS.get(words[at + 1].text, 0) if joined(words, at + 1) else 0
    return Numeral(TENS[text] + unit, at + 2) if unit else Numeral(TENS[text], at + 1)


def digits_at(words: Words, at: int) -> Numeral | None:
    """A number in digits, with commas for thousands or not: "4", "1,250". Not the 3 of "3rd", nor decimals."""
    if at >= len(words) or not words[at].number or len(words[at].text) > _MOST_DIGITS:
        return None
    text, end = words[at].text, at + 1
    if len(text) <= _IN_THREES:
        while end < len(words) and _thousands(words, end) and len(text) < _MOST_DIGITS:
            text, end = text + words[end].text, end + 1
    if end < len(words) and words[end].glued and words[end].text in _SUFFIXES:
        return None
    return Numeral(int(text), end)


def cardinal(words: Words, at: int) -> Numeral | None:
    """A whole number as it is said or written: "twenty-one", "a hundred and five", "2 thousand", "half a dozen"."""
    if (dozens := _dozens(words, at)) is not None:
        return dozens
    first = _below_thousand(words, at) or digits_at(words, at)
    if first is None:
        return None
    total, part, end = 0, first.value, first.end
    least = None
    while end < len(words) and (scale := _SCALES.get(words[end].text)) and joined(words, end):
        if least is not None and scale >= least:
            break
        total, part, end, least = total + part * scale, 0, end + 1, scale
        after = end + 1 if said(words, end, "and") else end
        more = _below_thousand(words, after) or digits_at(words, after)
        if (
            more is None
            or more.value >= scale
            or not (after > end or joined(words, after) or _goes_on(words, more, end))
        ):
            break
        part, end = more.value, more.end
    return Numeral(total + part, end)


def ordinal(words: Words, at: int) -> Numeral | None:
    """A place in an order: "3rd", "third", "twenty-first"."""
    if at >= len(words):
        return None
    text = words[at].text
    if text in ORDINALS:
        return Numeral(ORDINALS[text], at + 1)
    if at + 1 < len(words):
        after = words[at + 1]
        if words[at].number and len(text) <= _MOST_DIGITS and after.text in _SUFFIXES and after.before in ("", "-"):
            return Numeral(int(text), at + 2)
        unit = ORDINALS.get(after.text, _TEN)
        if text in TENS and unit < _TEN and joined(words, at + 1):
            return Numeral(TENS[text] + unit, at + 2)
    return None


def _goes_on(words: Words, more: Numeral, at: int) -> bool:
    """Whether behind a comma the same number goes on: "two thousand, five hundred", but not "two thousand, five"."""
    scaled = more.end < len(words) and words[more.end].text in _SCALES
    return words[at].before == "," and (more.value >= _HUNDRED or scaled)


def _thousands(words: Words, at: int) -> bool:
    """Whether three digits behind a comma belong to the number in front."""
    word = words[at]
    return word.number and len(word.text) == _IN_THREES and word.before == "," and word.tight


def _dozens(words: Words, at: int) -> Numeral | None:
    for phrase, value in ((("half", "a", "dozen"), 6), (("a", "dozen"), 12), (("a", "couple"), 2)):
        if said(words, at, *phrase):
            return Numeral(value, at + len(phrase))
    some = below_hundred(words, at) or digits_at(words, at)
    if some is not None and (said(words, some.end, "dozen") or said(words, some.end, "dozens")):
        return Numeral(some.value * 12, some.end + 1)
    return Numeral(12, at + 1) if said(words, at, "dozen") else None


def _below_thousand(words: Words, at: int) -> Numeral | None:
    """Below a thousand: "three hundred and five", "a hundred", "fifteen hundred", or what is below a hundred."""
    if said(words, at, "a", "hundred"):
        hundreds: Numeral | None = Numeral(1, at + 1)
    else:
        hundreds = below_hundred(words, at) or digits_at(words, at)
    if hundreds is None or hundreds.value >= _HUNDRED or not said(words, hundreds.end, "hundred"):
        return below_hundred(words, at)
    end = hundreds.end + 1
    value = hundreds.value * _HUNDRED
    after = end + 1 if said(words, end, "and") else end
    rest = below_hundred(words, after) or digits_at(words, after)
    if rest is not None and 0 < rest.value < _HUNDRED and (after > end or joined(words, after)):
        return Numeral(value + rest.value, rest.end)
    return Numeral(value, end)

"""Rows of digits as people say them and recognisers write them. Pure.

"555-1212", "5, 5, 5, 1, 2, 1, 2.", "five fifty-five", "double five", "eight hundred", "oh" for zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from media_server.dialplan.slots.correction import negated
from media_server.dialplan.slots.numerals import TENS, UNITS, ZEROS, below_hundred
from media_server.dialplan.slots.words import FILLERS, MASK, Words, joined, said, set_of

_TIMES: Mapping[str, int] = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SOUNDS_LIKE: Mapping[str, str] = {"for": "4", "fore": "4", "to": "2", "too": "2", "won": "1", "ate": "8", "tree": "3"}
_SAID_OTHERWISE: Mapping[str, str] = {"niner": "9"} | dict.fromkeys(ZEROS, "0")
_SUFFIXES = frozenset(("st", "nd", "rd", "th"))
_WITHIN = FILLERS | set_of("and then dash hyphen space dot point comma a the is it's that's its area code my number")
"""They stand between the groups of one number."""

_NO_DIGIT_BEHIND_ONE = set_of("moment second sec minute more of thing time is sec'")
_NO_DIGIT_BEFORE_ONE = set_of("the that this which no any every other another some first last")
_BESIDE_ONE = _WITHIN | set_of("one number my is yes")
_TEN, _HUNDRED, _THOUSAND = 10, 100, 1_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some digits, and the words they were read from.

    Attributes:
        apart: Words that belong to no number stand between the part before it and this one.
    """

    digits: str
    start: int
    end: int
    apart: bool


def parts(words: Words, *, homophones: bool = False) -> list[Part]:
    """All digits of an answer, in order. "for" and "to" between digits are some; with `homophones` at the end too."""
    found: list[Part] = []
    at, apart = 0, False
    while at < len(words):
        read = _read(words, at)
        if read is None and words[at].text in _SOUNDS_LIKE and _beside_digits(words, at, found, at_end=homophones):
            read = _SOUNDS_LIKE[words[at].text], at + 1
        if read is None or negated(words, at):
            apart = apart or words[at].text not in _WITHIN
            at += 1
            continue
        digits, end = read
        found.append(Part(digits, at, end, apart or MASK in words[at].before))
        at, apart = end, False
    lone = len(found) == 1 and words[found[0].start].text == "one" and found[0].end == found[0].start + 1
    return [] if lone and any(word.text not in _BESIDE_ONE for word in words) else found


def _read(words: Words, at: int) -> tuple[str, int] | None:
    word = words[at]
    if word.number:
        ordinal = at + 1 < len(words) and words[at + 1].glued and words[at + 1].text in _SUFFIXES
        return None if ordinal else _hundreds(words, at) or (word.text, at + 1)
    if word.text in _SAID_OTHERWISE:
        return _SAID_OTHERWISE[word.text], at + 1
    if word.text in _TIMES and at + 1 < len(words) and (one := _single(words, at + 1)):
        return one * _TIMES[word.text], at + 2
    if word.text == "one" and _no_digit(words, at):
        return None
    read = _hundreds(words, at)
    if read is None and (number := below_hundred(words, at)) is not None:
        return str(number.value), number.end
    return read


def _single(words: Words, at: int) -> str:
    """One digit, as a word or a figure; empty where there is none."""
    text = words[at].text
    if text in ZEROS:
        return "0"
    if text in UNITS:
        return str(UNITS[text])
    return text if len(text) == 1 and words[at].number else ""


def _hundreds(words: Words, at: int) -> tuple[str, int] | None:
    """Such as "eight hundred", "two thousand and six"; in "eight hundred five five" the fives follow."""
    if said(words, at, "a", "hundred") or said(words, at, "a", "thousand"):
        value, end = 1, at + 1
    elif (number := below_hundred(words, at)) is not None:
        value, end = number.value, number.end
    elif words[at].number and int(words[at].text[:4]) < _HUNDRED and len(words[at].text) < len("100"):
        value, end = int(words[at].text), at + 1
    else:
        return None
    if value == 0 or end >= len(words) or words[end].text not in ("hundred", "thousand"):
        return None
    value *= _HUNDRED if words[end].text == "hundred" else _THOUSAND
    end += 1
    after = end + 1 if said(words, end, "and") else end
    rest = below_hundred(words, after)
    if rest is None or rest.value == 0 or not (after > end or joined(words, after)):
        return str(value), end
    alone = rest.value >= _TEN or after > end or not _digit_follows(words, rest.end)
    return (str(value + rest.value), rest.end) if alone else (str(value), end)


def _digit_follows(words: Words, at: int) -> bool:
    if at >= len(words):
        return False
    word = words[at]
    return word.number or word.text in UNITS or word.text in TENS or word.text in ZEROS or word.text in _TIMES


def _no_digit(words: Words, at: int) -> bool:
    """Whether "one" is no number: "one moment", "that one"."""
    if at + 1 < len(words) and words[at + 1].text in _NO_DIGIT_BEHIND_ONE:
        return True
    return at > 0 and words[at - 1].text in _NO_DIGIT_BEFORE_ONE and not _digit_follows(words, at + 1)


def _beside_digits(words: Words, at: int, found: list[Part], *, at_end: bool) -> bool:
    if not found or found[-1].end != at:
        return False
    return _digit_follows(words, at + 1) or (at_end and (at + 1 == len(words) or words[at + 1].text in _SOUNDS_LIKE))

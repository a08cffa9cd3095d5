"""What counts when somebody corrects themselves: "four, no, five people", "not Friday, Saturday". Pure.

An answer falls into *stretches* at the words by which people take back what they said. The last one counts first; the
ones before it count where it says nothing of what was asked for ("five please, sorry about that"). What stands behind
"not" does not count at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from media_server.dialplan.slots.slot import NO_MATCH_S, NOTHING_S, Missing, Value
from media_server.dialplan.slots.words import FILLERS, MASK, Words, phrase_at, phrases_of, set_of

T = TypeVar("T")

_TAKEN_BACK_BY = """
no wait, no sorry, oh wait, or rather, i mean, i meant, make it, make that, scratch that, hang on, hold on,
change it to, let's say, no, nope, sorry, actually, rather, wait, correction
"""
_TAKES_BACK = phrases_of(tuple(phrase.split()) for phrase in _TAKEN_BACK_BY.split(","))
_AFTER_NO = set_of("one more less later earlier thanks thank problem problems worries idea preference")
"""Behind "no" they make something else of it."""

_BETWEEN = FILLERS | set_of("or and to on at in for the a it's it is was about around")
"""With nothing but these between them, two values are two answers to one question."""

_UNFINISHED = set_of("or no not but actually sorry wait um uh er")
_LEADING = set_of("on at in for the a by of until it's it")
_REACH = 3
_MOST_STRETCHES = 8


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A value that stands in the words from `start` up to `end`; beside one that is sure, one that is not is none."""

    value: T
    start: int
    end: int
    sure: bool = True
    open_ended: bool = False


def takes_back(words: Words, at: int) -> int:
    """How many words there take back what was said before them."""
    phrase = phrase_at(words, at, _TAKES_BACK)
    if phrase is None or (phrase == ("no",) and at + 1 < len(words) and words[at + 1].text in _AFTER_NO):
        return 0
    return len(phrase)


def stretches(words: Words) -> list[tuple[int, int]]:
    """The stretches of an answer, as indices of its words; the one that counts first is the first."""
    found: list[tuple[int, int]] = []
    start = at = 0
    while at < len(words):
        if length := takes_back(words, at):
            found.append((start, at))
            at += length
            start = at
        else:
            at += 1
    found.append((start, len(words)))
    found = found[-_MOST_STRETCHES:]
    return [(begin, end) for begin, end in reversed(found) if end > begin]


def find(words: Words, read: Callable[[Words, int], Found[T] | None]) -> list[Found[T]]:
    """All that `read` finds, from left to right, none of it twice."""
    found: list[Found[T]] = []
    at = 0
    while at < len(words):
        one = read(words, at)
        if one is not None:
            found.append(one)
        at = at + 1 if one is None else max(one.end, at + 1)
    return found


def choose(words: Words, found: Sequence[Found[T]], reason: Callable[[T], str]) -> Missing | Value[T]:
    """The value that counts; `reason` says why a value is not taken, or nothing."""
    if not words:
        return Missing(NOTHING_S)
    said_so = [one for one in found if not negated(words, one.start)]
    refused = ""
    for begin, end in stretches(words):
        here = [one for one in said_so if begin <= one.start < end]
        if any(one.sure for one in here):
            here = [one for one in here if one.sure]
        fitting = [one for one in here if not reason(one.value)]
        if fitting:
            return _first(words, fitting)
        if here and not refused:
            refused = reason(here[0].value)
    return Missing(NO_MATCH_S, refused or "no_match")


def negated(words: Words, at: int) -> bool:
    """Whether "not" stands in front: "not on Friday"."""
    for before in range(at - 1, max(-1, at - 1 - _REACH), -1):
        if words[before].text == "not":
            return True
        if words[before].text not in _LEADING:
            return False
    return False


def unfinished(words: Words) -> bool:
    """Whether the last word takes something back, or asks for more."""
    return bool(words) and words[-1].text in _UNFINISHED


def span_of(words: Words, start: int, end: int) -> tuple[int, int]:
    """Where in the text some words are."""
    return words[start].start, words[end - 1].end


def _first(words: Words, fitting: Sequence[Found[T]]) -> Missing | Value[T]:
    first = fitting[0]
    for before, after in pairwise(fitting):
        if after.value == before.value:
            continue
        between = words[before.end : after.start]
        apart = any(MASK in word.before for word in words[before.end : after.start + 1])
        if not apart and all(word.text in _BETWEEN for word in between):
            return Missing(NO_MATCH_S, "ambiguous")
        break
    open_ended = first.open_ended or unfinished(words)
    return Value(first.value, open_ended, span_of(words, first.start, first.end))

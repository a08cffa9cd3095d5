"""The words of an answer, each with its place. Pure, and linear in the text.

Recognisers put punctuation wherever they like, and dialplans must not care: slots read words, and look at what stands
between two of them only where it is part of what was said ("7:30", "1,250", "a.m.").
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

MOST_CHARACTERS = 1_000
"""What is said in answer to one question is shorter (a minute of speech); nothing behind it is read."""

MASK = "|"
"""Stands where another slot has taken its words: nothing reads across it."""


def set_of(words: str) -> frozenset[str]:
    """The words of a line, as a set."""
    return frozenset(words.split())


FILLERS = set_of("um uh uhm er erm hmm hm mm ah well so like okay ok please thanks just maybe probably")
"""Words that say nothing of what was asked for."""

_WORD = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)*|[0-9]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or one row of digits.

    Attributes:
        text: As it is compared: lower case, straight apostrophes.
        start: Where it is in the text.
        end: Likewise.
        before: What stands between the word before it and this one, without blanks; empty for a blank alone.
        tight: There is no blank between them, as in "7:30" and "3rd".
    """

    text: str
    start: int
    end: int
    before: str
    tight: bool

    @property
    def glued(self) -> bool:
        """Nothing at all stands between it and the word before it: "rd" of "3rd"."""
        return self.tight and not self.before

    @property
    def number(self) -> bool:
        """Whether it is a row of digits."""
        return "0" <= self.text[0] <= "9"


Words: TypeAlias = Sequence[Word]


def words_of(text: str, most: int = MOST_CHARACTERS) -> tuple[Word, ...]:
    """The words of the first `most` characters of a text, in order."""
    found: list[Word] = []
    last = 0
    for match in _WORD.finditer(text[:most]):
        between = text[last : match.start()]
        word = match.group().lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        if not word:  # a few letters have no lower case
            continue
        before = "".join(between[:8].split())
        found.append(Word(word, match.start(), match.end(), before, bool(found) and len(before) == len(between)))
        last = match.end()
    return tuple(found)


def said(words: Words, at: int, *phrase: str) -> bool:
    """Whether exactly these words stand there, with no other slot's words among them."""
    if at < 0 or at + len(phrase) > len(words) or words[at].text != phrase[0]:
        return False
    for number, each in enumerate(phrase):
        if words[at + number].text != each or (number and MASK in words[at + number].before):
            return False
    return True


Phrase: TypeAlias = tuple[str, ...]
Phrases: TypeAlias = Mapping[str, Sequence[Phrase]]
"""Phrases by their first word, the longest first."""


def phrases_of(phrases: Iterable[Phrase]) -> Phrases:
    """Phrases in the order in which they are looked for."""
    found: dict[str, list[Phrase]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        found.setdefault(phrase[0], []).append(phrase)
    return found


def phrase_at(words: Words, at: int, phrases: Phrases) -> Phrase | None:
    """The longest of the phrases that stands there."""
    if not 0 <= at < len(words):
        return None
    return next((phrase for phrase in phrases.get(words[at].text, ()) if said(words, at, *phrase)), None)


def joined(words: Words, at: int) -> bool:
    """Whether this word goes on where the one before it stopped: nothing but a blank or a hyphen is between them."""
    return 0 < at < len(words) and words[at].before in ("", "-")


def without(words: Words, start: int, end: int) -> tuple[Word, ...]:
    """The words without some of them; nothing reads across the gap."""
    after = tuple(words[end:])
    if after:
        after = (replace(after[0], before=MASK, tight=False), *after[1:])
    return (*words[:start], *after)


def masked(text: str, start: int, end: int) -> str:
    """The text with a part of it taken away, so that all places in it stay what they are."""
    return text[:start] + MASK * (end - start) + text[end:]

"""Whether words are open-ended: what was said so far cannot be all of it. Pure.

Whisper writes punctuation, which is evidence as well: it ends what sounds unfinished with a comma, a dash or dots.
"""

import re
from enum import Enum


class Reading(Enum):
    """How words read: nothing was said; they cannot be all; no sentence ends there; one does, a short one; one does."""

    NOTHING = 0
    TRAILS_OFF = 1
    UNFINISHED = 2
    SHORT = 3
    FINISHED = 4


LONG_WORDS = 6
"""A sentence of so many words is seldom the first half of another one."""

_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")  # noqa: RUF001 - full-width stops are meant
_CLOSERS = "\"')]»”’"  # noqa: RUF001 - typographic quotes are meant

_ENGLISH_ANSWERS = """
yes no yeah yep nope ok okay sure thanks thank you bye goodbye hello hi correct right exactly please great perfect stop
"""
_ANSWERS = {"en": frozenset(_ENGLISH_ANSWERS.split())}
"""Words that are whole answers, alone or together, by language."""

_OPEN_ENDINGS = (",", "-", "\N{EN DASH}", "\N{EM DASH}", "...", "\N{HORIZONTAL ELLIPSIS}", ":")

_ENGLISH = """
a an the and or but so because if when while that than which who whose as of to for from with without into about between
my your his her its our their some any every is are was were am be been i'm we're you're they're i'll we'll i'd i we
they he she um uh uhm er erm hmm mm like well plus
"""
_OPEN_WORDS = {"en": frozenset(_ENGLISH.split())}
"""Words that seldom end a turn, by language."""

_LAST_WORD = re.compile(r"([^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*)\W*$")


def trails_off(text: str, language: str) -> bool:
    """Whether the text is open-ended. A question mark closes it whatever its last word is; no words are no evidence."""
    text = text.rstrip()
    if text.endswith(_OPEN_ENDINGS):
        return True
    if text.endswith(("?", "!")):
        return False
    last = _LAST_WORD.search(text)
    return last is not None and last[1].lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") in _OPEN_WORDS.get(
        language, frozenset()
    )


def read(text: str, language: str) -> Reading:
    """How the words so far read."""
    words = [word.strip(".,!?").lower() for word in text.split()]
    if not words:
        return Reading.NOTHING
    if trails_off(text, language):
        return Reading.TRAILS_OFF
    if not text.rstrip().rstrip(_CLOSERS).endswith(_SENTENCE_ENDS):
        return Reading.UNFINISHED
    answer = all(word in _ANSWERS.get(language, ()) for word in words)
    return Reading.FINISHED if answer or len(words) >= LONG_WORDS else Reading.SHORT

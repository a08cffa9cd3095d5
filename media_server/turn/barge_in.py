"""Who may interrupt us, and what is said while we speak without asking for the floor. Pure."""

import re
from enum import Enum


class BargeIn(Enum):
    """Whether the caller may interrupt something: by any voice, not at all, or by words only.

    By any voice we fall silent at once and go on if no words come of it; by words only we go on until they are
    understood, which takes half a second longer.
    """

    ON = "on"
    OFF = "off"
    WORDS = "words"


_ENGLISH = """
uh huh uhuh uhhuh aha ah mhm mm hmm hm mmm m um oh huh yeah yep ok okay right sure alright
"""
_ENGLISH_ANSWERS = "yeah yep ok okay right sure alright"
_BACKCHANNELS = {"en": frozenset(_ENGLISH.split())}
"""Words that alone say "I am listening, go on", by language. "Yes" and "no" are none: they answer something."""

_ANSWERS = {"en": frozenset(_ENGLISH_ANSWERS.split())}
"""Those of them that answer a question too, once it was heard."""

_PHRASES = {"en": frozenset({"i see", "got it", "all right"})}
"""Likewise, of several words."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def asks_for_the_floor(text: str, language: str) -> bool:
    """Whether these words, said while we speak, are more than "go on"."""
    words = _words(text)
    if " ".join(words) in _PHRASES.get(language, ()):
        return False
    return not all(word in _BACKCHANNELS.get(language, ()) for word in words)


def may_answer(text: str, language: str) -> bool:
    """Whether words that do not ask for the floor may be an answer to what was heard by their end."""
    return any(word in _ANSWERS.get(language, ()) for word in _words(text))


def _words(text: str) -> list[str]:
    found: list[str] = _WORD.findall(text.lower())
    return found

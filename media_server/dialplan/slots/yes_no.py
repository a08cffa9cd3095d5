"""`YesNo`: a question of yes or no. Pure."""

from itertools import pairwise
from typing import Any

from media_server.dialplan.slots.arguments import MOST_KEYS, check
from media_server.dialplan.slots.correction import span_of, takes_back, unfinished
from media_server.dialplan.slots.slot import NO_MATCH_S, NOTHING_S, Missing, Value
from media_server.dialplan.slots.words import FILLERS, Words, words_of
from media_server.dialplan.slots.yes_no_words import Phrase, phrases

_KEYS = {"1": True, "2": False}


class YesNo:
    """Yes or no, as a bool. Of "no, five people" the span is "no": the rest is for whoever asked."""

    secret = False
    keyterms: tuple[str, ...] = ()
    """None: every recogniser knows them."""
    keys_hint = "Press 1 for yes or 2 for no."

    def __init__(self, *, language: str = "en") -> None:
        """Nothing to choose.

        Raises:
            ConfigError: The language is not known.
        """
        check("YesNo", language=language)

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[bool]:
        """Whether it is yes."""
        if dtmf:
            keys = [key for key in dtmf[:MOST_KEYS] if key in _KEYS]
            return Value(_KEYS[keys[-1]]) if keys else Missing(NO_MATCH_S, "no_match")
        words = words_of(text)
        if not words:
            return Missing(NOTHING_S)
        said = phrases(words)
        plain = [phrase for phrase in said if phrase.plain]
        if not said:
            return Missing(NO_MATCH_S, "no_match")
        phrase = _last_of_row(words, plain or said)
        return Value(phrase.yes, unfinished(words[phrase.end :]), span_of(words, phrase.start, phrase.end))

    def spoken(self, value: Any) -> str:
        """A word."""
        return "yes" if value else "no"


def _last_of_row(words: Words, said: list[Phrase]) -> Phrase:
    """The first; or, where others follow at once or behind "I mean", the last of those: "yes, no, wait, no"."""
    chosen = said[0]
    for before, after in pairwise(said):
        between = range(before.end, after.start)
        if not all(words[at].text in FILLERS or _taken_back(words, at) for at in between):
            break
        if after.yes != chosen.yes and (after.plain or len(between) > 0):
            chosen = after
    return chosen


def _taken_back(words: Words, at: int) -> bool:
    """Whether the word is one of those that take something back."""
    return any(takes_back(words, begin) > at - begin for begin in range(max(0, at - 2), at + 1))

"""`Text`: whatever is said. Pure."""

from typing import Any

from media_server.dialplan.slots.arguments import check
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, NOTHING_S, Missing, Value
from media_server.dialplan.slots.words import FILLERS, MASK, words_of

MOST_WORDS = 300
MOST_CHARACTERS = 4_000


class Text:
    """Words as they were heard, as a string with single blanks."""

    keyterms: tuple[str, ...] = ()
    keys_hint = ""

    def __init__(self, min_words: int = 1, max_words: int = 100, *, secret: bool = False, language: str = "en") -> None:
        """Words that are taken; fillers ("um") alone are no text.

        Raises:
            ConfigError: They do not fit, or the language is not known.
        """
        check("Text", language=language, it_takes_from_1_up_to_300_words=1 <= min_words <= max_words <= MOST_WORDS)
        self.min_words, self.max_words = min_words, max_words
        self.secret = secret

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:  # noqa: ARG002 - keys are no use
        """The words."""
        words = words_of(text, MOST_CHARACTERS)
        if not words:
            return Missing(NOTHING_S)
        if len(words) > self.max_words or len(text) > MOST_CHARACTERS:
            return Missing(NO_MATCH_S, "too_long")
        said = sum(word.text not in FILLERS for word in words)
        if said == 0 or len(words) < self.min_words:
            return Missing(BEGUN_S, "too_short", begun=True)
        taken = " ".join(text.replace(MASK, " ").split())
        start, end = words[0].start, words[-1].end
        return Value(taken, open_ended=len(words) < self.max_words, span=(start, end))

    def spoken(self, value: Any) -> str:
        """As it is."""
        return str(value)

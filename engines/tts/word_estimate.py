"""When each word sounds, for a voice that does not tell. Pure.

While a clause is being made its length is not known: until then a voice is taken to be rather slow, so that a listener
who interrupts is not said to have heard what was still to come. What is left when the last sound is there shares it.
"""

from collections.abc import Sequence

from engines.ports import SpokenWord
from engines.tts.alignment import WrittenWord

CHARACTERS_PER_S = 12.0
"""Spaces counted; people speak with 13 to 17."""


class WordEstimate:
    """Words that follow each other, the first from second `begin` on; each is given out once, in order."""

    def __init__(self, words: Sequence[WrittenWord], *, begin: float = 0.0) -> None:
        self._waiting = list(words)
        self._from = begin

    def until(self, seconds: float) -> tuple[SpokenWord, ...]:
        """The words that end by then; more sound will follow."""
        # The last one waits for the last sound: with it the clause is said.
        placed = [word for word in _spread(self._waiting, self._from, 1 / CHARACTERS_PER_S)[:-1] if word.end <= seconds]
        return self._given(placed)

    def rest(self, seconds: float) -> tuple[SpokenWord, ...]:
        """The words that were not given out; the sound ends there."""
        characters = sum(len(word.text) + 1 for word in self._waiting)
        return self._given(_spread(self._waiting, self._from, max(0.0, seconds - self._from) / max(1, characters)))

    def _given(self, placed: Sequence[SpokenWord]) -> tuple[SpokenWord, ...]:
        del self._waiting[: len(placed)]
        if placed:
            self._from = placed[-1].end
        return tuple(placed)


def _spread(words: Sequence[WrittenWord], start: float, s_per_character: float) -> list[SpokenWord]:
    spread: list[SpokenWord] = []
    for word in words:
        end = start + (len(word.text) + 1) * s_per_character
        spread.append(SpokenWord(word.text, word.offset, start, end))
        start = end
    return spread

"""How the agent sounds in a test: each word is a level of its own, so that the ear can tell what it was given. Pure.

The caller of a test hears what came over the wire, not what the server says that it sent: cut words, words that were
taken back and words that come twice are seen where they are heard.
"""

import re
import struct
from dataclasses import dataclass

from media_server.audio.frame import BYTES_PER_SAMPLE, TELEPHONE_RATE

SECONDS_A_LETTER = 0.05
LOWEST, LEVELS = 8000, 24_000
"""The levels of words, beginning anew behind the highest; each is as loud as a voice."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word: its level, the place of its first letter in the text, and where it sounds, in samples."""

    text: str
    level: int
    offset: int
    start: int
    end: int


class Lexicon:
    """The words that were spoken on one call, by their levels."""

    def __init__(self, seconds_a_letter: float = SECONDS_A_LETTER, sample_rate: int = TELEPHONE_RATE) -> None:
        self.sample_rate = sample_rate
        self._letter = max(1, round(seconds_a_letter * sample_rate))
        self._words: dict[int, SpokenWord] = {}
        self._count = 0

    def speak(self, text: str) -> tuple[bytes, list[SpokenWord]]:
        """Linear PCM of a text, as long as its letters, and its words; blanks belong to the word before them."""
        found = list(_WORD.finditer(text))
        if not found:
            return bytes(len(text) * self._letter * BYTES_PER_SAMPLE), []
        edges = [0, *(match.start() for match in found[1:]), len(text)]
        words: list[SpokenWord] = []
        pieces: list[bytes] = []
        for match, begin, end in zip(found, edges[:-1], edges[1:], strict=True):
            level = LOWEST + self._count % LEVELS
            self._count += 1
            word = SpokenWord(match[0], level, match.start(), match.start() * self._letter, match.end() * self._letter)
            self._words[level] = word
            words.append(word)
            pieces.append(struct.pack("<h", level) * ((end - begin) * self._letter))
        return b"".join(pieces), words

    def word(self, level: int) -> SpokenWord | None:
        """The word of this level."""
        return self._words.get(level)

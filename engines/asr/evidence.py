"""Whether sound can carry words, and where. Pure.

A recogniser writes words for noise ("Thank you."), so words need acoustic evidence that is not the recogniser's own:
how long the VAD heard a voice.
"""

from collections.abc import Sequence
from dataclasses import replace

from engines.ports import HeardWord

CHARACTERS_BASE = 6
"""The VAD misses soft ends, so the first few characters are free: "Yes." """

CHARACTERS_PER_VOICED_S = 35
"""Fast speech has about 20 a second."""


def supported(text: str, voiced_s: float) -> bool:
    """Whether so much text can have been said in so much voice."""
    return len(text) <= CHARACTERS_BASE + CHARACTERS_PER_VOICED_S * voiced_s


def within(words: Sequence[HeardWord], begin: float, start: float, end: float) -> tuple[HeardWord, ...]:
    """Words of a segment that began at `begin`, in seconds of the stream; a voice was heard from `start` to `end`.

    A recogniser puts its first word at the segment's first sample, and its last one where the sound ends.
    """
    return tuple(
        replace(word, start=min(max(word.start + begin, start), end), end=min(max(word.end + begin, start), end))
        for word in words
    )

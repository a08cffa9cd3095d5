"""The caller's ear: what was played to it, when, and which words that were. Pure.

A word counts as heard when most of it has sounded without a break; one that comes again after an interruption counts
once.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.testing.sound import Lexicon, SpokenWord

STRIDE = 40
"""Samples between two looks: words begin and end that exactly, 5 ms at 8 kHz."""
ENOUGH = 0.8
"""So much of a word is enough to know it."""
_SAME_S = 0.006
_NO_LEVEL = -1
"""Of a tone that happens to be at nought where it is looked at."""


@dataclass(slots=True)
class Sound:
    """Something that sounds from `begins` to `ends` (monotonic seconds): a word, or else a tone or a recording."""

    word: SpokenWord | None
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was heard, and when it was known."""

    text: str
    begins: float
    at: float


class Ear:
    """All that one caller was played, in order."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.sounds: list[Sound] = []
        self._words: list[Word] = []
        self._told = 0
        """Of the sounds so many stand in `_words`, if they are any; the last sound may still grow."""
        self._latest: SpokenWord | None = None

    def receive(self, pcm: bytes, begins: float) -> None:
        """This will sound from then on."""
        rate = self._lexicon.sample_rate
        for level, first, end in _levels(pcm):
            if not level:
                continue
            word = self._lexicon.word(level)
            if word is not None and not _is_level(pcm, first, end):
                word = None
            starts, ends = begins + first / rate, begins + end / rate
            last = self.sounds[-1] if self.sounds else None
            if last is not None and last.word is word and starts - last.ends < _SAME_S:
                last.ends = ends
            else:
                self.sounds.append(Sound(word, starts, ends))

    def clear(self, now: float) -> None:
        """What has not sounded yet will not."""
        while self.sounds and self.sounds[-1].begins >= now:
            self.sounds.pop()
        if self.sounds:
            self.sounds[-1].ends = min(self.sounds[-1].ends, now)
        self._words, self._told, self._latest = [], 0, None

    @property
    def silent_from(self) -> float:
        """When the last of it has sounded; long ago where there was none."""
        return self.sounds[-1].ends if self.sounds else float("-inf")

    def sounds_at(self, now: float) -> bool:
        """Whether something sounds just now."""
        sound = self.following(now)
        return sound is not None and sound.begins <= now

    def following(self, then: float) -> Sound | None:
        """What sounds at that time, or else the first thing after it."""
        index = bisect_right(self.sounds, then, key=lambda sound: sound.ends)
        return self.sounds[index] if index < len(self.sounds) else None

    def words(self) -> list[Word]:
        """The words that were heard, and those that will be."""
        for sound in self.sounds[self._told : -1]:
            if (word := self._word(sound)) is not None:
                self._words.append(word)
                self._latest = sound.word
        self._told = max(self._told, len(self.sounds) - 1)
        last = self._word(self.sounds[-1]) if self.sounds else None
        return [*self._words, last] if last is not None else list(self._words)

    def _word(self, sound: Sound) -> Word | None:
        """What is heard of a sound, unless it is the word before, taken up again."""
        if sound.word is None or sound.word is self._latest:
            return None
        enough = ENOUGH * (sound.word.end - sound.word.start) / self._lexicon.sample_rate
        if sound.ends - sound.begins < enough - _SAME_S:
            return None
        return Word(sound.word.text, sound.begins, sound.begins + enough)


def _levels(pcm: bytes) -> Iterator[tuple[int, int, int]]:
    """Stretches of the same level: the level, the first sample, the one behind the last."""
    samples = memoryview(pcm).cast("h")
    position = 0
    for level, group in groupby(_looks(samples)):
        begin, position = position, min(position + STRIDE * len(list(group)), len(samples))
        yield level, begin, position


def _looks(samples: memoryview) -> Iterator[int]:
    """The level at each look."""
    for at in range(0, len(samples), STRIDE):
        level: int = samples[at]
        yield level or (_NO_LEVEL if samples[at : at + STRIDE].tobytes().strip(b"\0") else 0)


def _is_level(pcm: bytes, first: int, end: int) -> bool:
    """Whether there is nothing but one level; the last look may have seen the beginning of what follows."""
    begin, stop = first * BYTES_PER_SAMPLE, max(first + 1, end - STRIDE) * BYTES_PER_SAMPLE
    return pcm[begin:stop] == pcm[begin : begin + BYTES_PER_SAMPLE] * ((stop - begin) // BYTES_PER_SAMPLE)

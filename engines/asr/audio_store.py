"""The audio of one stream: what is not worked on yet, and what a decode may still need. Pure."""

import numpy as np
from numpy.typing import NDArray

from engines.ports import Samples

_BYTES = 2
_FULL_SCALE = np.float32(32768.0)


def as_samples(audio: NDArray[np.int16]) -> Samples:
    """16-bit audio as models take it."""
    return audio.astype(np.float32) / _FULL_SCALE


class AudioStore:
    """16-bit mono samples by their position since the stream's first.

    An odd byte at the end of a message is kept for the next one.
    """

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._start = 0

    @property
    def end(self) -> int:
        """The position behind the last whole sample received."""
        return self._start + len(self._pcm) // _BYTES

    def append(self, pcm: bytes) -> None:
        """The next bytes, any number of them."""
        self._pcm += pcm

    def pad(self, samples: int) -> None:
        """Silence, in place of a torn sample and behind it."""
        if len(self._pcm) % _BYTES:
            del self._pcm[-1]
        self._pcm += bytes(samples * _BYTES)

    def slice(self, start: int, end: int) -> NDArray[np.int16]:
        """A copy of the samples from `start` to `end`."""
        if start < self._start:
            raise ValueError(f"{start} was forgotten; the store begins at {self._start}")
        piece = bytes(memoryview(self._pcm)[(start - self._start) * _BYTES : (end - self._start) * _BYTES])
        return np.frombuffer(piece, dtype="<i2")

    def forget_before(self, position: int) -> None:
        """Nothing before `position` is needed any more."""
        if position > self._start:
            del self._pcm[: (position - self._start) * _BYTES]
            self._start = position

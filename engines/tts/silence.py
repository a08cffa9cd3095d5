"""The silence at the edges of synthesised speech. Pure.

A clause carries 10 ms in front and 60 ms behind; a joint between two clauses is filled up to 150 ms. Piper itself puts
6 to 66 ms in front and 122 to 206 ms behind, which a caller would wait for.
"""

import numpy as np
from numpy.typing import NDArray

LEAD_MS = 10
TAIL_MS = 60
JOINT_MS = 150

THRESHOLD = 0.01
"""Of the loudest sample (-40 dB): measured, fricatives begin and end within 10 ms of it."""

_WINDOW_MS = 2


class SpeechTrim:
    """Cuts the edges of a sound that comes in parts.

    A silence that may be the end is held back, but for its first `TAIL_MS`, until there is speech behind it. What is
    silence is measured against the loudest sample so far, or half the voice's usual one if that is louder.
    """

    def __init__(self, sample_rate: int, usual_peak: float) -> None:
        self._window = max(1, sample_rate * _WINDOW_MS // 1000)
        self._lead = sample_rate * LEAD_MS // 1000
        self._tail = sample_rate * TAIL_MS // 1000
        self._peak = usual_peak / 2
        self._held = np.zeros(0, np.float32)
        self._position = 0
        self._end: int | None = None
        self.start = 0
        """How many samples were cut in front, once any were kept."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next part; returns what of it, and of what was held back, is to be kept."""
        waiting = np.concatenate((self._held, samples))
        loudness = np.abs(waiting)
        peak = float(loudness.max(initial=0.0))
        if np.isfinite(peak):
            self._peak = max(self._peak, peak)
        voiced = np.flatnonzero(loudness > self._peak * THRESHOLD)
        begin = 0
        if len(voiced):
            if self._end is None:
                start = self._position + int(voiced[0]) - self._lead
                self.start = max(self._position, start - start % self._window)
                begin = self.start - self._position
            self._end = self._position + int(voiced[-1]) + 1 + self._tail
        if self._end is None:
            end = begin = max(0, len(waiting) - self._lead - self._window)
        else:
            end = min(max(self._end - self._position, begin), len(waiting))
        self._held = waiting[end:]
        self._position += end
        return waiting[begin:end]


def joint(sample_rate: int) -> int:
    """Samples of silence to put between two clauses so that there are `JOINT_MS` in all."""
    return sample_rate * (JOINT_MS - LEAD_MS - TAIL_MS) // 1000

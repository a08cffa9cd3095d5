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


def speech_span(samples: NDArray[np.float32], sample_rate: int) -> tuple[int, int]:
    """Where to cut: the indices of the first sample to keep and behind the last; (0, 0) when all is silence."""
    window = max(1, sample_rate * _WINDOW_MS // 1000)
    loudness = np.abs(samples)
    peak = float(loudness.max(initial=0.0))
    if peak <= 0.0 or not np.isfinite(peak):
        return 0, 0
    voiced = np.flatnonzero(loudness > peak * THRESHOLD)
    start = int(voiced[0]) - sample_rate * LEAD_MS // 1000
    end = int(voiced[-1]) + 1 + sample_rate * TAIL_MS // 1000
    return max(0, start - start % window), min(len(samples), end)


def joint(sample_rate: int) -> int:
    """Samples of silence to put between two clauses so that there are `JOINT_MS` in all."""
    return sample_rate * (JOINT_MS - LEAD_MS - TAIL_MS) // 1000

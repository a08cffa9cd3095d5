"""Resampling of a live stream by a short filter of our own. No IO.

soxr's streaming form holds sound back for 64 ms on average (see `media_server.audio.resample`); this one for
`HALF_WIDTH` samples of the lower of the two rates: 2 ms to 8 kHz, 1 ms to 16 kHz. It is a windowed sinc (Kaiser), in as
many phases as the ratio of the rates has, `MOST_PHASES` at most (Crochiere and Rabiner, Multirate Digital Signal
Processing, 1983, ch. 2). Samples keep their time: the filter's delay is taken out, so that sample n of the result
sounds n / rate after the first one received.
"""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

HALF_WIDTH = 16
"""Zero crossings of the filter to each side: pass band to 0.86 of the half rate within 0.1 dB, images 60 dB down."""

MOST_PHASES = 1024
"""The rates that are in use need 640 at most. Others get the nearest phase, which costs them -66 dB of noise."""

_BETA = 6.0
_CUTOFF = 0.93
"""Of half the lower rate, where the filter has fallen by 6 dB."""


class StreamResampler:
    """16-bit little-endian mono of `source_rate`, in any pieces, to the same of `target_rate`."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        common = gcd(source_rate, target_rate)
        self._up, self._down = target_rate // common, source_rate // common
        self._phases = _filter(source_rate // common, target_rate // common)
        self._before = self._phases.shape[1] // 2
        self._torn = b""
        self._waiting = np.zeros(self._before - 1, dtype=np.float32)
        self._made = 0
        """Of the samples whose filter begins in `_waiting`, those made already."""

    def push(self, pcm: bytes) -> bytes:
        """The next bytes, any number of them; returns what can be said of them now."""
        pcm = self._torn + pcm
        whole = len(pcm) & ~1
        self._torn = pcm[whole:]
        samples = np.frombuffer(pcm[:whole], dtype="<i2").astype(np.float32)
        return self._filtered(samples)

    def flush(self) -> bytes:
        """What was held back of a stream that ends here."""
        self._torn = b""
        return self._filtered(np.zeros(self._before, dtype=np.float32))

    def _filtered(self, samples: NDArray[np.float32]) -> bytes:
        waiting = np.concatenate((self._waiting, samples))
        # Sample n is filtered from the source sample (n * down) // up on, which begins its window here.
        windows = len(waiting) - self._phases.shape[1] + 1
        end = max(self._made, -(-windows * self._up // self._down)) if windows > 0 else self._made
        numbers = np.arange(self._made, end)
        starts, places = np.divmod(numbers * self._down, self._up)
        phases = places * len(self._phases) // self._up
        taps = np.lib.stride_tricks.sliding_window_view(waiting, self._phases.shape[1]) if end > self._made else None
        made = (
            np.einsum("ij,ij->i", taps[starts], self._phases[phases]) if taps is not None else np.zeros(0, np.float32)
        )
        # Forget whole turns of the phases, so that numbers stay small and exact.
        turns = end // self._up
        self._waiting = waiting[turns * self._down :]
        self._made = end - turns * self._up
        pcm: NDArray[np.int16] = np.clip(np.rint(made), -32768, 32767).astype("<i2")
        return pcm.tobytes()


@lru_cache(maxsize=16)
def _filter(down: int, up: int) -> NDArray[np.float32]:
    """The taps of each phase, shape [phases, taps]; phase p stands p / phases samples behind the middle."""
    phases = min(up, MOST_PHASES)
    cutoff = _CUTOFF * min(1.0, up / down)
    half = int(np.ceil(HALF_WIDTH / min(1.0, up / down)))
    places = np.arange(-half + 1, half + 1)[None, :] - (np.arange(phases) / phases)[:, None]
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (places / half) ** 2, 0, 1))) / np.i0(_BETA)
    taps = cutoff * np.sinc(cutoff * places) * window
    taps /= taps.sum(axis=1, keepdims=True)
    return taps.astype(np.float32)

"""Tones: linear PCM, made here. Pure."""

from dataclasses import dataclass

import numpy as np

from media_server.audio.frame import TELEPHONE_RATE

_EDGE_S = 0.005
"""How long a tone takes to rise and to fall, so that it does not click."""
_FULL_SCALE = 32767.0


@dataclass(frozen=True, slots=True)
class Tone:
    """Sine waves that sound together, for so long.

    Attributes:
        hertz: Their frequencies.
        seconds: How long they sound.
        level_db: How loud each of them is, in dBFS.
        gap_s: Silence behind them.
        times: How often all of that comes.
    """

    hertz: tuple[float, ...] = (1000.0,)
    seconds: float = 0.3
    level_db: float = -15.0
    gap_s: float = 0.0
    times: int = 1

    def pcm(self, sample_rate: int = TELEPHONE_RATE) -> bytes:
        """Its linear PCM, mono, 16 bit little-endian."""
        at = np.arange(round(self.seconds * sample_rate)) / sample_rate
        edge = np.clip(np.minimum(at, self.seconds - at) / _EDGE_S, 0.0, 1.0)
        amplitude = _FULL_SCALE * 10 ** (self.level_db / 20)
        wave = edge * amplitude * sum(np.sin(2 * np.pi * hertz * at) for hertz in self.hertz)
        one = np.concatenate([wave, np.zeros(round(self.gap_s * sample_rate))])
        return np.tile(np.clip(one, -_FULL_SCALE, _FULL_SCALE).astype("<i2"), self.times).tobytes()


BEEP = Tone((1000.0,), 0.35)
"""After it, speak."""
WORKING = Tone((520.0,), 0.09, -26.0, gap_s=0.11, times=2)
"""We are still there."""

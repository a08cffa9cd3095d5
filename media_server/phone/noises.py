"""Sounds that a caller makes without meaning anything by it: linear PCM at 8 kHz, made here. Pure."""

import numpy as np
from numpy.typing import NDArray

from media_server.audio.frame import TELEPHONE_RATE

_LOUD = 9000.0


def noises() -> list[bytes]:
    """A burst of noise, a click, a knock, a cough-like burst: always the same."""
    random = np.random.default_rng(8)

    def burst(seconds: float, fall_s: float) -> NDArray[np.float64]:
        time = np.arange(int(seconds * TELEPHONE_RATE)) / TELEPHONE_RATE
        sound: NDArray[np.float64] = _LOUD * random.standard_normal(len(time)) * np.exp(-time / fall_s) / 2
        return sound

    click = np.zeros(80)
    click[:6] = 3 * _LOUD
    time = np.arange(int(0.12 * TELEPHONE_RATE)) / TELEPHONE_RATE
    knock = 2 * _LOUD * np.sin(2 * np.pi * 180 * time) * np.exp(-time / 0.02)
    cough = np.concatenate((burst(0.12, 0.05), np.zeros(800), burst(0.25, 0.1)))
    return [np.clip(each, -32768, 32767).astype("<i2").tobytes() for each in (burst(0.2, 1.0), click, knock, cough)]

"""Sounds for the phone's tests: linear PCM at 8 kHz."""

import numpy as np

from media_server.audio.frame import silence


def tone(seconds: float, hertz: float = 440.0) -> bytes:
    at = np.arange(round(seconds * 8000)) / 8000
    return (8000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


def quiet(seconds: float) -> bytes:
    return silence(round(seconds * 8000))

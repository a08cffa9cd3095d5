"""Ten-digit numbers, spoken: recorded digits, in groups of 3, 3 and 4 with pauses between them; linear PCM at 8 kHz."""

import random
from dataclasses import dataclass

import numpy as np

from media_server.audio.frame import silence
from media_server.audio.wav import read_wav
from tests.speech_data import SOUNDS

GROUPS = (3, 3, 4)
PAUSE_S = 0.4, 1.0
WITHIN_S = 0.06
"""Between two digits of a group."""
_VOICED = 200


@dataclass(frozen=True, slots=True)
class SpokenNumber:
    digits: str
    pcm: bytes


def spoken_number(chance: random.Random) -> SpokenNumber:
    """A number of random digits, with random pauses between its groups."""
    digits = "".join(chance.choices("0123456789", k=sum(GROUPS)))
    pcm, rest = b"", digits
    for number, length in enumerate(GROUPS):
        if number:
            pcm += silence(round(8000 * chance.uniform(*PAUSE_S)))
        group, rest = rest[:length], rest[length:]
        pcm += silence(round(8000 * WITHIN_S)).join(_digit(digit) for digit in group)
    return SpokenNumber(digits, pcm)


def _digit(digit: str) -> bytes:
    """A recorded digit, without the silence around it."""
    pcm, rate = read_wav(SOUNDS / "digits" / f"{digit}.wav")
    assert rate == 8000
    voiced = np.flatnonzero(np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32)) > _VOICED)
    return pcm[2 * voiced[0] : 2 * voiced[-1] + 2]

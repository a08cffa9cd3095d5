"""Telephone numbers of recorded digits: groups of 3, 3 and 4, with pauses of 0.4 to 1.0 s between them."""

import random
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from engines.ports import ASR_RATE, Listening, Samples
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.dialplan.slots import Digits
from tests.dialplan.slots.told import told
from tests.engines.asr.loaded import RATE, line_noise, whisper
from tests.speech_data import SOUNDS

GROUPS = (3, 3, 4)
BETWEEN_DIGITS_S = 0.06
NUMBERS = 12


def recorded(digit: str) -> NDArray[np.int16]:
    """One digit without the silence around it."""
    with wave.open(str(SOUNDS / "digits" / f"{digit}.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 200)
    return pcm[max(0, loud[0] - 160) : loud[-1] + 320]


def spoken(number: str, chance: random.Random) -> Samples:
    """As it comes over a telephone line."""
    parts, rest = [np.zeros(RATE // 5, np.int16)], number
    for size in GROUPS:
        for digit in rest[:size]:
            parts += [recorded(digit), np.zeros(int(BETWEEN_DIGITS_S * RATE), np.int16)]
        rest = rest[size:]
        parts.append(np.zeros(int(chance.uniform(0.4, 1.0) * RATE) if rest else RATE // 5, np.int16))
    pcm = np.concatenate(parts)
    pcm = pcm + np.frombuffer(line_noise(len(pcm) / RATE + 1), "<i2")[: len(pcm)]
    line = np.frombuffer(decode_mulaw(encode_mulaw(pcm.astype("<i2").tobytes())), "<i2")
    return np.asarray(soxr.resample(line.astype(np.float32) / 32768, RATE, ASR_RATE), dtype=np.float32)


@pytest.mark.models
@pytest.mark.usefixtures("speech_data")
def test_telephone_numbers_are_heard_whole_where_digits_are_expected(models_dir: Path) -> None:
    chance = random.Random(5)
    numbers = ["".join(chance.choices("0123456789", k=sum(GROUPS))) for _ in range(NUMBERS)]
    engine, slot = whisper(models_dir), Digits(10)
    heard = [engine.transcribe(spoken(number, chance), Listening("en", digits=(10, 10))).text for number in numbers]
    right = sum(told(slot, text) == number for text, number in zip(heard, numbers, strict=True))
    assert right >= NUMBERS - 1, list(zip(numbers, heard, strict=True))

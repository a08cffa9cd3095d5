"""A synthesiser for tests that hums each word on the pitch of its voice, and takes on the pitch of a recording."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import LEAST_SPEED, MOST_SPEED, Samples, Speech, SpokenWord, VoiceTensors
from engines.tts.alignment import written_words

RATE = 8000
WORD_S = 0.2
MAX_TEXT = 1000


class Hum:
    """A `CloningTtsEngine`; one piece a word."""

    sample_rate = RATE
    language = "en"

    def __init__(self) -> None:
        self._pitches = {"hum": 200.0}

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(self._pitches)

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        if voice not in self._pitches:
            raise InputError(f"there is no voice {voice!r}")
        if len(text) > MAX_TEXT or not LEAST_SPEED <= speed <= MOST_SPEED:
            raise InputError("too long, too fast or too slow")
        pitch = self._pitches[voice]
        words = written_words(text)
        for number, word in enumerate(words):
            start, length = number * WORD_S / speed, WORD_S / speed
            moments = np.arange(int(length * RATE)) / RATE
            pcm: NDArray[np.int16] = (8000 * np.sin(2 * np.pi * pitch * moments)).astype(np.int16)
            spoken = (SpokenWord(word.text, word.offset, start, start + length),)
            yield Speech(pcm, spoken, exact=True, more=number + 1 < len(words))

    def clone(self, reference: Samples, sample_rate: int) -> VoiceTensors:
        if not len(reference) or not np.isfinite(reference).all() or not np.abs(reference).max():
            raise InputError("no sound")
        loudest = np.abs(np.fft.rfft(reference)[1:]).argmax() + 1
        pitch = loudest * sample_rate / len(reference)
        return {"pitch": np.array([100 + pitch % 3000], np.float32)}

    def add_voice(self, voice: str, tensors: VoiceTensors) -> None:
        if tensors.keys() != {"pitch"} or tensors["pitch"].shape != (1,) or tensors["pitch"].dtype != np.float32:
            raise InputError("no voice")
        pitch = float(tensors["pitch"].astype(np.float32)[0])
        if not np.isfinite(pitch):
            raise InputError("no voice")
        self._pitches[voice] = pitch

    def remove_voice(self, voice: str) -> None:
        del self._pitches[voice]

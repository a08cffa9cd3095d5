"""A small engine that clones, for tests: a voice is a tone of its reference's loudest frequency, so it can be told."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import Samples, Speech, SpokenWord, VoiceTensors

BUILT_IN = "hum"
BUILT_IN_HZ = 100.0
_S_A_CHARACTER = 0.05
_WINDOW_S = 0.25


class ToneEngine:
    """A `CloningTtsEngine`. It gets on with cloning while `go_on` is set; a `spoiled` one makes what is no number."""

    sample_rate = 16000
    language = "en"

    def __init__(self, *, spoiled: bool = False) -> None:
        self.cloned: dict[str, VoiceTensors] = {}
        self.cloning = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.go_on.set()
        self._spoiled = spoiled

    @property
    def voices(self) -> tuple[str, ...]:
        return (BUILT_IN, *self.cloned)

    def clone(self, reference: Samples, sample_rate: int) -> VoiceTensors:
        self.cloning.release()
        assert self.go_on.wait(10)
        hz = np.array(loudest_hz(reference, sample_rate), np.float32)
        return {"hz": hz * np.float32("nan") if self._spoiled else hz, "kind": np.zeros((2, 3), np.int8).T}

    def add_voice(self, voice: str, tensors: VoiceTensors) -> None:
        if tensors.keys() != {"hz", "kind"} or tensors["hz"].shape != ():
            raise InputError("no tone")
        self.cloned[voice] = tensors

    def remove_voice(self, voice: str) -> None:
        del self.cloned[voice]

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        hz = BUILT_IN_HZ if voice == BUILT_IN else float(self.cloned[voice]["hz"])
        samples = int(max(0.2, _S_A_CHARACTER * len(text)) / speed * self.sample_rate)
        tone = 8000 * np.sin(2 * np.pi * hz * np.arange(samples) / self.sample_rate)
        word = SpokenWord(text.strip(), len(text) - len(text.lstrip()), 0.0, samples / self.sample_rate)
        yield Speech(tone.astype(np.int16), (word,), exact=True)


def loudest_hz(samples: NDArray[Any], sample_rate: int) -> float:
    """The strongest frequency over all of it, to 4 Hz."""
    window = int(_WINDOW_S * sample_rate)
    windows = samples[: len(samples) // window * window].reshape(-1, window)
    power = np.square(np.abs(np.fft.rfft(windows * np.hanning(window), axis=1))).sum(axis=0)
    return float(np.argmax(power)) / _WINDOW_S

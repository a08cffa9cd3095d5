"""Silero VAD (https://github.com/snakers4/silero-vad, MIT) on onnxruntime, at the stream's own 8 or 16 kHz.

The model takes 32 ms windows behind the last 4 ms of the window before (64 samples at 16 kHz, 32 at 8 kHz): leaving
these out raises no error and costs quality. 0.07 to 0.09 ms a window on one thread, so it runs where the audio arrives.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import Samples
from engines.turn.onnx_model import OnnxModel

_WINDOW_MS = 32
_CONTEXT_MS = 4
_STATE_SHAPE = (2, 1, 128)


class SileroVad:
    """A `VoiceActivityDetector`; one a process."""

    def __init__(self, path: Path) -> None:
        """Load the model.

        Raises:
            ModelError: It is missing or no ONNX model.
        """
        self._model = OnnxModel(path)

    def stream(self, sample_rate: int) -> "SileroStream":
        """The state for one stream.

        Raises:
            InputError: Neither 8,000 nor 16,000 Hz.
        """
        if sample_rate not in (8000, 16000):
            raise InputError(f"voice activity at {sample_rate} Hz; 8000 or 16000 is known")
        return SileroStream(self._model, sample_rate)


class SileroStream:
    """A `VadStream`: the recurrent state and the last samples of one stream."""

    def __init__(self, model: OnnxModel, sample_rate: int) -> None:
        self.window = sample_rate * _WINDOW_MS // 1000
        self._context = sample_rate * _CONTEXT_MS // 1000
        self._model = model
        self._rate = np.array(sample_rate, dtype=np.int64)
        self._input = np.zeros((1, self._context + self.window), dtype=np.float32)
        self._state: NDArray[np.float32] = np.zeros(_STATE_SHAPE, dtype=np.float32)

    def probability(self, window: Samples) -> float:
        """How likely there is speech in the next `window` samples, 0 to 1."""
        self._input[0, : self._context] = self._input[0, -self._context :]
        self._input[0, self._context :] = window
        output, self._state = self._model.run({"input": self._input, "state": self._state, "sr": self._rate})
        return float(output[0, 0])

    def reset(self) -> None:
        """Forget the past."""
        self._input[:] = 0
        self._state = np.zeros(_STATE_SHAPE, dtype=np.float32)

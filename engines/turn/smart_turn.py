"""Smart Turn v3 (https://github.com/pipecat-ai/smart-turn, BSD-2): is the speaker done? Told from the sound alone.

The model is Whisper's encoder with a head, so its input is a Whisper log-mel spectrogram of the last 8 s: 16 kHz,
shorter turns zero-padded at the *front*, the padded buffer brought to zero mean and unit variance before the STFT.
Give it the whole turn with about half a second before the speech, always resampled to 16 kHz: raw 8 kHz raises no
error and breaks it. Its output is a probability already, complete above 0.5. 25 to 60 ms a run on one thread.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.ports import ASR_RATE, Samples
from engines.turn.onnx_model import OnnxModel

INPUT_S = 8
"""Seconds the model looks at."""

_N_FFT = 400
_HOP = 160
_MELS = 80
_SAMPLES = INPUT_S * ASR_RATE
_FRAMES = _SAMPLES // _HOP


class SmartTurn:
    """A `TurnDetector`; one a process."""

    def __init__(self, path: Path) -> None:
        """Load the model.

        Raises:
            ModelError: It is missing or no ONNX model.
        """
        self._model = OnnxModel(path)
        self._filters = mel_filters()
        self._window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32)

    def probability(self, samples: Samples) -> float:
        """How likely the turn is complete, 0 to 1. `samples`: the turn so far, 16 kHz."""
        [output] = self._model.run({"input_features": self._features(samples)[np.newaxis]})
        return float(output[0, 0])

    def _features(self, samples: Samples) -> NDArray[np.float32]:
        """Log-mel spectrogram, [80, 800]."""
        buffer = np.zeros(_SAMPLES, dtype=np.float32)
        tail = samples[-_SAMPLES:]
        buffer[_SAMPLES - len(tail) :] = tail
        buffer = (buffer - buffer.mean()) / np.sqrt(buffer.var() + 1e-7)
        centred = np.pad(buffer, _N_FFT // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(centred, _N_FFT)[::_HOP][:_FRAMES]
        power = np.abs(np.fft.rfft(frames * self._window, axis=-1)).astype(np.float32) ** 2
        log_mel = np.log10(np.maximum(self._filters @ power.T, 1e-10))
        features: NDArray[np.float32] = (np.maximum(log_mel, log_mel.max() - 8.0) + 4.0) / 4.0
        return features.astype(np.float32)


def mel_filters() -> NDArray[np.float32]:
    """Slaney's mel filterbank (as librosa and Whisper make it) for 16 kHz, [80, 201], area-normalised."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(ASR_RATE / 2), _MELS + 2))
    bins = np.fft.rfftfreq(_N_FFT, 1 / ASR_RATE)
    widths = np.diff(edges)[:, np.newaxis]
    slopes = edges[:, np.newaxis] - bins
    triangles = np.maximum(0.0, np.minimum(-slopes[:-2] / widths[:-1], slopes[2:] / widths[1:]))
    filters: NDArray[np.float32] = (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]).astype(np.float32)
    return filters


_LINEAR_HZ = 200.0 / 3
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    """Slaney's scale: linear to 1 kHz, logarithmic above (for hz >= 1 kHz only)."""
    return float(_LOG_FROM_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - _LOG_FROM_MEL))
    return np.where(mels < _LOG_FROM_MEL, mels * _LINEAR_HZ, above)

"""The models that recognition takes, and what it asks of them. Blocks; for worker threads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from engines.asr.audio_store import as_samples
from engines.ports import ASR_RATE, AsrEngine, Listening, Samples, Transcription, TurnDetector, VoiceActivityDetector


@dataclass(frozen=True, slots=True)
class AsrModels:
    """One of each, shared by all streams of a process."""

    recogniser: AsrEngine
    vad: VoiceActivityDetector
    turn_detector: TurnDetector

    def transcribe(self, audio: NDArray[np.int16], sample_rate: int, listening: Listening) -> Transcription:
        """The words of a segment, mono, at any rate.

        Raises:
            InputError: It is too long for the model, or in a language that it does not know.
        """
        return self.recogniser.transcribe(_resampled(audio, sample_rate), listening)

    def transcribe_together(
        self, segments: Sequence[tuple[NDArray[np.int16], int]], listening: Listening
    ) -> Sequence[Transcription]:
        """The words of several segments, each with its rate.

        Raises:
            InputError: As for one.
        """
        return self.recogniser.transcribe_together([_resampled(*segment) for segment in segments], listening)

    def turn_probability(self, audio: NDArray[np.int16], sample_rate: int) -> float:
        """How likely a turn that sounds so is complete, 0 to 1."""
        return self.turn_detector.probability(_resampled(audio, sample_rate))


def _resampled(audio: NDArray[np.int16], sample_rate: int) -> Samples:
    samples = as_samples(audio)
    if sample_rate == ASR_RATE:
        return samples
    resampled: Samples = soxr.resample(samples, sample_rate, ASR_RATE)
    return resampled

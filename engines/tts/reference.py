"""Is a recording fit to make a voice of? Its length, its level, and how much of it is speech.

The limits come from 76 pieces of 10 s of recorded telephone prompts: their loudest windows lie at -14 dB (median),
speech fills 87 % of them, 0.0004 % of the samples are at full scale at most; at four times the level it is 5 %.
"""

from typing import ClassVar

import numpy as np
import soxr
from numpy.typing import NDArray

from engines.errors import InputError
from engines.ports import ASR_RATE, Samples, VoiceActivityDetector

LEAST_S = 5.0
"""Of speech. 10 s make a better voice."""
MOST_S = 60.0

LEAST_LEVEL_DB = -40.0
"""Of the loudest windows, against full scale."""
_LOUDEST = 95  # of a hundred windows, all but these are quieter

FULL_SCALE = 0.99
MOST_CLIPPED = 0.01
"""The share of samples at full scale."""

LEAST_SPEECH = 0.3
"""The share of windows in which somebody speaks."""
_SPEAKS = 0.5

EDGE_S = 0.2
"""What is kept before the first speech and after the last; an engine may take the first seconds only."""


class UnfitReference(InputError):
    """No voice is made of this recording."""

    code = "unfit"


class TooShort(UnfitReference):
    """There is too little speech in it."""

    code: ClassVar[str] = "too_short"


class TooLong(UnfitReference):
    """It is longer than is taken."""

    code: ClassVar[str] = "too_long"


class TooQuiet(UnfitReference):
    """It is silent, or nearly so."""

    code: ClassVar[str] = "too_quiet"


class Clipped(UnfitReference):
    """It is overdriven."""

    code: ClassVar[str] = "clipped"


class NoSpeech(UnfitReference):
    """Most of it is something else than speech."""

    code: ClassVar[str] = "no_speech"


def speech_in(reference: Samples, sample_rate: int, vad: VoiceActivityDetector) -> Samples:
    """A recording that is fit, from its first speech to its last. Blocks: 0.2 s of work for the longest.

    Raises:
        UnfitReference: It is not; the message says what would be.
    """
    seconds = len(reference) / sample_rate
    if not np.isfinite(reference).all():
        raise UnfitReference("Some of its samples are no numbers")
    if seconds < LEAST_S:
        raise TooShort(f"{seconds:.1f} s; {LEAST_S:.0f} s of speech are wanted, 10 s are better")
    if seconds > MOST_S:
        raise TooLong(f"More than {MOST_S:.0f} s; 10 s are enough")
    level = _level_db(reference, sample_rate)
    if level < LEAST_LEVEL_DB:
        raise TooQuiet(f"Its loudest parts have {level:.0f} dB; {LEAST_LEVEL_DB:.0f} dB are wanted (full scale is 0)")
    clipped = float(np.mean(np.abs(reference) >= FULL_SCALE))
    if clipped > MOST_CLIPPED:
        raise Clipped(f"{clipped:.0%} of its samples are at full scale; record it with less gain")
    speaks, window_s = _speaks(reference, sample_rate, vad)
    share = float(np.mean(speaks))
    if share < LEAST_SPEECH:
        raise NoSpeech(f"Somebody speaks in {share:.0%} of it; {LEAST_SPEECH:.0%} are wanted")
    if share * seconds < LEAST_S:
        raise TooShort(f"{share * seconds:.1f} s of speech; {LEAST_S:.0f} s are wanted, 10 s are better")
    first, last = np.flatnonzero(speaks)[[0, -1]] * window_s
    return reference[max(0, round((first - EDGE_S) * sample_rate)) : round((last + window_s + EDGE_S) * sample_rate)]


def _level_db(reference: Samples, sample_rate: int) -> float:
    """The level of the loudest windows, so that pauses do not count."""
    window = sample_rate // 30
    windows = reference[: len(reference) // window * window].reshape(-1, window)
    rms = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1))
    return float(20 * np.log10(max(np.percentile(rms, _LOUDEST), 1e-5)))


def _speaks(reference: Samples, sample_rate: int, vad: VoiceActivityDetector) -> tuple[NDArray[np.bool_], float]:
    """In which windows somebody speaks, and the seconds of a window."""
    samples: Samples = soxr.resample(reference, sample_rate, ASR_RATE)
    stream = vad.stream(ASR_RATE)
    starts = range(0, len(samples) - stream.window + 1, stream.window)
    likely = [stream.probability(samples[start : start + stream.window]) for start in starts]
    return np.array(likely) >= _SPEAKS, stream.window / ASR_RATE

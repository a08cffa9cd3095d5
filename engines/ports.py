"""The seams of the engines: what a recogniser, a synthesiser, a VAD and a turn detector must be able to do.

Everything behind these is synchronous, CPU-bound and safe to call from several threads at once; sharing and order are
the business of `engines/scheduler.py`.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Mono samples in [-1, 1], shape [n]."""

ASR_RATE = 16000
"""What recogniser and turn detector hear, in Hz."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What a recogniser is to listen for.

    Attributes:
        language: The code of the language that is spoken; None where it is to find out.
        words: Whether the time and the probability of each word are wanted, which takes longer.
        keyterms: Names and terms that are likely to be said.
        digits: The least and the most digits that are said in a row, where digits are asked for; None where not.
    """

    language: str | None = "en"
    words: bool = False
    keyterms: tuple[str, ...] = ()
    digits: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, its punctuation with it; `start` and `end` are seconds of the audio that was given."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Transcription:
    """What a recogniser made of a piece of audio.

    Attributes:
        text: The words; empty when nothing that is speech was found (noise, silence, a runaway decode).
        log_probability: Mean over the tokens.
        redecoded: A guard sent it through the model a second time.
        language: The one that was given or found.
        no_speech: The model's own probability that nobody speaks.
        words: Where they were asked for.
    """

    text: str
    log_probability: float
    redecoded: bool = False
    language: str = "en"
    no_speech: float = 0.0
    words: tuple[HeardWord, ...] = ()

    @property
    def confidence(self) -> float:
        """The probability of a token, 0 to 1: the geometric mean."""
        return min(1.0, exp(self.log_probability))


class AsrEngine(Protocol):
    """A speech recogniser; one a process, shared by all sessions."""

    @property
    def languages(self) -> frozenset[str]:
        """The codes of the languages that it knows."""
        ...

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        """Recognise a whole turn, `ASR_RATE` Hz. Blocks; runs on a worker thread."""
        ...

    def bucket(self, seconds: float) -> Hashable:
        """Segments of one bucket may be recognised together: each as if it were alone. None: it must be."""
        ...

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> Sequence[Transcription]:
        """Recognise several in one go, which is quicker where the device gains from it."""
        ...

    def warm_up(self) -> float:
        """Touch all memory; the CPU seconds that the decode of a short utterance takes on this machine."""
        ...


class VadStream(Protocol):
    """The voice activity of one stream."""

    window: int
    """Samples a call takes, at the stream's rate."""

    def probability(self, window: Samples) -> float:
        """How likely there is speech in the next `window` samples, 0 to 1."""
        ...

    def reset(self) -> None:
        """Forget the past (after a long silence)."""
        ...


class VoiceActivityDetector(Protocol):
    """A VAD model; one a process."""

    def stream(self, sample_rate: int) -> VadStream:
        """The state for one stream of 8,000 or 16,000 Hz."""
        ...


class TurnDetector(Protocol):
    """Tells from the sound whether a speaker is done; one a process."""

    def probability(self, samples: Samples) -> float:
        """How likely the turn is complete, 0 to 1. `samples` is the turn so far, `ASR_RATE` Hz. Blocks."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and where it sounds.

    Attributes:
        text: As it was written.
        offset: Index of its first character in the text that was given.
        start: Seconds from the first sample of the audio of that text.
        end: Likewise.
    """

    text: str
    offset: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Speech:
    """A clause or a part of it, spoken.

    Attributes:
        pcm: 16-bit mono at the engine's rate.
        words: Those that end in it.
        exact: Whether word times were measured.
        more: The next one goes on in the middle of this sound: nothing may come between them.
        cut: With it the clause ends before all of it was said: the model ran away, and was stopped.
    """

    pcm: NDArray[np.int16]
    words: tuple[SpokenWord, ...]
    exact: bool
    more: bool = False
    cut: bool = False


LEAST_SPEED, MOST_SPEED = 0.5, 2.0


class TtsEngine(Protocol):
    """A synthesiser; one a process, shared by all sessions."""

    sample_rate: int
    """Hz of what it makes."""

    language: str
    """The code of the language it speaks, "en" or "en-us": what numbers are read in."""

    @property
    def voices(self) -> tuple[str, ...]:
        """The ids it knows; the first is the default."""
        ...

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        """Speak one clause or sentence, as pieces in order. Blocks; runs on a worker thread; closing it cancels.

        `speed`: how many times as fast as the voice is by itself, `LEAST_SPEED` to `MOST_SPEED`.
        """
        ...


VoiceTensors: TypeAlias = Mapping[str, NDArray[np.generic]]
"""What a cloned voice consists of, by name: what `safetensors` holds, nothing that runs."""


@runtime_checkable
class CloningTtsEngine(TtsEngine, Protocol):
    """A synthesiser that can take on the voice of a recording. `isinstance` tells whether an engine is one."""

    def clone(self, reference: Samples, sample_rate: int) -> VoiceTensors:
        """The voice of a recording of about 10 s. Blocks, on a CPU for seconds; runs on a worker thread.

        Raises:
            InputError: No voice can be made of it.
        """
        ...

    def add_voice(self, voice: str, tensors: VoiceTensors) -> None:
        """Know this voice from now on; what `clone` made.

        Raises:
            InputError: The tensors are of another engine, or broken.
        """
        ...

    def remove_voice(self, voice: str) -> None:
        """Forget it, and everything derived from it; a synthesis under way may end. KeyError where it is not known."""
        ...

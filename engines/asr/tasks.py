"""What a stream's recognition asks to be done, and what it can be told."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.lanes import Lane


@dataclass(frozen=True, slots=True)
class Decode:
    """Recognise this audio and feed the result to `receive_transcription`; `digits` as in `Listening`."""

    number: int
    lane: Lane
    audio: NDArray[np.int16]
    digits: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Detect:
    """Ask the turn detector about this audio and feed the result to `receive_probability`."""

    number: int
    audio: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Promote:
    """Somebody waits for this decode now."""

    number: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody needs this job's result any more."""

    number: int


Task: TypeAlias = Decode | Detect | Promote | Cancel


@dataclass(frozen=True, slots=True)
class FinalizeCommand:
    """End the turn here; the stream goes on."""


@dataclass(frozen=True, slots=True)
class CloseCommand:
    """End the turn and the stream here."""


@dataclass(frozen=True, slots=True)
class ConfigureCommand:
    """Replace these fields of the expectation."""

    changes: dict[str, Any] = field(default_factory=dict)


Command: TypeAlias = FinalizeCommand | CloseCommand | ConfigureCommand

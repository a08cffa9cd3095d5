"""What a recognition session tells. Times are seconds of the audio received on the stream, in its order."""

from dataclasses import dataclass
from typing import TypeAlias

from engines.ports import HeardWord
from engines.turn.endpointing import EndReason


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """A turn is open."""

    turn: int
    at: float


@dataclass(frozen=True, slots=True)
class Partial:
    """What follows the last final so far; the first `stable` characters are not expected to change.

    `confidence` is the mean probability of what was heard, 0 to 1.
    """

    turn: int
    revision: int
    text: str
    stable: int
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class TurnEager:
    """The turn may be over; all speech up to `end` is in `text`. `probability`: 0.5 where no detector has answered."""

    turn: int
    revision: int
    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class TurnResumed:
    """The speaker went on: the eager turn of this revision is void."""

    turn: int
    revision: int
    at: float


@dataclass(frozen=True, slots=True)
class Final:
    """Words that never change.

    Attributes:
        language: Of the words: what was asked for, or found.
        confidence: Mean probability of what was heard, 0 to 1.
        words: Where each of them is, if that was asked for.
        ends_turn: The next event is the turn's end; where a turn is cut, it goes on.
    """

    turn: int
    text: str
    start: float
    end: float
    language: str
    confidence: float
    words: tuple[HeardWord, ...] = ()
    ends_turn: bool = False


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The turn is over: its speech ended at `end`, which was decided at `at`."""

    turn: int
    end: float
    at: float
    probability: float
    reason: EndReason


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nobody has spoken up to `at` since the turn's speech ended at `end`: as long as was to be told of."""

    turn: int
    end: float
    at: float


@dataclass(frozen=True, slots=True)
class Finalized:
    """The answer to a finalize: everything before it is final."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event, with the stream's books in seconds: received = decoded + silence + dropped."""

    received_s: float
    decoded_s: float
    silence_s: float
    dropped_s: float


SessionEvent: TypeAlias = (
    SpeechStarted | Partial | TurnEager | TurnResumed | Final | TurnEnded | Quiet | Finalized | Closed
)

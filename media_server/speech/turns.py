"""The caller's turns, put together from the recogniser's events. Sans-IO.

A turn is open from `speech_started` to `turn_ended`; its text is its finals, joined, and before they are there what
`turn_eager` offers. A turn without words is no turn: nobody is told of its end but the floor.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from media_server.protocol.asr_stream import (
    AsrEvent,
    EndReason,
    Final,
    SpeechStarted,
    TurnEager,
    TurnEnded,
    TurnResumed,
)

TurnReason: TypeAlias = EndReason | Literal["typed"]
"""Why a turn is over: as the recogniser says, or since it was typed and not spoken."""


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The caller speaks."""

    turn: int
    at: float


@dataclass(frozen=True, slots=True)
class MaybeOver:
    """The turn may be over with this text: worth beginning a reply, not worth speaking it."""

    turn: int
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class WentOn:
    """It was not: what began on `MaybeOver` is void."""

    turn: int


@dataclass(frozen=True, slots=True)
class TurnOver:
    """The turn is over. The times of one that was typed are monotonic seconds: it is in no stream.

    Attributes:
        turn: Its number in the recogniser's stream.
        text: Its words; empty when there were none.
        start: Seconds of the stream at which speech began.
        end: Seconds at which it ended.
        decided: Seconds of the stream at which the end was decided.
        reason: Why it is over.
    """

    turn: int
    text: str
    start: float
    end: float
    decided: float
    reason: TurnReason


TurnEvent: TypeAlias = SpeechBegan | MaybeOver | WentOn | TurnOver


class TurnAssembler:
    """Events of one recogniser stream in, turn events out."""

    def __init__(self) -> None:
        self._turn: int | None = None
        self._start = 0.0
        self._finals: list[str] = []

    def receive(self, event: AsrEvent) -> TurnEvent | None:
        """What an event means for the turn, if anything."""
        match event:
            case SpeechStarted():
                self._turn, self._start, self._finals = event.turn, event.at, []
                return SpeechBegan(event.turn, event.at)
            case Final():
                self._finals.append(event.text)
                return None
            case TurnEager() if event.turn == self._turn:
                return MaybeOver(event.turn, " ".join([*self._finals, event.text]).strip(), event.probability)
            case TurnResumed() if event.turn == self._turn:
                return WentOn(event.turn)
            case TurnEnded() if event.turn == self._turn:
                self._turn = None
                text = " ".join(self._finals).strip()
                return TurnOver(event.turn, text, self._start, event.end, event.at, event.reason)
            case _:
                return None

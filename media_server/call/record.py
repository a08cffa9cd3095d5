"""The record of one call (CDR), live and afterwards."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel

from media_server.call.events import (
    AgentSaid,
    Answered,
    CallEndedEvent,
    CallerSaid,
    CallEvent,
    DigitPressed,
    Noted,
)
from media_server.call.ledger import Ledger
from media_server.call.receipt import Receipt

MAX_LINES = 2000
"""Transcript lines and turns that a record holds; a call of two hours stays far below."""


class Line(BaseModel):
    """A line of the transcript; of ours `text` is what was heard and `said` what was meant."""

    at: float
    who: Literal["caller", "agent"]
    text: str
    said: str | None = None


class TurnRecord(BaseModel):
    """A turn of the caller's, and how its answer came about (None: it got none that could be heard)."""

    turn: int
    text: str
    reason: str
    receipt: Receipt | None = None


class LedgerRecord(BaseModel):
    """The ledger's sums, in samples."""

    received: int = 0
    filled: int = 0
    delivered: int = 0
    unlistened: int = 0
    dropped: dict[str, int] = {}
    balances: bool = True

    @classmethod
    def of(cls, ledger: Ledger) -> "LedgerRecord":
        """A copy of the books as they are."""
        return cls(
            received=ledger.received,
            filled=ledger.filled,
            delivered=ledger.delivered,
            unlistened=ledger.unlistened,
            dropped=dict(ledger.dropped),
            balances=ledger.balances,
        )


class CallRecord(BaseModel):
    """Everything that is kept of a call."""

    id: str
    provider_id: str
    transport: str
    caller: str
    called: str
    dialplan: str
    state: Literal["ringing", "live", "ended"] = "live"
    started_at: str
    duration_s: float = 0.0
    ended_reason: str | None = None
    error: str | None = None
    transcript: list[Line] = []
    turns: list[TurnRecord] = []
    digits: str = ""
    notes: dict[str, str | int | float | bool | None] = {}
    gaps: int = 0
    wakes_late: int = 0
    ledger: LedgerRecord = LedgerRecord()

    def receive(self, event: CallEvent) -> None:
        """Take down what happened."""
        match event:
            case CallerSaid():
                self._line(Line(at=event.at, who="caller", text=event.text))
                if event.reason != "aside" and len(self.turns) < MAX_LINES:
                    self.turns.append(TurnRecord(turn=event.turn, text=event.text, reason=event.reason))
            case AgentSaid():
                self._line(Line(at=event.at, who="agent", text=event.heard, said=event.text))
            case Answered():
                for turn in reversed(self.turns):
                    if turn.turn == event.turn:
                        turn.receipt = event.receipt
                        break
            case DigitPressed():
                self.digits = (self.digits + event.digit)[-MAX_LINES:]
            case Noted():
                self.notes.update(event.values)
            case CallEndedEvent():
                self.state, self.ended_reason = "ended", event.reason
            case _:
                pass  # it stands among the events

    def _line(self, line: Line) -> None:
        if len(self.transcript) < MAX_LINES:
            self.transcript.append(line)


EventSink = Callable[[CallEvent], None]

"""The record of one call (CDR), live and afterwards."""

from collections.abc import Callable
from statistics import median
from typing import Literal

from pydantic import BaseModel, computed_field

from media_server.call.events import (
    AgentSaid,
    Answered,
    CallEndedEvent,
    CallerSaid,
    CallEvent,
    DigitPressed,
    Fault,
    Noted,
    RecordingChanged,
    SlotHeard,
    ToolRan,
    TransferBegan,
    TransferEnded,
    WebhookAsked,
)
from media_server.call.ledger import Ledger
from media_server.call.receipt import Receipt

MAX_LINES = 2000
"""Transcript lines and turns that a record holds; a call of two hours stays far below."""
MAX_HAPPENINGS = 500
MAX_DETAIL = 200
"""Characters of what is told of one of them."""


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


class Happening(BaseModel):
    """Something else that happened: a slot, a transfer, a tool, a webhook, a fault, a change of the recording.

    Attributes:
        at: Seconds since the call began.
        type: That of its event.
        name: Of the slot or the tool; whom a transfer is to; the code of a fault.
        ok: Whether it went well: filled, connected, answered; of a recording, whether it is on.
        detail: The slot's value (never a secret one), or why it did not go well.
        ms: How long it took, where that is known.
    """

    at: float
    type: str
    name: str = ""
    ok: bool = True
    detail: str = ""
    ms: int | None = None

    @classmethod
    def of(cls, event: CallEvent) -> "Happening | None":
        """An event in a few words; None for one that stands elsewhere in a record."""
        at, kind = event.at, event.type
        match event:
            case SlotHeard():
                made = cls(at=at, type=kind, name=event.name, ok=event.filled, detail=event.value or "")
            case TransferBegan():
                made = cls(at=at, type=kind, name=event.to)
            case TransferEnded():
                made = cls(at=at, type=kind, name=event.to, ok=event.ok, detail=event.reason)
            case ToolRan():
                made = cls(at=at, type=kind, name=event.tool, ok=event.ok, detail=event.reason, ms=event.ms)
            case WebhookAsked():
                made = cls(at=at, type=kind, ok=event.ok, detail=event.reason, ms=event.ms)
            case Fault():
                made = cls(at=at, type=kind, name=event.code, ok=False, detail=event.message)
            case RecordingChanged():
                made = cls(at=at, type=kind, ok=event.on)
            case _:
                return None
        return made.model_copy(update={"name": made.name[:MAX_DETAIL], "detail": made.detail[:MAX_DETAIL]})


class RecordingRecord(BaseModel):
    """What is kept of a call's sound.

    Attributes:
        seconds: How long it is.
        size: Bytes.
        complete: Nothing is missing in it.
        problem: Why something is: disk, backlog, limit, late, crash.
    """

    seconds: float = 0.0
    size: int = 0
    complete: bool = True
    problem: str = ""


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
    happenings: list[Happening] = []
    recording: RecordingRecord | None = None

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def turn_count(self) -> int:
        """How many turns the caller had."""
        return len(self.turns)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def answer_ms(self) -> int | None:
        """The median wait for an audible answer, in milliseconds; None where there was none."""
        waits = [turn.receipt.total for turn in self.turns if turn.receipt is not None]
        return round(median(waits)) if waits else None

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
                happening = Happening.of(event)
                if happening is not None and len(self.happenings) < MAX_HAPPENINGS:
                    self.happenings.append(happening)

    def _line(self, line: Line) -> None:
        if len(self.transcript) < MAX_LINES:
            self.transcript.append(line)


EventSink = Callable[[CallEvent], None]


def all_of(*sinks: EventSink) -> EventSink:
    """One sink for several."""

    def receive(event: CallEvent) -> None:
        for sink in sinks:
            sink(event)

    return receive

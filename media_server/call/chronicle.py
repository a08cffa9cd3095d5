"""What happened on a call: events into its record and to whoever watches, receipts, and the books at the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from media_server.call.events import (
    AgentSaid,
    Answered,
    CallEndedEvent,
    CallerSaid,
    CallEvent,
    CallStarted,
    DigitPressed,
    Noted,
)
from media_server.call.leg import Leg
from media_server.call.receipt import TurnClock
from media_server.call.record import CallRecord, EventSink, LedgerRecord
from media_server.call.speaking import Speaking
from media_server.speech.turns import TurnOver
from media_server.telemetry import metrics

Direction: TypeAlias = Literal["inbound", "outbound"]

HIDDEN = "•••"
"""Stands for what is nobody's business."""
OPEN_CLOCKS = 8
"""Turns whose answer may be on its way at once."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call before it is answered. Numbers are E.164 where the network gives that.

    Attributes:
        settings: Of the route that it came by.
        language: What is spoken; empty: the server's.
        voice: Which voice speaks; empty: the server's.
        direction: Who called: they us (`inbound`), or we them.
        folder: Where its dialplan and what belongs to it lie.
        answered_by: Who took a call of ours up, where the network can tell: human, machine, fax, unknown.
    """

    id: str
    provider_id: str
    transport: str
    caller: str
    called: str
    dialplan: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""
    voice: str = ""
    direction: Direction = "inbound"
    folder: Path | None = None
    answered_by: str = ""


class Chronicle:
    """The story of one call. Every method takes down something that happened; after `close` nothing does."""

    def __init__(self, facts: CallFacts, leg: Leg, sink: EventSink, watch: EventSink | None = None) -> None:
        """`watch` is told what `sink` is, and the live events, which nobody else is."""
        self.record = CallRecord(
            id=facts.id,
            provider_id=facts.provider_id,
            transport=facts.transport,
            caller=facts.caller,
            called=facts.called,
            dialplan=facts.dialplan,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self.clocks: dict[int, TurnClock] = {}
        """The turns that have no audible answer yet, in the order in which they were over."""
        self.last_heard = ""
        """What the caller has heard of the latest of our words that are over."""
        self.secret = False
        """What the caller says and presses goes into no record: it is asked for as a secret."""
        self.secret_turns = 0
        """Nor what they say in the turns up to this one: it began while a secret was asked for."""
        self._leg = leg
        self._sink = sink
        self._watch = watch
        self._id = facts.id
        self._started_at = leg.now()
        self._closed = False

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._leg.now() - self._started_at

    @property
    def unanswered(self) -> int | None:
        """The latest turn of the caller's that has no audible answer yet."""
        return next(reversed(self.clocks), None)

    def started(self) -> None:
        """The wire is up."""
        metrics.CALLS_LIVE.inc()
        record = self.record
        self._emit(
            CallStarted(call=self._id, at=0.0, caller=record.caller, called=record.called, dialplan=record.dialplan)
        )

    def turn(self, over: TurnOver, time_of: Callable[[TurnOver, float], float]) -> None:
        """A turn with words is over, and its clock runs. `time_of`: the turn's seconds to monotonic ones."""
        metrics.TURNS.labels(reason=over.reason).inc()
        self.clocks[over.turn] = TurnClock(
            over=over,
            spoken_at=time_of(over, over.end),
            decided_at=time_of(over, over.decided),
            committed_at=self._leg.now(),
        )
        while len(self.clocks) > OPEN_CLOCKS:
            del self.clocks[next(iter(self.clocks))]
        self._caller_said(over, over.reason)

    def digit(self, digit: str) -> None:
        """A key was pressed."""
        self._emit(DigitPressed(call=self._id, at=self.elapsed, digit=HIDDEN[0] if self.secret else digit))

    def audible(self, speaking: Speaking, audible_at: float) -> None:
        """The first audible sample of something is on its way: whatever it answers is answered."""
        clock = self.clocks.get(speaking.turn) if speaking.turn is not None else None
        if clock is None:
            return
        while next(iter(self.clocks)) != clock.over.turn:
            del self.clocks[next(iter(self.clocks))]  # those before it were answered together with it
        del self.clocks[clock.over.turn]
        clock.speculated = speaking.text_at is not None and speaking.text_at < clock.committed_at
        clock.text_at, clock.voiced_at, clock.audible_at = speaking.text_at, speaking.voiced_at, audible_at
        receipt = clock.receipt()
        if receipt is not None:
            if clock.over.reason != "typed":  # there was no sound whose end could be waited for
                for stage in ("waited", "words", "think", "voice", "wire", "total"):
                    metrics.ANSWER_SECONDS.labels(stage=stage).observe(getattr(receipt, stage) / 1000)
            self._emit(Answered(call=self._id, at=self.elapsed, turn=clock.over.turn, receipt=receipt))

    def aside(self, over: TurnOver) -> None:
        """The caller said something that asks for nothing ("mhm", while we spoke)."""
        self._caller_said(over, "aside")

    def _caller_said(self, over: TurnOver, reason: str) -> None:
        text = HIDDEN if self.hides(over.turn) else over.text
        self._emit(CallerSaid(call=self._id, at=self.elapsed, turn=over.turn, text=text, reason=reason))

    def hides(self, turn: int) -> bool:
        """Whether what the caller says in this turn is nobody's business."""
        return self.secret or turn <= self.secret_turns

    def said(self, speaking: Speaking) -> None:
        """Something of ours is over."""
        utterance = speaking.utterance
        if utterance.start is None or utterance.start == utterance.end or not speaking.text.strip():
            return  # nothing of it ever sounded
        self.last_heard = speaking.heard
        self._emit(
            AgentSaid(
                call=self._id,
                at=self.elapsed,
                text=speaking.text,
                heard=speaking.heard,
                complete=speaking.complete,
                turn=speaking.turn,
            )
        )

    def note(self, values: dict[str, str | int | float | bool | None]) -> None:
        """The dialplan keeps something."""
        self._emit(Noted(call=self._id, at=self.elapsed, values=values))

    def tell(self, make: Callable[..., CallEvent], **values: object) -> None:
        """Something else happened: `make` is the event's class, `values` its own fields."""
        self._emit(make(call=self._id, at=self.elapsed, **values))

    def show(self, make: Callable[..., CallEvent], **values: object) -> None:
        """Tell a live event, to who watches the call, and to nobody else."""
        if self._watch is not None and not self._closed:
            self._watch(make(call=self._id, at=self.elapsed, **values))

    def snapshot(self) -> CallRecord:
        """The record as it is now."""
        if not self._closed:
            self.record.duration_s = round(self.elapsed, 3)
            self.record.ledger = LedgerRecord.of(self._leg.ledger)
            self.record.gaps = self._leg.playout.gaps
            self.record.wakes_late = self._leg.wakes_late
        return self.record

    def close(self, reason: str) -> None:
        """The call is over, and its books are closed."""
        if self._leg.queue is not None:
            self._leg.queue.close()
        record = self.snapshot()
        for why, samples in self._leg.ledger.dropped.items():
            metrics.SAMPLES_DROPPED.labels(reason=why).inc(samples)
        metrics.CALLS_LIVE.dec()
        metrics.CALLS.labels(reason=reason).inc()
        self._emit(
            CallEndedEvent(
                call=self._id,
                at=self.elapsed,
                reason=reason,
                turns=len(record.turns),
                balances=record.ledger.balances,
            )
        )
        self._closed = True

    def _emit(self, event: CallEvent) -> None:
        if not self._closed:
            self.record.receive(event)
            self._sink(event)
            if self._watch is not None:
                self._watch(event)

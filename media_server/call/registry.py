"""All calls: who may come in, who is there, who was. A call is admitted at once or not at all."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from media_server.call.chronicle import CallFacts, Direction
from media_server.call.consent import with_consent
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.events import CallEndedEvent, CallStarted
from media_server.call.record import CallRecord, EventSink
from media_server.call.recorder import Recording
from media_server.errors import CallFailed, NotFound, Overloaded
from media_server.telemetry import metrics
from media_server.transports.port import MediaPort

RESERVED_S = 15.0
"""How long a place is kept for an admitted call; one that comes later takes what is free then."""
FORGOTTEN_S = 120.0
"""After this nobody comes any more."""
SETTLES_S = 0.3
"""So long after a call was answered it has its engine sessions."""
KEPT = 500
"""Records of ended calls that are kept at hand."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place for a call that was announced."""

    facts: CallFacts
    plan: Plan
    expires_at: float
    speech: Speech

    @property
    def route(self) -> str:
        """The dialplan that will answer."""
        return self.facts.dialplan


class Registry:
    """The calls of this instance."""

    def __init__(
        self,
        speech: Speech,
        sink: EventSink,
        *,
        max_calls: int,
        now: Callable[[], float],
        recording: Recording | None = None,
    ) -> None:
        self._speech = speech
        self._sink = sink
        self._recording = recording
        self._max_calls = max_calls
        self._now = now
        self._reserved: dict[str, Reservation] = {}
        self._ringing: dict[str, CallRecord] = {}  # calls of ours that are not answered yet
        self._live: dict[str, tuple[Conversation, float]] = {}  # with when it was answered
        self._ended: OrderedDict[str, CallRecord] = OrderedDict()
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    # --- coming in -----------------------------------------------------------------------------------------------

    def reserve(
        self,
        *,
        provider_id: str,
        transport: str,
        caller: str,
        called: str,
        dialplan: str,
        plan: Plan,
        settings: Mapping[str, Any] = MappingProxyType({}),
        language: str = "",
        voice: str = "",
        folder: Path | None = None,
        speech: Speech | None = None,
        direction: Direction = "inbound",
        for_s: float = RESERVED_S,
    ) -> Reservation:
        """Keep a place for a call; it lapses after `for_s`. `settings` to `speech`: of the call's route.

        Raises:
            Overloaded: There is none.
        """
        now = self._now()
        gone = now - FORGOTTEN_S + RESERVED_S
        self._reserved = {key: kept for key, kept in self._reserved.items() if kept.expires_at > gone}
        self._check_room()
        facts = CallFacts(
            secrets.token_hex(16),
            provider_id,
            transport,
            caller,
            called,
            dialplan,
            settings=settings,
            language=language,
            voice=voice,
            direction=direction,
            folder=folder,
        )
        reservation = Reservation(facts, plan, now + for_s, speech or self._speech)
        self._reserved[facts.id] = reservation
        return reservation

    def ring(self, reservation: Reservation, provider_id: str = "") -> None:
        """A call of ours rings: it has a record from now on, also if nobody ever answers."""
        facts = reservation.facts
        if facts.id in self._ringing:
            self._ringing[facts.id].provider_id = provider_id
            return
        self._ringing[facts.id] = CallRecord(
            id=facts.id,
            provider_id=provider_id,
            transport=facts.transport,
            caller=facts.caller,
            called=facts.called,
            dialplan=facts.dialplan,
            state="ringing",
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    def answered(self, reservation: Reservation, *, provider_id: str, answered_by: str) -> Reservation:
        """A call of ours was answered: the same place, with what is known now, kept until its stream comes."""
        facts = replace(reservation.facts, provider_id=provider_id, answered_by=answered_by)
        known = replace(reservation, facts=facts, expires_at=max(reservation.expires_at, self._now() + RESERVED_S))
        if self._reserved.get(facts.id) is reservation:
            self._reserved[facts.id] = known
        return known

    def give_up(self, reservation: Reservation, reason: str) -> None:
        """A call of ours never came about; without effect on one that did."""
        facts = reservation.facts
        self._reserved.pop(facts.id, None)
        record = self._ringing.pop(facts.id, None)
        if record is None:
            return
        record.provider_id = facts.provider_id or record.provider_id
        record.state, record.ended_reason = "ended", reason
        self._keep(record)  # first: who is told of it looks it up
        metrics.CALLS.labels(reason=reason).inc()
        self._sink(
            CallStarted(call=facts.id, at=0.0, caller=facts.caller, called=facts.called, dialplan=facts.dialplan)
        )
        self._sink(CallEndedEvent(call=facts.id, at=0.0, reason=reason, turns=0, balances=True))

    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        """The call's stream is there: run the call to its end. `watch` is told all that happens on it, live events too.

        Raises:
            NotFound: Nobody was announced with this place, or it is taken already.
            Overloaded: It came late, and its place is another's.
            CallFailed: The call was cut off by a fault of ours, and nobody told the caller.
        """
        if self._reserved.pop(reservation.facts.id, None) is not reservation:
            raise NotFound("no call is expected under this id")
        if self._draining or reservation.expires_at <= self._now():
            self._check_room()
        self._ringing.pop(reservation.facts.id, None)
        conversation = Conversation(
            reservation.facts, port, reservation.speech, self._sink, self._recording, watch=watch
        )
        self._live[reservation.facts.id] = conversation, self._now()
        try:
            consent = self._recording.consent if self._recording is not None and self._recording.calls else ""
            await conversation.run(with_consent(reservation.plan, consent) if consent else reservation.plan)
            if conversation.failed:
                raise CallFailed
        finally:
            del self._live[reservation.facts.id]
            if not self._live:
                self._empty.set()
            self._keep(conversation.chronicle.record)

    def _keep(self, record: CallRecord) -> None:
        self._ended[record.id] = record
        while len(self._ended) > KEPT:
            self._ended.popitem(last=False)

    def _check_room(self) -> None:
        if self._draining:
            raise Overloaded("this server is going down", reason="draining")
        kept = sum(each.expires_at > self._now() for each in self._reserved.values())
        if len(self._live) + kept >= self._max_calls:
            raise Overloaded(f"{self._max_calls} calls at once is the limit")

    # --- looking -------------------------------------------------------------------------------------------------

    def records(self) -> list[CallRecord]:
        """Calls that ring, live ones, then ended ones, the newest first."""
        live = list(reversed(self._ringing.values()))
        live += [conversation.chronicle.snapshot() for conversation, _ in reversed(self._live.values())]
        return live + list(reversed(self._ended.values()))

    def record(self, call_id: str) -> CallRecord:
        """One call.

        Raises:
            NotFound: There is none of that id.
        """
        if call_id in self._ringing:
            return self._ringing[call_id]
        if call_id in self._live:
            return self._live[call_id][0].chronicle.snapshot()
        if call_id in self._ended:
            return self._ended[call_id]
        raise NotFound("no call of this id")

    def knows(self, call_id: str) -> bool:
        """Whether `record` has it."""
        return call_id in self._ringing or call_id in self._live or call_id in self._ended

    def forget(self, call_id: str) -> None:
        """Keep nothing of an ended call."""
        self._ended.pop(call_id, None)

    def hang_up(self, call_id: str, reason: str) -> bool:
        """End a live call now; False where none of this id is live."""
        if call_id not in self._live:
            return False
        self._live[call_id][0].end(reason)
        return True

    def unsettled(self, since: float) -> int:
        """Calls that had no engine sessions at that time, but want them: announced ones, and those answered later."""
        now = self._now()
        announced = sum(each.expires_at > now for each in self._reserved.values())
        return announced + sum(answered > since - SETTLES_S for _, answered in self._live.values())

    @property
    def live(self) -> int:
        """Calls now."""
        return len(self._live)

    # --- going down ----------------------------------------------------------------------------------------------

    @property
    def draining(self) -> bool:
        """No new calls are taken any more."""
        return self._draining

    async def drain(self, timeout_s: float) -> None:
        """Refuse new calls, and wait for the live ones; after `timeout_s` each is told goodbye and hung up."""
        self._draining = True
        if not self._live:
            return
        self._empty.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            for conversation, _ in list(self._live.values()):
                conversation.dismiss("shutdown")
            await self._empty.wait()

    async def end_all(self, reason: str) -> None:
        """Refuse new calls, end the live ones, and wait until their books are closed."""
        self._draining = True
        for conversation, _ in list(self._live.values()):
            conversation.end(reason)
            self._empty.clear()
        await self._empty.wait()

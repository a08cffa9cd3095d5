"""Calls that we begin: a place first, then the ringing, then what came of it.

A place is kept from the order on, so that whoever answers is served. Twilio asks `/twilio/answered` when somebody does,
and tells `/twilio/status` when the call is over, also one that nobody took. Should it tell nothing, the call counts as
failed once it can ring no more. The call's own id stands in both addresses: 128 random bits.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

import structlog

from media_server.api.pace import Pace
from media_server.api.twilio_calls import R
from media_server.errors import Forbidden, MediaServerError, NotConfigured, ProviderError
from media_server.protocol.destination import REASONS, is_allowed, normalised
from media_server.transports.twilio_rest import CallToMake, TwilioRest

LAPSES_S = 60.0
"""Beyond the ringing time: to hear whether a machine answers takes Twilio half a minute."""
CANCEL_S = 2.0
"""How long calls that ring may take to be cancelled when the server ends."""

_DETECTION = {"none": "", "enable": "Enable", "message_end": "DetectMessageEnd"}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """An order. `dialplan` and `caller` may be empty: then the route of the number, and the configured number."""

    to: str
    caller: str = ""
    dialplan: str = ""
    settings: Mapping[str, Any] | None = None
    timeout_s: float = 30.0
    machine_detection: str = "none"


class OutgoingGate(Protocol[R]):
    """Who keeps places for calls of ours, and their records."""

    async def reserve(self, order: OutgoingCall, for_s: float) -> R:
        """Keep a place.

        Raises:
            Overloaded: There is none.
            NotFound: There is no such dialplan.
        """
        ...

    def call_id(self, place: R) -> str:
        """The call's id."""
        ...

    def ring(self, place: R, call_sid: str = "") -> None:
        """It rings, or is about to."""
        ...

    def answered(self, place: R, call_sid: str, answered_by: str) -> R:
        """It was answered: the place for its stream."""
        ...

    def give_up(self, place: R, reason: str) -> None:
        """It never came about; without effect where it did."""
        ...


@dataclass(slots=True)
class _Ringing(Generic[R]):
    place: R
    timer: asyncio.TimerHandle
    call_sid: str = ""
    answered: bool = False


class Outgoing(Generic[R]):
    """All calls of ours that are not over."""

    def __init__(
        self,
        gate: OutgoingGate[R],
        rest: TwilioRest | None,
        pace: Pace,
        *,
        public_base: str,
        from_number: str,
        allowed: Sequence[str],
    ) -> None:
        """`public_base`: the address that Twilio knows us by; empty where it knows none."""
        self._gate = gate
        self._rest = rest
        self._pace = pace
        self._base = public_base
        self._from_number = from_number
        self._allowed = allowed
        self._calls: dict[str, _Ringing[R]] = {}

    async def call(self, order: OutgoingCall) -> str:
        """Begin a call; returns its id.

        Raises:
            NotConfigured: There is no account, no public address, or no number to call from.
            PeerError: The destination is none, or not allowed.
            Overloaded: There is no room, or too many wait to be begun.
            ProviderError: Twilio will not, or does not answer.
        """
        rest, to, caller = self._checked(order)
        self._pace.check()
        for_s = order.timeout_s + LAPSES_S
        place = await self._gate.reserve(order, for_s)
        call_id = self._gate.call_id(place)
        self._gate.ring(place)
        timer = asyncio.get_running_loop().call_later(for_s, self._lapse, call_id)
        self._calls[call_id] = ringing = _Ringing(place, timer)
        try:
            await self._pace.turn()
            ringing.call_sid = await rest.create_call(
                CallToMake(
                    to=to,
                    caller=caller,
                    url=f"{self._base}/twilio/answered?call={call_id}",
                    status_url=f"{self._base}/twilio/status?call={call_id}",
                    timeout_s=order.timeout_s,
                    machine_detection=_DETECTION[order.machine_detection],
                )
            )
        except BaseException as error:
            if not ringing.answered:  # else it was begun after all
                self._over(call_id, error.code if isinstance(error, MediaServerError) else "canceled")
                raise
        if call_id not in self._calls and not ringing.answered:
            await self._cancel(ringing.call_sid)  # it was to be cancelled meanwhile
        elif not ringing.answered:
            self._gate.ring(place, ringing.call_sid)
        _log.info("twilio.call_begun", call=call_id, call_sid=ringing.call_sid)
        return call_id

    def answered(self, call_id: str, call_sid: str, answered_by: str) -> R | None:
        """Somebody, or something, took a call up: its place; None when no such call is expected."""
        ringing = self._calls.get(call_id)
        if ringing is None or (ringing.call_sid and ringing.call_sid != call_sid):
            return None
        if not ringing.answered:
            ringing.answered, ringing.call_sid = True, call_sid
            ringing.place = self._gate.answered(ringing.place, call_sid, who(answered_by))
        return ringing.place

    def status(self, call_id: str, call_sid: str, status: str) -> None:
        """Twilio tells how a call goes on."""
        ringing = self._calls.get(call_id)
        if ringing is None or (ringing.call_sid and ringing.call_sid != call_sid):
            return
        reason = "caller_hangup" if status == "completed" else REASONS.get(status)
        if reason is not None:
            self._over(call_id, reason)

    async def cancel(self, call_id: str, reason: str) -> bool:
        """A call that rings, rings no more; False where none of this id does."""
        ringing = self._calls.get(call_id)
        if ringing is None or ringing.answered:
            return False
        self._over(call_id, reason)
        if ringing.call_sid:
            await self._cancel(ringing.call_sid)
        return True

    async def cancel_all(self) -> None:
        """The server ends: what rings, rings no more."""
        ringing = {call_id: each for call_id, each in self._calls.items() if not each.answered}
        for call_id in ringing:
            self._over(call_id, "shutdown")
        sids = [each.call_sid for each in ringing.values() if each.call_sid]
        try:
            async with asyncio.timeout(CANCEL_S):
                await asyncio.gather(*(self._cancel(sid) for sid in sids))
        except TimeoutError:
            _log.warning("twilio.calls_ring_on", calls=len(sids))

    async def _cancel(self, call_sid: str) -> None:
        try:
            if self._rest is not None:
                await self._rest.cancel(call_sid)
        except ProviderError as error:
            _log.warning("twilio.call_rings_on", call_sid=call_sid, reason=error.message)

    def _checked(self, order: OutgoingCall) -> tuple[TwilioRest, str, str]:
        if self._rest is None:
            raise NotConfigured("calling needs twilio.account_sid and twilio.auth_token")
        if not self._base:
            raise NotConfigured("calling needs a public_url: Twilio has to reach this server")
        to = normalised(order.to)
        if not is_allowed(to, self._allowed):
            raise Forbidden(f'{to} is not in twilio.allowed_destinations; "{to}" or a pattern there allows it')
        caller = order.caller or self._from_number
        if not caller:
            raise NotConfigured("there is no number to call from: give one, or set twilio.from_number")
        return self._rest, to, normalised(caller)

    def _lapse(self, call_id: str) -> None:
        self._over(call_id, "failed")

    def _over(self, call_id: str, reason: str) -> None:
        ringing = self._calls.pop(call_id, None)
        if ringing is not None:
            ringing.timer.cancel()
            self._gate.give_up(ringing.place, reason)


def who(answered_by: str) -> str:
    """Twilio's AnsweredBy in our words: human, machine, fax, unknown; empty where it was not asked."""
    if answered_by.startswith("machine"):
        return "machine"
    return answered_by if answered_by in ("human", "fax") else "unknown" if answered_by else ""

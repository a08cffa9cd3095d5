"""A call that survives its stream: a `MediaPort` over several media streams of one call, one after the other.

A live call is sent elsewhere by REST, with TwiML: Twilio closes our stream, dials (or plays keys), and connects a *new*
stream for the same CallSid when it has the call back for us. Rules:

- The end of a stream is the end of the call, unless a handover is under way: then `WireLeft` is told, and the events
  go on with `WireBack` over the next stream, or end.
- Positions go on over the next stream where they were: the time in between is no sound, neither received nor filled,
  so the books balance without it. What is sent meanwhile goes nowhere, and the leg sends nothing. Marks of an older
  stream cannot come back, and those that were owed are void.
- Each handover has an id that nobody can guess, and ends once: they have talked, the call is back, or the caller hung
  up. Whatever is told of it afterwards has no effect.
- It has a deadline at each step: for the answer of the one who is called, and for the stream to come back. While the
  two talk there is none but the longest call of the server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from media_server.errors import CallEnded, ProviderError
from media_server.protocol.twiml import RING_TONES, DialAddresses, dial_twiml, digits_twiml
from media_server.transports.handover import Handover
from media_server.transports.port import (
    AudioArrived,
    CallControl,
    PortEvent,
    TransferOrder,
    TransferOutcome,
    WireBack,
    WireLeft,
)
from media_server.transports.twilio import TwilioPort
from media_server.transports.twilio_rest import TwilioRest

ANSWER_MARGIN_S = 15.0
"""Beyond the ringing time: Twilio's own margin, and the way of the news."""
BACK_S = 15.0
"""How long the stream may take to come back, once Twilio was told to connect it."""
KEY_S = 0.6
"""How long one key may take Twilio to play."""
_TWILIO_KEYS = frozenset("0123456789*#wW")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HandoverLimits:
    """How long to wait, in seconds."""

    answer_margin_s: float = ANSWER_MARGIN_S
    back_s: float = BACK_S


class Desk(Protocol):
    """Who answers what Twilio asks while it has the call for itself."""

    def dialling(self, handover: Handover) -> DialAddresses:
        """Expect questions about a handover."""
        ...

    def stream(self, handover: Handover) -> tuple[str, str, dict[str, str]]:
        """Expect the call's next stream: its address, what is asked after it, its parameters with a fresh token."""
        ...

    def close(self, handover: Handover) -> None:
        """It has ended: expect nothing more for it."""
        ...


class HandoverPort:
    """The streams of one call as one `MediaPort`, and its `CallControl`."""

    def __init__(
        self, port: TwilioPort, rest: TwilioRest, desk: Callable[["HandoverPort"], Desk], limits: HandoverLimits
    ) -> None:
        """`desk`: made for this port."""
        self.sample_rate = port.sample_rate
        self.lead_s = port.lead_s
        self.step_ms = port.step_ms
        self.marks = port.marks
        self.limits = limits
        self.handover: Handover | None = None
        """The one that is under way."""
        self._port = port
        self._rest = rest
        self.desk = desk(self)
        self._end = 0
        self._ended: str | None = None
        self._closed = False
        self._ordering: asyncio.Task[ProviderError | None] | None = None

    @property
    def control(self) -> CallControl:
        """This port controls its call itself."""
        return self

    @property
    def ended_reason(self) -> str:
        """Why `events` ended: as `TwilioPort`, and transferred, transfer_lost."""
        return self._ended or self._port.ended_reason

    async def events(self) -> AsyncIterator[PortEvent]:
        """What arrives, in order, over all streams, until the call is over."""
        while True:
            port, base = self._port, self._end
            async for event in port.events():
                if isinstance(event, AudioArrived):
                    frame = replace(event.frame, position=base + event.frame.position)
                    self._end = frame.end
                    yield replace(event, frame=frame)
                else:
                    yield event
            handover = self.handover
            if self._closed:
                return
            if self._port is not port:  # the next one was there before this one had ended
                yield WireBack()
                continue
            if handover is None:
                return
            yield WireLeft()
            await port.aclose()
            await handover.settled.wait()
            if handover.over_reason:
                await handover.told.wait()  # who ordered it goes on first
                self._ended = handover.over_reason
                return
            yield WireBack()

    async def send(self, pcm: bytes) -> None:
        """Send linear PCM at 8 kHz; while Twilio has the call for itself it goes nowhere."""
        await self._port.send(pcm)

    async def send_mark(self, name: str) -> None:
        """Ask to be told when everything sent so far was played."""
        await self._port.send_mark(name)

    async def clear(self) -> None:
        """Throw away what was sent and is not played yet."""
        await self._port.clear()

    async def aclose(self) -> None:
        """Hang up: close the stream. A call that Twilio has for itself goes on without us, and is never ours again."""
        self._closed = True
        if self._ordering is not None:
            self._ordering.cancel()
            await asyncio.wait({self._ordering})
        if self.handover is not None:
            self._done(self.handover, "closed")
        await self._port.aclose()

    async def attach(self, port: TwilioPort) -> bool:
        """The call's next stream is there; False when nobody waits for it any more."""
        handover, before = self.handover, self._port
        if handover is None or handover.settled.is_set() or self._closed:
            return False
        self._port = port
        self._done(handover, "")
        await before.aclose()  # Twilio has closed it; should it not have, this ends its events
        return True

    # --- CallControl ---------------------------------------------------------------------------------------------

    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        """Have Twilio dial; returns when the two have talked, or the call is back.

        Raises:
            CallEnded: The caller hung up meanwhile, or Twilio said nothing of it any more.
        """
        handover = Handover(order.timeout_s + self.limits.answer_margin_s, whisper=order.whisper)
        if order.music and order.music not in RING_TONES:
            _log.warning(
                "twilio.no_such_ring_tone", music=order.music, hint="Twilio has those of countries: us, uk, de"
            )
        twiml = dial_twiml(
            order.to,
            self.desk.dialling(handover),
            timeout_s=order.timeout_s,
            whispers=bool(order.whisper),
            ring_tone=order.music,
        )
        try:
            await self._hand_over(handover, twiml)
        except ProviderError as error:
            _log.warning("twilio.transfer_failed", call_sid=self._port.start.call_id, reason=error.message)
        return handover.outcome

    async def send_digits(self, digits: str) -> None:
        """Have Twilio play keys, then take the call back.

        Raises:
            ProviderError: It does not.
            CallEnded: The caller hung up meanwhile, or Twilio said nothing of it any more.
        """
        if not set(digits) <= _TWILIO_KEYS:
            raise ProviderError("Twilio has no keys A to D")
        keys = digits.replace("W", "ww")
        handover = Handover(len(keys) * KEY_S + self.limits.back_s)
        await self._hand_over(handover, digits_twiml(keys, *self.desk.stream(handover)))

    async def _hand_over(self, handover: Handover, twiml: str) -> None:
        """Send the call elsewhere, and wait until the handover has ended."""
        if self.handover is not None:
            self.desk.close(handover)
            handover.end("")
            raise ProviderError("this call is on its way elsewhere already")
        self.handover = handover
        self._ordering = asyncio.create_task(self._order(handover, twiml), name="handover")
        try:
            # Whoever gives up waiting does not take the order back: Twilio may be at it already.
            error = await asyncio.shield(self._ordering)
            if error is not None:
                raise error
            await handover.settled.wait()
            if handover.over_reason and not handover.outcome.ok:
                raise CallEnded(handover.over_reason)
        finally:
            handover.told.set()

    async def _order(self, handover: Handover, twiml: str) -> ProviderError | None:
        try:
            await self._rest.redirect(self._port.start.call_id, twiml)
        except ProviderError as error:
            if not handover.settled.is_set():
                # A stream that has ended meanwhile was hung up; one that is there goes on.
                self._done(handover, self._port.ended_reason)
            return error
        return None

    def _done(self, handover: Handover, over_reason: str) -> None:
        handover.end(over_reason)
        self.desk.close(handover)
        self.handover = None

"""A page's WebSocket as a `MediaPort`: the asyncio shell around `protocol/browser_stream.py`.

Rules:
- As with `twilio.py`, the socket is read only where `events` are asked for, and a peer that does not read what is sent
  ends the port. So does one that reads too slowly for the events of its call (`outbox.py`).
- Sound is sent when it is due by who calls `send`; what is told of the call (`send_text`) is sent beside it by `tell`.
- `aclose` ends the sound and leaves the socket open, since a call that is over has still something to tell: how it
  ended. `finish` sends that, and closes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, assert_never

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from media_server.audio.frame import PTIME_MS, AudioFrame
from media_server.errors import ProtocolViolation
from media_server.protocol.browser_socket import (
    MAX_MESSAGE_BYTES,
    SAMPLE_RATE,
    SUBPROTOCOL,
    Digit,
    Mark,
    Text,
    clear_message,
    mark_message,
)
from media_server.protocol.browser_stream import Audio, BrowserStream, Dropped, StreamEvent
from media_server.protocol.message_rate import MessageRate
from media_server.transports.outbox import Outbox
from media_server.transports.port import (
    AudioArrived,
    AudioDropped,
    DigitArrived,
    MarkReturned,
    PortEvent,
    TextArrived,
)
from media_server.transports.socket_messages import (
    CLOSE_TIMEOUT_S,
    MESSAGES_AT_ONCE,
    MESSAGES_PER_S,
    call_socket,
    next_message,
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BrowserLimits:
    """How long to wait, in seconds, and how far ahead to send.

    Attributes:
        media_initial_s: For the first sound; the microphone is open before a page calls.
        media_s: For more of it.
        send_s: Until the page reads what is sent.
        lead_s: How far ahead of real time sound is sent.
    """

    media_initial_s: float = 15.0
    media_s: float = 15.0
    send_s: float = 5.0
    lead_s: float = 0.2


def new_socket() -> web.WebSocketResponse:
    """The WebSocket of a call, not yet prepared: small messages, no compression."""
    return call_socket(MAX_MESSAGE_BYTES, (SUBPROTOCOL,))


class BrowserSocketPort:
    """One caller's audio over a WebSocket, both ways, and what the page is told of the call.

    Attributes:
        stream: The machine; its `irregular` counts what was ignored.
    """

    sample_rate = SAMPLE_RATE
    step_ms = PTIME_MS
    marks = True
    control = None

    def __init__(
        self, socket: web.WebSocketResponse, *, limits: BrowserLimits | None = None, abort: Callable[[], None]
    ) -> None:
        """`socket`: upgraded. `abort`: cuts its connection at once, unsent bytes and all."""
        limits = limits or BrowserLimits()
        self.stream = BrowserStream()
        self.lead_s = limits.lead_s
        self._socket = socket
        self._limits = limits
        self._abort = abort
        self._ended: str | None = None
        self._lost = False
        """There is nobody left to tell anything."""
        self._receiving: asyncio.Timeout | None = None
        self._rate = MessageRate(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)
        self._outbox = Outbox()

    @property
    def ended_reason(self) -> str:
        """Why `events` ended: `port.py`'s reasons, peer_not_reading, too_many_messages, too_much_sound."""
        return self._ended or "closed"

    # --- what comes ----------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[PortEvent]:
        """What arrives, in order, until the page is gone or `aclose`."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        while self._ended is None:
            for event in self.stream.on_deadline(clock()):
                yield _port_event(event)
            heard_at = self.stream.heard_at
            dead_at = begun + self._limits.media_initial_s if heard_at is None else heard_at + self._limits.media_s
            message = await self._receive(min(dead_at, self.stream.next_deadline() or dead_at))
            if message is None and clock() >= dead_at:
                self._end("media_timeout")
            elif message is not None:
                for event in self._take(message, clock()):
                    yield _port_event(event)
            if self.stream.flooded:
                self._end("too_much_sound")

    async def _receive(self, deadline: float) -> WSMessage | None:
        """The next message; None at the deadline, or when the port has ended meanwhile."""
        if self._ended is not None:  # while somebody did something with the last event
            return None
        try:
            async with asyncio.timeout_at(deadline) as self._receiving:
                return await next_message(self._socket, self._rate)
        except TimeoutError:
            return None
        except ProtocolViolation:
            self._receiving = None
            self._end("too_many_messages")
            return None
        finally:
            self._receiving = None

    def _take(self, message: WSMessage, now: float) -> list[StreamEvent]:
        if message.type is WSMsgType.TEXT:
            return self.stream.receive_text(message.data, now)
        if message.type is WSMsgType.BINARY:
            return self.stream.receive_binary(message.data, now)
        self._lost = True
        self._outbox.close()
        if isinstance(message.data, WebSocketError):
            # A frame against RFC 6455, or too long: aiohttp has closed with its code (1009, 1007, 1002).
            self._end("protocol_error")
        else:  # a page that hangs up closes in order, and so does the browser for one that is left or reloaded
            self._end("caller_hangup" if message.type is WSMsgType.CLOSE else "connection_lost")
        return []

    # --- what is sent --------------------------------------------------------------------------------------------

    async def send(self, pcm: bytes) -> None:
        """Send linear PCM at 16 kHz. After the end of the port it goes nowhere; `events` has ended then."""
        if pcm and self._ended is None:
            await self._transmit(self._socket.send_bytes(pcm))

    async def send_mark(self, name: str) -> None:
        """Ask to be told when everything sent so far was played, or cleared."""
        if self._ended is None:
            await self._transmit(self._socket.send_str(mark_message(name)))

    async def clear(self) -> None:
        """Throw away what was sent and is not played yet."""
        if self._ended is None:
            await self._transmit(self._socket.send_str(clear_message()))

    def send_text(self, text: str) -> None:
        """Have the page told something, one JSON object; `tell` does it. Never blocks, never raises."""
        if not self._lost and not self._outbox.put(text):
            self._lose("peer_not_reading")

    async def tell(self) -> None:
        """Send what `send_text` is given, until `finish`, or the page is gone."""
        while (text := await self._outbox.get()) is not None:
            await self._transmit(self._socket.send_str(text))

    async def aclose(self) -> None:
        """End the sound, both ways. Idempotent."""
        self._end("closed")

    async def finish(self, telling: "asyncio.Task[None]", *, code: int = WSCloseCode.OK) -> None:
        """Tell what waits to be told, and close the socket. `telling`: the task of `tell`."""
        self._end("closed")
        self._outbox.end()
        await asyncio.wait({telling}, timeout=self._limits.send_s)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        refusals = {"too_many_messages": WSCloseCode.POLICY_VIOLATION, "too_much_sound": WSCloseCode.POLICY_VIOLATION}
        try:
            async with asyncio.timeout(2 * CLOSE_TIMEOUT_S):
                await self._socket.close(code=refusals.get(self.ended_reason, code))
        except TimeoutError:
            self._abort()

    async def _transmit(self, sending: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(self._limits.send_s):
                await sending
        except TimeoutError:
            self._lose("peer_not_reading")
        except ConnectionError:
            # The reader sees the same loss and ends the events; which of the two was first does not matter.
            self._lose("connection_lost")

    def _lose(self, reason: str) -> None:
        self._lost = True
        self._outbox.close()
        self._end(reason)
        self._abort()

    def _end(self, reason: str) -> None:
        if self._ended is not None:
            return
        self._ended = reason
        if self._receiving is not None and not self._receiving.expired():  # who reads, waits for what need not come
            self._receiving.reschedule(asyncio.get_running_loop().time())
        if self.stream.irregular:
            _log.warning("browser.irregular_messages", **self.stream.irregular)


def _port_event(event: StreamEvent) -> PortEvent:
    match event:
        case Audio():
            return AudioArrived(AudioFrame(event.pcm, SAMPLE_RATE, event.position), event.filled)
        case Dropped():
            return AudioDropped(event.samples, event.reason)
        case Digit():
            return DigitArrived(event.digit)
        case Text():
            return TextArrived(event.text)
        case Mark():
            return MarkReturned(event.name)
        case _:
            assert_never(event)

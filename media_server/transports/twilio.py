"""A Twilio media stream as a `MediaPort`: the asyncio shell around `protocol/twilio_stream.py`.

The port reads its WebSocket only where its `events` are asked for, so whoever iterates must not wait in between (a
`Leg` does not): a reader that stops is what Twilio reports as error 31930, and it loses the caller's words. What waits
meanwhile is bounded by aiohttp's own buffer. Sending is bounded by a time: a peer that does not read ends the port.
Pacing is not done here; whoever calls `send` does so when it is due.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import assert_never

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web

from media_server.audio.frame import PTIME_MS, TELEPHONE_RATE, AudioFrame
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.errors import ProtocolViolation
from media_server.protocol.message_rate import MessageRate
from media_server.protocol.twilio import (
    MAX_MESSAGE_BYTES,
    Dtmf,
    Mark,
    Start,
    Stop,
    clear_frame,
    mark_frame,
    media_frame,
)
from media_server.protocol.twilio_stream import Audio, Dropped, StreamEvent, TwilioStream
from media_server.transports.port import AudioArrived, AudioDropped, DigitArrived, MarkReturned, PortEvent
from media_server.transports.socket_messages import (
    CLOSE_TIMEOUT_S,
    MESSAGES_AT_ONCE,
    MESSAGES_PER_S,
    call_socket,
    next_message,
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long to wait, in seconds, and how far ahead to be sent to.

    Attributes:
        start_s: For the `start` frame.
        media_initial_s: For the first audio.
        media_s: For more audio.
        send_s: Until the peer reads what is sent.
        lead_s: How far ahead of real time Twilio is sent to; Twilio's own playout needs some.
    """

    start_s: float = 5.0
    media_initial_s: float = 30.0
    media_s: float = 15.0
    send_s: float = 5.0
    lead_s: float = 0.2


def new_socket() -> web.WebSocketResponse:
    """The WebSocket of a stream, not yet prepared: small messages, no compression."""
    return call_socket(MAX_MESSAGE_BYTES)


class TwilioPort:
    """One caller's audio over a media stream, both ways.

    Attributes:
        start: What the stream said of itself; nothing in it is checked yet.
        stream: The machine; its `irregular` counts what was ignored.
        over: Set when the port has ended.
    """

    sample_rate = TELEPHONE_RATE
    step_ms = PTIME_MS
    marks = True
    control = None

    def __init__(
        self,
        socket: web.WebSocketResponse,
        stream: TwilioStream,
        start: Start,
        *,
        limits: StreamLimits,
        abort: Callable[[], None],
    ) -> None:
        self.start = start
        self.stream = stream
        self.over = asyncio.Event()
        self.lead_s = limits.lead_s
        self._socket = socket
        self._limits = limits
        self._abort = abort
        self._ended: str | None = None
        self._closed = False
        self._rate = MessageRate(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)

    @classmethod
    async def accept(
        cls, socket: web.WebSocketResponse, *, limits: StreamLimits, abort: Callable[[], None]
    ) -> "TwilioPort":
        """Wait for the `start` of an upgraded socket. `abort` cuts the connection at once, unsent bytes and all.

        Raises:
            ProtocolViolation: None came in time, or one with audio that we cannot decode.
        """
        stream, rate = TwilioStream(), MessageRate(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)
        try:
            async with asyncio.timeout(limits.start_s):
                while (message := await next_message(socket, rate)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    for event in _receive(stream, message):
                        if isinstance(event, Start):
                            return cls(socket, stream, event, limits=limits, abort=abort)
        except TimeoutError:
            raise ProtocolViolation(f"no start within {limits.start_s:g} s") from None
        raise ProtocolViolation("closed before its start")

    @property
    def ended_reason(self) -> str:
        """Why `events` ended: `port.py`'s reasons, peer_not_reading, too_many_messages."""
        return self._ended or "closed"

    async def events(self) -> AsyncIterator[PortEvent]:
        """What arrives, in order, until the far end is gone."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._limits.media_initial_s
        while self._ended is None:
            try:
                async with asyncio.timeout_at(deadline):
                    message = await next_message(self._socket, self._rate)
            except TimeoutError:
                self._end("media_timeout")
                break
            except ProtocolViolation:
                self._end("too_many_messages")
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)
                break
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                # A frame against RFC 6455, or too long: aiohttp has closed with its code (1009, 1007, 1002).
                self._end("protocol_error" if isinstance(message.data, WebSocketError) else "connection_lost")
                break
            for event in _receive(self.stream, message):
                if isinstance(event, Audio | Dropped):
                    deadline = clock() + self._limits.media_s
                if isinstance(event, Stop):
                    self._end("caller_hangup")
                elif not isinstance(event, Start):
                    yield _port_event(event)

    async def send(self, pcm: bytes) -> None:
        """Send linear PCM at 8 kHz. After the end of the port it goes nowhere; `events` has ended then."""
        if pcm:
            await self._transmit(media_frame(self.start.stream_id, encode_mulaw(pcm)))

    async def send_mark(self, name: str) -> None:
        """Ask to be told when everything sent so far was played."""
        await self._transmit(mark_frame(self.start.stream_id, name))

    async def clear(self) -> None:
        """Throw away what was sent and is not played yet; Twilio returns all pending marks on it."""
        await self._transmit(clear_frame(self.start.stream_id))

    async def aclose(self) -> None:
        """Close the stream; Twilio goes on with the TwiML's `action`. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._end("closed")
        try:
            async with asyncio.timeout(2 * CLOSE_TIMEOUT_S):
                await self._socket.close()
        except TimeoutError:
            self._abort()

    async def _transmit(self, frame: str) -> None:
        if self._ended is not None:
            return
        try:
            async with asyncio.timeout(self._limits.send_s):
                await self._socket.send_str(frame)
        except TimeoutError:
            self._end("peer_not_reading")
            self._abort()
        except ConnectionError:
            # The reader sees the same loss and ends the events; which of the two was first does not matter.
            self._end("connection_lost")
            self._abort()

    def _end(self, reason: str) -> None:
        if self._ended is None:
            self._ended = reason
            self.over.set()
            if self.stream.irregular:
                _log.warning("twilio.irregular_frames", call_sid=self.start.call_id, **self.stream.irregular)


def _receive(stream: TwilioStream, message: WSMessage) -> list[StreamEvent]:
    if message.type is WSMsgType.TEXT:
        return stream.receive_text(message.data)
    stream.receive_binary()
    return []


def _port_event(event: Audio | Dropped | Dtmf | Mark) -> PortEvent:
    match event:
        case Audio():
            return AudioArrived(AudioFrame(decode_mulaw(event.payload), TELEPHONE_RATE, event.position), event.filled)
        case Dropped():
            return AudioDropped(event.samples, event.reason)
        case Dtmf():
            return DigitArrived(event.digit)
        case Mark():
            return MarkReturned(event.name)
        case _:
            assert_never(event)

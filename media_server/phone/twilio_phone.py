"""A phone that calls as Twilio does: signed webhook, TwiML, signed stream, 20 ms of mu-law in real time. Asyncio shell.

The caller's frame n holds the sound of ``[n * 20, n * 20 + 20)`` ms and is sent when its last sample was spoken, at
``start + (n + 1) * 20`` ms on an absolute clock. What the server sends is played by a `PlayoutBuffer` on the same
clock, which decides when a mark comes back.
"""

import asyncio
import secrets
from dataclasses import dataclass

import aiohttp
import numpy as np

from media_server.audio.frame import BYTES_PER_SAMPLE, PTIME_MS, TELEPHONE_RATE
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.audio.levels import rms
from media_server.errors import PeerError, ProtocolViolation
from media_server.phone.caller_script import FRAME_BYTES, CallerScript
from media_server.phone.measure import CallMeasure, measure
from media_server.phone.playout_buffer import VOICED_RMS, PlayoutBuffer, Span
from media_server.protocol.twilio_far_end import FarEnd, PlayClear, PlayMark, PlayMedia, parse_order
from media_server.protocol.twilio_signature import sign
from media_server.protocol.twiml import MAX_TWIML, ConnectStream, SayAndHangUp, parse_twiml

HTTP_TIMEOUT_S = 15.0
"""What Twilio grants a webhook."""
_OK = 200


class CallRefused(PeerError):
    """The server did not take the call."""

    code = "call_refused"


class LineBusy(CallRefused):
    """The server answered the webhook in order: with words, and no stream."""

    code = "line_busy"


_HISS = 30 * np.random.default_rng(1).standard_normal(FRAME_BYTES // BYTES_PER_SAMPLE)
"""A line that echoes is not digitally silent either: -60 dBFS."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """A line on which the phone hears itself: what was played comes back `delay_ms` later, at `level_db`, at most 0."""

    level_db: float
    delay_ms: int

    def added(self, frame: bytes, played: bytes | bytearray, at: int) -> bytes:
        """The frame that begins at byte `at`, with what comes back of `played`."""
        begin = at - self.delay_ms * TELEPHONE_RATE // 1000 * BYTES_PER_SAMPLE
        back = np.frombuffer(bytes(played[max(0, begin) : max(0, begin + len(frame))]), dtype="<i2")
        mixed = np.frombuffer(frame, dtype="<i2") + _HISS[: len(frame) // BYTES_PER_SAMPLE]
        if len(back):
            mixed[-len(back) :] += back * 10 ** (self.level_db / 20)
        return np.clip(mixed.round(), -32768, 32767).astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """A call that is over, with both sides' linear PCM at 8 kHz from `start` on.

    Attributes:
        call_sid: Its id.
        caller: What was sent.
        agent: What was played, silence included.
        spoken: Where the caller's utterances lie.
        underruns: Where there was nothing to play.
        hung_up_by: "caller" or "server".
        close_code: Of the WebSocket; 1006 where it just broke.
        marks: How many were returned, played or cleared.
        violations: Frames that Twilio would not have taken.
        farewell: What the server said to the `action` after it had closed the stream; None where the caller hung up.
        interjected: Where what was said into the agent's answers lies.
        media: What arrived of the agent's sound (µ-law), and when, in seconds since `start`.
        lag_s: The most by which our own clock was late; with more than a few milliseconds trust no figure.
    """

    call_sid: str
    caller: bytes
    agent: bytes
    spoken: tuple[Span, ...]
    underruns: tuple[Span, ...]
    hung_up_by: str
    close_code: int
    marks: int
    violations: tuple[str, ...]
    farewell: str | None
    interjected: tuple[Span, ...] = ()
    media: tuple[tuple[float, bytes], ...] = ()
    lag_s: float = 0.0

    def measured(self) -> CallMeasure:
        """What the caller noticed."""
        return measure(self.caller, self.agent, self.spoken, self.underruns)


class TwilioPhone:
    """A number that can call a server.

    Attributes:
        base_url: The server's public address; webhooks are signed for it.
        auth_token: Signs, where there is one.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        base_url: str,
        auth_token: str | None = None,
        caller: str = "+15550111",
        called: str = "+15550100",
    ) -> None:
        self._http = http
        self.base_url = base_url.rstrip("/")
        self.auth_token = auth_token
        self._caller = caller
        self._called = called
        self._account_sid = "AC" + secrets.token_hex(16)

    async def call(self, script: CallerScript, *, max_s: float = 600.0, feedback: Feedback | None = None) -> PhoneCall:
        """Make one call and say what the script says.

        Raises:
            CallRefused: The server does not answer, or hangs up at once; the message says what it said.
        """
        call_sid = "CA" + secrets.token_hex(16)
        answer = await self.ask(self.base_url + "/twilio/voice", call_sid, "ringing")
        if isinstance(answer, SayAndHangUp):
            raise LineBusy(answer.words or "the server hung up")
        line = await self._open(answer, call_sid, feedback)
        try:
            hung_up_by = await line.run(script, max_s)
        finally:
            await line.socket.close()
        farewell = None
        if hung_up_by == "server" and answer.action:
            after = await self.ask(answer.action, call_sid, "in-progress")
            farewell = after.words if isinstance(after, SayAndHangUp) else None
        return line.result(call_sid, hung_up_by, script, farewell)

    async def ask(self, url: str, call_sid: str, status: str) -> ConnectStream | SayAndHangUp:
        """Post a webhook.

        Raises:
            CallRefused: It was answered with no TwiML, or not at all.
        """
        form = {
            "CallSid": call_sid,
            "AccountSid": self._account_sid,
            "From": self._caller,
            "To": self._called,
            "CallStatus": status,
            "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }
        headers = self._signature(url, {name: [value] for name, value in form.items()})
        timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S)
        try:
            async with self._http.post(url, data=form, headers=headers, timeout=timeout) as response:
                body = await response.content.read(MAX_TWIML)
                if response.status != _OK:
                    raise CallRefused(f"{url}: {response.status} {body.decode(errors='replace')[:200]}")
                return parse_twiml(body.decode())
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError, ProtocolViolation) as error:
            raise CallRefused(f"{url}: {str(error) or type(error).__name__}") from error

    async def _open(self, answer: ConnectStream, call_sid: str, feedback: Feedback | None) -> "_Line":
        try:
            socket = await self._http.ws_connect(
                answer.url, headers=self._signature(answer.url, {}), max_msg_size=1 << 20, compress=0
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CallRefused(f"{answer.url}: {str(error) or type(error).__name__}") from error
        stream_sid = "MZ" + secrets.token_hex(16)
        far_end = FarEnd(stream_sid, call_sid, self._account_sid)
        try:
            await socket.send_str(far_end.connected())
            await socket.send_str(far_end.start(answer.parameters))
        except ConnectionError as error:
            raise CallRefused(f"{answer.url}: the stream broke at once") from error
        return _Line(socket, far_end, stream_sid, feedback)

    def _signature(self, url: str, form: dict[str, list[str]]) -> dict[str, str]:
        return {"X-Twilio-Signature": sign(self.auth_token, url, form)} if self.auth_token else {}


class _Line:
    """An open stream; `start` was just sent."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, far_end: FarEnd, stream_sid: str, feedback: Feedback | None
    ) -> None:
        self.socket = socket
        self._feedback = feedback
        self._far_end = far_end
        self._stream_sid = stream_sid
        self._now = asyncio.get_running_loop().time
        self._start = self._now()
        self._buffer = PlayoutBuffer(self._start)
        self._sent = bytearray()
        self._marks = 0
        self._media: list[tuple[float, bytes]] = []
        self._lag_s = 0.0
        self._violations: list[str] = []

    async def run(self, script: CallerScript, max_s: float) -> str:
        """Speak and listen until one side hangs up; returns which."""
        receiver = asyncio.create_task(self._receive())
        try:
            return await self._speak(script, receiver, max_s)
        except ConnectionError:
            return "server"
        finally:
            receiver.cancel()
            await asyncio.wait({receiver})
            if not receiver.cancelled():
                receiver.exception()  # the loss of the stream, which we know of
            self._buffer.advance(self._now())

    def result(self, call_sid: str, hung_up_by: str, script: CallerScript, farewell: str | None) -> PhoneCall:
        """The call, now that it is over."""
        return PhoneCall(
            call_sid=call_sid,
            caller=bytes(self._sent),
            agent=bytes(self._buffer.played),
            spoken=tuple(script.spoken),
            interjected=tuple(script.interjected),
            media=tuple(self._media),
            lag_s=self._lag_s,
            underruns=tuple(self._buffer.underruns),
            hung_up_by=hung_up_by,
            close_code=self.socket.close_code or aiohttp.WSCloseCode.ABNORMAL_CLOSURE,
            marks=self._marks,
            violations=tuple(self._violations),
            farewell=farewell,
        )

    async def _speak(self, script: CallerScript, receiver: "asyncio.Task[None]", max_s: float) -> str:
        ptime_s = PTIME_MS / 1000
        for number in range(int(max_s / ptime_s)):
            due = self._start + (number + 1) * ptime_s
            await asyncio.sleep(max(0.0, due - self._now()))
            self._lag_s = max(self._lag_s, self._now() - due)
            if receiver.done():
                receiver.result()
                return "server"
            await self._return(self._buffer.advance(self._now()))
            heard = bytes(self._buffer.played[number * FRAME_BYTES : (number + 1) * FRAME_BYTES])
            frame = script.next_frame(agent_voiced=rms(heard) > VOICED_RMS, agent_drained=self._buffer.is_quiet)
            if frame is None:
                break
            if self._feedback is not None:
                frame = self._feedback.added(frame, self._buffer.played, number * FRAME_BYTES)
            self._sent += frame
            await self.socket.send_str(self._far_end.media(encode_mulaw(frame), number * PTIME_MS))
        await self.socket.send_str(self._far_end.stop())
        return "caller"

    async def _receive(self) -> None:
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                self._violations.append("a binary message")
                continue
            try:
                order = parse_order(message.data, self._stream_sid)
            except ProtocolViolation as error:
                self._violations.append(error.message)
                continue
            now = self._now()
            match order:
                case PlayMedia():
                    self._media.append((now - self._start, order.payload))
                    await self._return(self._buffer.receive_media(decode_mulaw(order.payload), now))
                case PlayMark():
                    await self._return(self._buffer.receive_mark(order.name, now))
                case PlayClear():
                    await self._return(self._buffer.receive_clear(now))

    async def _return(self, marks: list[str]) -> None:
        for name in marks:
            self._marks += 1
            await self.socket.send_str(self._far_end.mark(name))

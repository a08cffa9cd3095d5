"""A server of Twilio's routes on a free port with a small callee behind it, and raw clients that speak the wire."""

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from media_server.api.twilio import add_twilio
from media_server.api.twilio_calls import IncomingCall
from media_server.protocol.twilio_far_end import FarEnd
from media_server.protocol.twilio_signature import sign
from media_server.protocol.twiml import ConnectStream, parse_twiml
from media_server.telemetry.problems import problem_middleware
from media_server.transports.port import AudioArrived, MediaPort, PortEvent
from media_server.transports.twilio import StreamLimits

ACCOUNT = "AC" + "0" * 32
SILENCE_20_MS = b"\xff" * 160
ROUTE = "echo"


@dataclass(frozen=True, slots=True)
class Place:
    call: IncomingCall
    route: str = ROUTE


@dataclass(slots=True)
class EchoGate:
    """Lets every call in and says everything back, unless it is told otherwise."""

    talk: Callable[[MediaPort, list[PortEvent]], Awaitable[None]] | None = None
    hesitate: Callable[[], Awaitable[None]] | None = None
    admitted: list[IncomingCall] = field(default_factory=list)
    connected: list[IncomingCall] = field(default_factory=list)
    arrived: list[PortEvent] = field(default_factory=list)
    ended: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def admit(self, call: IncomingCall) -> Place:
        self.admitted.append(call)
        if self.hesitate is not None:
            await self.hesitate()
        return Place(call)

    async def connect(self, reservation: Place, port: MediaPort) -> None:
        self.connected.append(reservation.call)
        await (self.talk or echo)(port, self.arrived)
        self.ended.put_nowait(port.ended_reason)


async def echo(port: MediaPort, arrived: list[PortEvent]) -> None:
    async for event in port.events():
        arrived.append(event)
        if isinstance(event, AudioArrived):
            await port.send(event.frame.pcm)


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is (`url`), and what Twilio believes that it is (`public`)."""

    url: str
    public: str
    http: aiohttp.ClientSession
    token: str | None

    async def post(self, path: str, form: dict[str, str], **headers: str) -> tuple[int, str]:
        if self.token is not None and "X-Twilio-Signature" not in headers:
            signed = sign(self.token, self.public + path, {name: [value] for name, value in form.items()})
            headers["X-Twilio-Signature"] = signed
        async with self.http.post(self.url + path, data=form, headers=headers) as response:
            return response.status, await response.text()

    async def ring(self, call_sid: str, **fields: str) -> ConnectStream:
        form = {"CallSid": call_sid, "AccountSid": ACCOUNT, "From": "+15550111", "To": "+15559196", **fields}
        status, body = await self.post("/twilio/voice", form)
        assert status == 200, body
        answer = parse_twiml(body)
        assert isinstance(answer, ConnectStream)
        return answer

    async def open(self, **headers: str) -> aiohttp.ClientWebSocketResponse:
        if self.token is not None and "X-Twilio-Signature" not in headers:
            headers["X-Twilio-Signature"] = sign(self.token, "ws" + self.public[4:] + "/twilio/stream")
        return await self.http.ws_connect(self.url + "/twilio/stream", headers=headers)

    @asynccontextmanager
    async def stream(self) -> AsyncIterator["Stream"]:
        """A call whose stream is started."""
        call_sid = new_sid("CA")
        answer = await self.ring(call_sid)
        far_end = FarEnd(stream_sid := new_sid("MZ"), call_sid, ACCOUNT)
        async with await self.open() as ws:
            await ws.send_str(far_end.connected())
            await ws.send_str(far_end.start(answer.parameters))
            yield Stream(ws, far_end, stream_sid, call_sid)


@dataclass(frozen=True, slots=True)
class Stream:
    ws: aiohttp.ClientWebSocketResponse
    far_end: FarEnd
    stream_sid: str
    call_sid: str

    async def say(self, timestamp_ms: int, payload: bytes = SILENCE_20_MS) -> None:
        await self.ws.send_str(self.far_end.media(payload, timestamp_ms))

    async def hear(self) -> dict[str, Any]:
        """The next frame; it must be one that Twilio takes."""
        async with asyncio.timeout(5):
            message = await self.ws.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return checked(message.data, self.stream_sid)

    async def closed(self) -> int | None:
        async with asyncio.timeout(5):
            while (await self.ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        return self.ws.close_code


def new_sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def checked(text: str, stream_sid: str) -> dict[str, Any]:
    """Twilio's schema of what a server may say, written down a second time, field by field."""
    frame: dict[str, Any] = json.loads(text)
    assert frame["streamSid"] == stream_sid
    event = frame["event"]
    assert event in {"media", "mark", "clear"}
    assert set(frame) == {"event", "streamSid"} | ({event} if event != "clear" else set())
    if event == "media":
        assert set(frame["media"]) == {"payload"}
        payload = base64.b64decode(frame["media"]["payload"], validate=True)
        assert payload
        assert not payload.startswith(b"RIFF")
    if event == "mark":
        assert set(frame["mark"]) == {"name"}
        assert isinstance(frame["mark"]["name"], str)
        assert frame["mark"]["name"]
    return frame


@asynccontextmanager
async def serve(
    gate: Any, *, token: str | None = None, public: str | None = None, limits: StreamLimits | None = None, **more: Any
) -> AsyncIterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = web.Application(middlewares=[problem_middleware])
    add_twilio(app, gate, public_base=public or url, auth_token=token, limits=limits, **more)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Server(url, public or url, http, token)
    finally:
        await runner.cleanup()

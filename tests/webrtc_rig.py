"""A server of `/v1/webrtc` on a free port with a small callee behind it, and phones that call it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from typing_extensions import override

from media_server.api.webrtc import WebRtcCalls
from media_server.call.record import EventSink
from media_server.call.registry import Reservation
from media_server.phone.webrtc_phone import WebrtcLine, Wire
from media_server.phone.whip import Answer, Whip
from media_server.telemetry.problems import problem_middleware
from media_server.transports.port import MediaPort
from media_server.transports.webrtc import PeerLimits
from media_server.transports.webrtc_ice import IceSettings
from tests.browser_rig import EchoGate, echo

HOST = "127.0.0.1"


@dataclass(slots=True)
class PeerGate(EchoGate):
    """Lets every peer in, many at once, and says everything back, unless it is told otherwise.

    Attributes:
        given_up: Why places were given up.
        talking: The ports of now.
    """

    given_up: list[str] = field(default_factory=list)
    talking: list[MediaPort] = field(default_factory=list)

    def give_up(self, reservation: Reservation, reason: str) -> None:  # noqa: ARG002 - the gate's signature
        self.given_up.append(reason)

    @override
    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        self.talking.append(port)
        try:
            await (self.talk or echo)(port, self.arrived)
        finally:
            self.talking.remove(port)
            await port.aclose()
            self.ended.put_nowait(port.ended_reason)


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    http: aiohttp.ClientSession
    calls: WebRtcCalls

    @property
    def whip(self) -> Whip:
        return Whip(self.http, f"{self.url}/v1/webrtc")

    @property
    def sessions(self) -> int:
        """How many there are of."""
        return len(self.calls._sessions)


@asynccontextmanager
async def serve(
    gate: PeerGate, *, limits: PeerLimits | None = None, ice: IceSettings | None = None
) -> AsyncIterator[Server]:
    listener = socket.create_server((HOST, 0))
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    app = web.Application(middlewares=[problem_middleware])
    calls = WebRtcCalls(gate, ice or IceSettings(addresses=(HOST,)), limits or PeerLimits())
    app.add_routes(calls.routes())
    app.on_shutdown.append(calls.shut_down)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            yield Server(url, http, calls)
    finally:
        await runner.cleanup()


def sockets(line: WebrtcLine) -> "list[asyncio.DatagramTransport]":
    """A phone's own."""
    assert line.connection.sctp is not None
    ice = line.connection.sctp.transport.transport.iceGatherer._connection
    return [protocol.transport for protocol in ice._protocols]


def vanish(line: WebrtcLine) -> None:
    """The phone is gone without a word."""
    for each in sockets(line):
        each.abort()


def ports_of(sdp: str) -> list[tuple[str, int]]:
    """Where a description says that its side may be reached."""
    found = re.findall(r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) ", sdp, re.MULTILINE)
    return [(host, int(port)) for host, port in dict.fromkeys(found)]


@asynccontextmanager
async def connected(server: Server, wire: Wire | None = None) -> AsyncIterator[tuple[WebrtcLine, Answer]]:
    """A phone in its call."""
    wire = wire or Wire()
    line = WebrtcLine(wire, local=True)
    try:
        answer = await server.whip.offer(wire.offered(await line.offer()))
        await line.connect(wire.answered(answer.sdp))
        yield line, answer
    finally:
        await line.aclose()

"""A server of `/v1/webrtc` on a free port with a small callee behind it, and phones that call it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from typing_extensions import override

from media_server.api.webrtc import WebRtcCalls
from media_server.audio.levels import rms
from media_server.call.record import EventSink
from media_server.call.registry import Reservation
from media_server.phone.webrtc_phone import WebrtcLine, Wire
from media_server.phone.whip import Answer, Whip
from media_server.telemetry.problems import problem_middleware
from media_server.transports.port import AudioArrived, MediaPort
from media_server.transports.webrtc import PeerLimits
from media_server.transports.webrtc_ice import IceSettings
from tests.browser_rig import EchoGate, echo
from tests.phone.tones import tone

HOST = "127.0.0.1"
STRANGER = "127.0.0.2"
SOON_S = 5.0


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


@asynccontextmanager
async def stranger() -> AsyncIterator[socket.socket]:
    """A socket that is no peer of anybody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.setblocking(False)
        mine.bind((STRANGER, 0))
        yield mine


@asynccontextmanager
async def speaking(line: WebrtcLine) -> AsyncIterator[None]:
    """The phone makes a tone, in real time."""

    async def run() -> None:
        clock = asyncio.get_running_loop().time
        begun, sound = clock(), tone(0.02)
        for number in range(10_000):
            await asyncio.sleep(max(0.0, begun + number / 50 - clock()))
            line.say(sound)

    talking = asyncio.create_task(run())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.wait({talking})


async def until(done: Callable[[], bool], within_s: float = SOON_S) -> None:
    async with asyncio.timeout(within_s):
        while not done():  # noqa: ASYNC110 - of another side
            await asyncio.sleep(0.01)


async def still_heard(gate: PeerGate, line: WebrtcLine, within_s: float = SOON_S) -> None:
    """The caller is heard, and hears the answer: from now on, not from before."""
    since, played = len(gate.arrived), len(line.heard())

    def voiced() -> int:
        later = (event for event in gate.arrived[since:] if isinstance(event, AudioArrived))
        return sum(rms(event.frame.pcm) > 1000 for event in later)

    await until(lambda: voiced() >= 5, within_s)
    await until(lambda: rms(line.heard()[played:]) > 500, within_s)

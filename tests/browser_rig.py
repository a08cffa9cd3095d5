"""A server of `/v1/talk` on a free port with a small callee behind it, and raw pages that speak the wire."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from aiohttp import web

from media_server.api.browser_calls import BrowserGate
from media_server.api.talk import talk_routes
from media_server.call.chronicle import CallFacts
from media_server.call.record import EventSink
from media_server.call.registry import Reservation
from media_server.dialplan.loader import LoadedPlan
from media_server.dialplan.router import LoadedRoute, Router
from media_server.dialplan.routes import Incoming
from media_server.errors import MediaServerError, NotFound
from media_server.protocol.browser_socket import SUBPROTOCOL
from media_server.telemetry.problems import problem_middleware
from media_server.transports.browser_socket import BrowserLimits, BrowserSocketPort
from media_server.transports.port import AudioArrived, MediaPort, PortEvent

PIECE = b"\x10\x00\x20\x00" * 160
"""20 ms."""


async def _nothing(_call: object) -> None:
    """A dialplan that is not run."""


class OneDialplan:
    """The routes: every call is for `parrot`."""

    def __init__(self) -> None:
        self.asked: list[Incoming] = []

    def route(self, incoming: Incoming) -> LoadedRoute:
        self.asked.append(incoming)
        return LoadedRoute(LoadedPlan("parrot", _nothing, ()))

    def named(self, name: str) -> LoadedRoute:
        if name != "echo":
            raise NotFound(f"no route leads to a dialplan {name!r}")
        return LoadedRoute(LoadedPlan("echo", _nothing, ()))


@dataclass(slots=True)
class EchoGate:
    """Lets every call in and says everything back, unless it is told otherwise."""

    talk: Callable[[MediaPort, list[PortEvent]], Awaitable[None]] | None = None
    refusal: MediaServerError | None = None
    failure: Exception | None = None
    routes: OneDialplan = field(default_factory=OneDialplan)
    places: list[CallFacts] = field(default_factory=list)
    watching: list[EventSink] = field(default_factory=list)
    arrived: list[PortEvent] = field(default_factory=list)
    ended: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    @property
    def router(self) -> Router:
        return cast("Router", self.routes)

    def keep_place(
        self, route: LoadedRoute, *, provider_id: str, caller: str, called: str, transport: str
    ) -> Reservation:
        if self.refusal is not None:
            raise self.refusal
        facts = CallFacts("c" * 32, provider_id, transport, caller, called, route.plan.name)
        self.places.append(facts)
        return cast("Reservation", SimpleNamespace(facts=facts))

    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        assert watch is not None
        assert reservation.facts is self.places[-1]
        self.watching.append(watch)
        await (self.talk or echo)(port, self.arrived)
        await port.aclose()
        self.ended.put_nowait(port.ended_reason)
        if self.failure is not None:
            raise self.failure

    async def over(self) -> str:
        """Why the call is over."""
        async with asyncio.timeout(5):
            return await self.ended.get()


async def echo(port: MediaPort, arrived: list[PortEvent]) -> None:
    async for event in port.events():
        arrived.append(event)
        if isinstance(event, AudioArrived) and not event.filled:
            await port.send(event.frame.pcm)


def told(port: MediaPort, text: str) -> None:
    """Tell the page of a port something."""
    assert isinstance(port, BrowserSocketPort)
    port.send_text(text)


@dataclass(frozen=True, slots=True)
class Page:
    """A page's end of a call."""

    ws: aiohttp.ClientWebSocketResponse

    async def say(self, pcm: bytes = PIECE) -> None:
        await self.ws.send_bytes(pcm)

    async def tell(self, **message: object) -> None:
        await self.ws.send_str(json.dumps(message))

    async def hear(self) -> bytes:
        """The next sound."""
        async with asyncio.timeout(5):
            return await self.ws.receive_bytes()

    async def read(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(5):
            message: dict[str, Any] = await self.ws.receive_json()
            return message

    async def closed(self) -> int | None:
        """Read to the end: its code."""
        async with asyncio.timeout(8):
            while not self.ws.closed:
                await self.ws.receive()
        return self.ws.close_code


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    http: aiohttp.ClientSession


@asynccontextmanager
async def serve(
    gate: BrowserGate, *, limits: BrowserLimits | None = None, origins: tuple[str, ...] = ()
) -> AsyncIterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = web.Application(middlewares=[problem_middleware])
    app.add_routes(talk_routes(gate, allowed_origins=origins, limits=limits))
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Server(url, http)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def page(server: Server, query: str = "", **more: Any) -> AsyncIterator[Page]:
    more = {"protocols": (SUBPROTOCOL,), **more}
    async with server.http.ws_connect(f"{server.url}/v1/talk{query}", **more) as ws:
        yield Page(ws)

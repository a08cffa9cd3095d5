"""The relay alone, before an engine that a test makes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from typing_extensions import override

from media_server.api.engine_streams import StreamRelay
from media_server.api.engines import EngineRelay
from media_server.api.relaying import Door
from media_server.speech.connection import Engines
from media_server.speech.room import Room
from media_server.speech.spare_room import SpareRoom
from media_server.telemetry.problems import problem_middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Client = TestClient[web.Request, web.Application]

NOWHERE = "http://127.0.0.1:1"


@asynccontextmanager
async def engine(handler: Handler) -> AsyncIterator[str]:
    """An engine that answers whatever it is asked with this."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


class MediaServer(TestServer):
    """As the media role runs: whose client is gone is not cancelled for it, and who lingers is not waited for."""

    @override
    async def _make_runner(self, **settings: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **settings | {"handler_cancellation": False, "shutdown_timeout": 1.0})


@dataclass(slots=True)
class RelayHouse:
    client: Client
    room: Room
    promised: int = 0


@asynccontextmanager
async def relay_house(*urls: str, key: str | None = None) -> AsyncIterator[RelayHouse]:
    """The relay before these engines, which are of both kinds."""
    async with Engines(urls, key) as engines:
        spare = SpareRoom("recogniser", lambda: house.room, lambda _: house.promised, now=monotonic)
        door = Door(engines, spare)
        app = web.Application(middlewares=[problem_middleware], client_max_size=64 * 1024)
        for relay in (EngineRelay(door, door), StreamRelay(door, door)):
            app.add_routes(relay.routes())
            app.on_shutdown.append(relay.shut_down)
        async with TestClient(MediaServer(app)) as client:
            house = RelayHouse(client, Room(ready=1, free=100, asked_at=monotonic() - 1))
            yield house

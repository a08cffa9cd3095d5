"""The routes of calls on a free port, with a registry and an archive behind them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Middleware

from media_server.api.call_stream import CallStream
from media_server.api.calls import Calls
from media_server.api.hang_up import hang_up_routes
from media_server.api.inspection import Inspections
from media_server.api.recordings import recording_routes
from media_server.call.conversation import Conversation, Speech
from media_server.call.phrases import Phrases
from media_server.call.record import CallRecord, all_of
from media_server.call.registry import Registry
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.records.archive import Archive
from media_server.speech.connection import Engines
from media_server.telemetry.problems import problem_middleware
from media_server.transports.loopback import LoopbackPort


@dataclass
class CallHouse:
    registry: Registry
    archive: Archive
    client: TestClient[web.Request, web.Application]

    async def call(self, provider_id: str = "CA1", *, live: asyncio.Event | None = None) -> str:
        """A call that ends at once, or when `live` is set."""

        async def plan(conversation: Conversation) -> None:
            if live is not None:
                await conversation.alive(live.wait())
            conversation.end("completed")

        place = self.registry.reserve(
            provider_id=provider_id, transport="loopback", caller="+1", called="+2", dialplan="test", plan=plan
        )
        await self.registry.connect(place, LoopbackPort())
        return place.facts.id

    async def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        async with self.client.request(method, path) as response:
            text = await response.text()
            return response.status, await response.json() if text.startswith("{") else text

    async def settled(self, events: int) -> None:
        """Until so many events are in the database."""
        async with asyncio.timeout(5):
            while True:
                ids = await self.archive.store.ids()
                if sum([len(await self.archive.store.events(call)) for call in ids]) >= events:
                    return
                await asyncio.sleep(0.02)


async def _nothing_rings(_call: str, _reason: str) -> bool:
    return False


@asynccontextmanager
async def call_house(
    folder: Path, routes: Sequence[web.RouteDef] = (), middlewares: Sequence[Middleware] = ()
) -> AsyncIterator[CallHouse]:
    """`routes`, `middlewares`: more of them."""
    engines = Engines(["http://127.0.0.1:1"])
    speech = Speech(engines, engines, Phrases(TtsQuery(sample_rate=8000)), AsrQuery(sample_rate=8000), 8.0, 7200.0, 5.0)

    def find(call: str) -> CallRecord:
        return registry.record(call)

    archive = Archive(folder, keep_days=30, find=find)
    stream = CallStream()
    registry = Registry(
        speech, all_of(archive.receive, stream.receive), max_calls=20, now=asyncio.get_running_loop().time
    )
    app = web.Application(middlewares=[problem_middleware, *middlewares])
    app.add_routes(routes)
    app.add_routes(stream.routes())
    app.add_routes(Calls(registry, archive).routes())
    app.add_routes(recording_routes(registry, archive))
    app.add_routes(Inspections(registry, archive).routes())
    app.add_routes(hang_up_routes(registry, archive, cancel=_nothing_rings))
    app.on_shutdown.append(stream.shut_down)
    await archive.open()
    async with TestClient(TestServer(app)) as client:
        yield CallHouse(registry, archive, client)
    await archive.aclose()

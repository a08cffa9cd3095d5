"""The page before a real registry and a real archive, with calls in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from media_server.api.web_files import web_folder, web_routes
from media_server.call.conversation import Conversation
from media_server.call.events import CallEndedEvent, CallEvent, CallStarted
from media_server.call.record import CallRecord
from media_server.errors import Unauthorized
from media_server.records.rows import call_row, event_row
from media_server.transports.loopback import LoopbackPort
from tests.api.call_house import CallHouse, call_house
from tests.web.held_call import CALL, held_call


@dataclass
class CallPage:
    """A server with the page."""

    house: CallHouse

    @property
    def url(self) -> str:
        return str(self.house.client.make_url("/"))

    async def keep(self, number: int, **changes: object) -> None:
        """An ended call that is only in the archive."""
        record = CallRecord(
            id=f"{number:032x}",
            provider_id=f"CA{number}",
            transport="twilio",
            caller=f"+1555{number:07d}",
            called="+15550100",
            dialplan="parrot" if number % 3 else "booking",
            started_at=f"2026-11-{1 + number // 24:02d}T{number % 24:02d}:00:00.000+00:00",
            duration_s=20.0 + number,
            state="ended",
            ended_reason="caller_hangup",
        ).model_copy(update=changes)
        events: list[CallEvent] = [
            CallStarted(call=record.id, at=0, caller=record.caller, called=record.called, dialplan=record.dialplan),
            CallEndedEvent(call=record.id, at=record.duration_s, reason="caller_hangup", turns=0, balances=True),
        ]
        rows = [event_row(seq, event) for seq, event in enumerate(events, 1)]
        await self.house.archive.store.write([call_row(record)], rows)

    async def keep_held(self, folder: Path) -> str:
        """The call of `held_call`, with its recording."""
        held = await held_call(folder)
        recordings = self.house.archive.recordings
        recordings.wav(CALL).write_bytes(held.wav.read_bytes())
        recordings.inputs(CALL).write_bytes(held.inputs.read_bytes())
        rows = [event_row(seq, event) for seq, event in enumerate(held.events, 1)]
        await self.house.archive.store.write([call_row(held.record)], rows)
        return CALL

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Conversation]:
        """A call under way."""
        begun: asyncio.Future[Conversation] = asyncio.get_running_loop().create_future()

        async def plan(conversation: Conversation) -> None:
            begun.set_result(conversation)
            await conversation.alive(asyncio.Event().wait())

        registry = self.house.registry
        place = registry.reserve(
            provider_id="CA9", transport="webrtc", caller="browser", called="", dialplan="parrot", plan=plan
        )
        running = asyncio.create_task(registry.connect(place, LoopbackPort()))
        conversation = await begun
        try:
            yield conversation
        finally:
            conversation.end("caller_hangup")
            await running


@asynccontextmanager
async def call_page(folder: Path, *, key: str = "") -> AsyncIterator[CallPage]:
    """The server, on a free port; with a key its calls are nobody's who has it not."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if key and request.path.startswith("/v1/calls") and request.headers.get("Authorization") != f"Bearer {key}":
            raise Unauthorized
        return await handler(request)

    routes = [*web_routes(web_folder()), web.get("/v1/page", _page)]
    async with call_house(folder, routes, [guard]) as house:
        yield CallPage(house)


async def _page(_request: web.Request) -> web.Response:
    dialplans = [{"name": name, "default": name == "parrot"} for name in ("parrot", "booking")]
    document = {"version": "0.1.0", "auth": False, "dialplans": dialplans, "ice_servers": []}
    return web.json_response({**document, "sample_rate": 16000, "recording": True})

"""`/v1/calls/{id}/recording`: the sound of a call, whole or in ranges."""

import asyncio

from aiohttp import web

from media_server.api.calls_query import call_id
from media_server.errors import NotFound
from media_server.records.archive import Archive

_HEADERS = {"Content-Type": "audio/wav", "Cache-Control": "private, no-store"}


def recording_routes(archive: Archive) -> list[web.RouteDef]:
    """The route. A live call's recording is there too, as far as it is written."""

    async def recording(request: web.Request) -> web.StreamResponse:
        path = archive.recordings.wav(call_id(request))
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("no recording is kept of this call")
        return web.FileResponse(path, headers=_HEADERS)

    return [web.get("/v1/calls/{id}/recording", recording)]

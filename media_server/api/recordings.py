"""`/v1/calls/{id}/recording`: its sound, whole or in ranges; `/v1/calls/{id}/export`: all that is kept, in one file."""

import asyncio
import secrets

from aiohttp import web

from media_server.api.calls_query import call_id
from media_server.call.registry import Registry
from media_server.errors import NotFound, Overloaded
from media_server.records.archive import Archive
from media_server.records.export import write_export
from media_server.records.rows import dumped

EXPORTS_AT_ONCE = 2

_PRIVATE = {"Cache-Control": "private, no-store"}


def recording_routes(registry: Registry, archive: Archive) -> list[web.RouteDef]:
    """The routes. A live call's recording is there too, as far as it is written."""
    exporting = asyncio.Semaphore(EXPORTS_AT_ONCE)

    async def recording(request: web.Request) -> web.StreamResponse:
        path = archive.recordings.wav(call_id(request))
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("no recording is kept of this call")
        return web.FileResponse(path, headers={**_PRIVATE, "Content-Type": "audio/wav"})

    async def export(request: web.Request) -> web.StreamResponse:
        call = call_id(request)
        record = dumped(registry.record(call)) if registry.knows(call) else await archive.store.record(call)
        if exporting.locked():
            raise Overloaded(f"{EXPORTS_AT_ONCE} calls are being exported already")
        async with exporting:
            path = await asyncio.to_thread(archive.recordings.scratch) / f"{secrets.token_hex(8)}.zip"
            try:
                sources = archive.recordings.wav(call), archive.recordings.inputs(call)
                await asyncio.to_thread(write_export, path, record, *sources)
                headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{call}.call.zip"'}
                response = web.FileResponse(path, headers={**headers, "Content-Type": "application/zip"})
                await response.prepare(request)  # which sends it
            finally:
                await asyncio.to_thread(path.unlink, missing_ok=True)
        return response

    return [web.get("/v1/calls/{id}/recording", recording), web.get("/v1/calls/{id}/export", export)]

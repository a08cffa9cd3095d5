"""`/v1/calls/{id}/recording`: its sound, whole or in ranges; `/v1/calls/{id}/export`: all that is kept, in one file."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

from media_server.api.calls_query import call_id
from media_server.call.registry import Registry
from media_server.errors import NotFound, Overloaded
from media_server.records.archive import Archive
from media_server.records.export import write_export
from media_server.records.rows import dumped

EXPORTS_AT_ONCE = 2
CHUNK_BYTES = 1 << 18

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
            sources = archive.recordings.wav(call), archive.recordings.inputs(call)
            file = await asyncio.to_thread(_exported, archive, record, sources)
            try:
                return await _sent(request, file, f"{call}.call.zip")
            finally:
                # Not awaited: a client that has everything may be gone, which cancels this.
                asyncio.get_running_loop().run_in_executor(None, file.close)

    return [web.get("/v1/calls/{id}/recording", recording), web.get("/v1/calls/{id}/export", export)]


def _exported(archive: Archive, record: str, sources: tuple[Path, Path]) -> BinaryIO:
    """The export as an open file, which has no name any more: it goes with its last reader, whatever happens."""
    path = archive.recordings.scratch() / f"{secrets.token_hex(8)}.zip"
    try:
        write_export(path, record, *sources)
        return path.open("rb")
    finally:
        path.unlink(missing_ok=True)


async def _sent(request: web.Request, file: BinaryIO, name: str) -> web.StreamResponse:
    headers = {**_PRIVATE, "Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/zip"}
    response = web.StreamResponse(headers=headers)
    response.content_length = os.fstat(file.fileno()).st_size
    await response.prepare(request)
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        await response.write(chunk)
    await response.write_eof()
    return response

"""What the call inspector draws: `/v1/calls/{id}/timeline` and `/v1/calls/{id}/peaks`. A live call's so far."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from media_server.api.calls_query import call_id, number, only
from media_server.call.record import CallRecord
from media_server.call.registry import Registry
from media_server.errors import NotFound, Overloaded, PeerError, RecordsUnavailable
from media_server.records.archive import Archive
from media_server.records.inspection_files import read_timeline
from media_server.records.peaks import read_peaks
from media_server.records.store import MAX_EVENTS
from media_server.records.timeline import timeline_json

AT_ONCE = 2
"""Calls that are read at once: each takes a thread."""
MAX_WAITING = 20
MAX_CALL_EVENTS = 20_000
MOST_PER_S = 400
USUAL_PER_S = 50

_PRIVATE = {"Cache-Control": "private, no-store"}
_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?", re.ASCII)
_T = TypeVar("_T")


class Inspections:
    """Reads calls for the inspector, a few at a time."""

    def __init__(self, registry: Registry, archive: Archive) -> None:
        self._registry = registry
        self._archive = archive
        self._reading = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.get("/v1/calls/{id}/timeline", self._timeline),
            web.get("/v1/calls/{id}/peaks", self._peaks),
        ]

    async def _timeline(self, request: web.Request) -> web.Response:
        only(request, set())
        call = call_id(request)
        recordings = self._archive.recordings
        if self._registry.knows(call):
            here = self._registry.record(call)
            state, text = (here.state, here.duration_s), None
        else:
            state, text = ("ended", 0.0), await self._archive.store.record(call)

        async with self._room():
            events = await self._events(call)

            def made() -> str:
                seconds = state[1] if text is None else CallRecord.model_validate_json(text).duration_s
                paths = recordings.wav(call), recordings.inputs(call)
                return timeline_json(read_timeline(call, *paths, events, live=state[0] != "ended", duration_s=seconds))

            body = await _in_thread(made)
        return web.Response(text=body, content_type="application/json", headers=_PRIVATE)

    async def _peaks(self, request: web.Request) -> web.Response:
        only(request, {"per_s", "from", "to"})
        call = call_id(request)
        per_s = number(request, "per_s", default=USUAL_PER_S, most=MOST_PER_S)
        from_s, to_s = _seconds(request, "from") or 0.0, _seconds(request, "to")
        path = self._archive.recordings.wav(call)

        def made() -> str:
            return read_peaks(path, per_s, from_s=from_s, to_s=to_s).json()

        async with self._room():
            try:
                body = await _in_thread(made)
            except FileNotFoundError:
                raise NotFound("no recording is kept of this call") from None
        return web.Response(text=body, content_type="application/json", headers=_PRIVATE)

    async def _events(self, call: str) -> list[str]:
        texts: list[str] = []
        after = 0
        while len(texts) < MAX_CALL_EVENTS:
            found = await self._archive.store.events(call, after=after)
            texts += [text for _, text in found]
            if len(found) < MAX_EVENTS:
                break
            after = found[-1][0]
        return texts

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} calls wait to be read already")
        self._waiting += 1
        try:
            async with self._reading:
                yield
        finally:
            self._waiting -= 1


async def _in_thread(make: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(make)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordsUnavailable(f"what is kept of the call: {error.strerror or error}") from error


def _seconds(request: web.Request, key: str) -> float | None:
    text = request.query.get(key)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise PeerError(f"{key}: seconds are wanted")
    return float(text)

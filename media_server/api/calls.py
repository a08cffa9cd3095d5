"""`/v1/calls`: live calls and those that ended, those of earlier runs too; their events; and forgetting them."""

import json
from typing import Any

import structlog
from aiohttp import web

from media_server.api.calls_query import FILTERS, call_id, cursor_of, number, only, wanted_calls
from media_server.call.record import CallRecord
from media_server.call.registry import Registry
from media_server.errors import Conflict, RecordsUnavailable
from media_server.records.archive import Archive
from media_server.records.rows import LONG, dumped
from media_server.records.store import MAX_EVENTS, Place, Wanted

MAX_LIMIT = 500
_MAX_SEQ = 1_000_000_000

log = structlog.get_logger(__name__)


class Calls:
    """The calls that this server has at hand, and those in its archive. Ids are 128 random bits: nobody guesses one."""

    def __init__(self, registry: Registry, archive: Archive) -> None:
        self._registry = registry
        self._archive = archive

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.get("/v1/calls", self._list),
            web.get("/v1/calls/{id}", self._one),
            web.get("/v1/calls/{id}/events", self._events),
            web.delete("/v1/calls/{id}", self._forget),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        wanted = wanted_calls(request)
        limit = number(request, "limit", default=100, most=MAX_LIMIT)
        # One more than is wanted tells whether there are more.
        kept = await self._kept(wanted, limit + 1)
        # Without what grows with a call: this is made on the loop that paces all calls.
        here = {place.id: (place, dumped(record, without=LONG)) for place, record in self._here(wanted)[: limit + 1]}
        # What is at hand is newer than what is written of it, also where it is not what is wanted any more.
        both = {place.id: (place, text) for place, text in kept if not self._registry.knows(place.id)} | here
        order = sorted(both.values(), key=lambda each: _key(each[0]), reverse=True)
        body: dict[str, Any] = {"calls": [json.loads(text) for _, text in order[:limit]]}
        if order and (len(order) > limit or len(kept) > limit):
            body["cursor"] = cursor_of(order[:limit][-1][0])
        return web.json_response(body)

    async def _one(self, request: web.Request) -> web.Response:
        call = call_id(request)
        if self._registry.knows(call):
            text = dumped(self._registry.record(call))
        else:
            text = await self._archive.store.record(call)
        return web.Response(text=text, content_type="application/json")

    async def _events(self, request: web.Request) -> web.Response:
        only(request, {"after", "limit"})
        call = call_id(request)
        after = number(request, "after", default=0, least=0, most=_MAX_SEQ)
        limit = number(request, "limit", default=MAX_EVENTS, most=MAX_EVENTS)
        found = await self._archive.store.events(call, after=after, limit=limit)
        if not found:
            await self._check_known(call)
        return web.json_response({"events": [{"seq": seq, **json.loads(text)} for seq, text in found]})

    async def _forget(self, request: web.Request) -> web.Response:
        call = call_id(request)
        await self._check_known(call)
        if self._registry.knows(call) and self._registry.record(call).state == "live":
            raise Conflict("the call is live; hang up first")
        await self._archive.delete(call)
        self._registry.forget(call)
        return web.Response(status=204)

    async def _check_known(self, call: str) -> None:
        if not self._registry.knows(call):
            await self._archive.store.record(call)  # raises where there is none

    def _here(self, wanted: Wanted) -> list[tuple[Place, CallRecord]]:
        """The calls that are at hand, the newest first."""
        found = [
            (Place(record.started_at, record.id), record)
            for record in self._registry.records()
            if all(getattr(wanted, key) in (None, getattr(record, key)) for key in FILTERS)
        ]
        since, after = wanted.since or "", wanted.after
        found = [
            each for each in found if each[0].started_at >= since and (after is None or _key(each[0]) < _key(after))
        ]
        return sorted(found, key=lambda each: _key(each[0]), reverse=True)

    async def _kept(self, wanted: Wanted, limit: int) -> list[tuple[Place, str]]:
        """Those in the archive; while it cannot be read, what is at hand has to do."""
        try:
            return await self._archive.store.summaries(wanted, limit)
        except RecordsUnavailable as error:
            log.warning("records_not_read", error=error.message)
            return []


def _key(place: Place) -> tuple[str, str]:
    return place.started_at, place.id

"""`GET /v1/calls` and `GET /v1/calls/{id}`: live calls and the latest ended ones."""

import re

from aiohttp import web

from media_server.call.registry import Registry
from media_server.errors import NotFound, PeerError

MAX_LIMIT = 500
_LONG = {"transcript", "turns", "notes", "digits"}
_ID = re.compile(r"[0-9a-f]{32}")


def calls_routes(registry: Registry) -> list[web.RouteDef]:
    """The routes. Ids are 128 random bits: who does not know one cannot guess it."""

    async def listing(request: web.Request) -> web.Response:
        unknown = set(request.query) - {"provider_id", "state", "limit"}
        if unknown:
            raise PeerError(f"unknown query key {min(unknown)!r}")
        limit = request.query.get("limit", "100")
        if not re.fullmatch(r"[1-9][0-9]{0,2}", limit, re.ASCII) or int(limit) > MAX_LIMIT:
            raise PeerError(f"limit: a number from 1 to {MAX_LIMIT} is wanted")
        wanted = {key: request.query[key] for key in ("provider_id", "state") if key in request.query}
        found = [
            record
            for record in registry.records()
            if all(getattr(record, key) == value for key, value in wanted.items())
        ]
        # Without what grows with a call: this is made on the loop that paces all calls.
        calls = [record.model_dump(mode="json", exclude=_LONG) for record in found[: int(limit)]]
        return web.json_response({"calls": calls})

    async def one(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        if not _ID.fullmatch(call_id):
            raise NotFound("no call of this id")
        return web.json_response(registry.record(call_id).model_dump(mode="json"))

    return [web.get("/v1/calls", listing), web.get("/v1/calls/{id}", one)]

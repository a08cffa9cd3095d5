"""`POST /v1/calls/{id}/hangup`: end a call now, without a goodbye. One that still rings, rings no more."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from media_server.api.calls_query import call_id
from media_server.call.registry import Registry
from media_server.errors import Conflict
from media_server.records.archive import Archive

REASON = "hung_up_by_operator"


def hang_up_routes(
    registry: Registry, archive: Archive, *, cancel: Callable[[str, str], Awaitable[bool]]
) -> list[web.RouteDef]:
    """The route: 202, and the call ends within seconds; 409 where it is over.

    `cancel`: cancels a call that rings, for a reason; False where none of this id does.
    """

    async def hang_up(request: web.Request) -> web.Response:
        call = call_id(request)
        if not registry.knows(call):
            await archive.store.record(call)  # raises where there is none
            raise Conflict("the call is over")
        if not registry.hang_up(call, REASON) and not await cancel(call, REASON):
            raise Conflict("the call is just being answered, or is just over; look again")
        return web.json_response({"id": call}, status=202)

    return [web.post("/v1/calls/{id}/hangup", hang_up)]

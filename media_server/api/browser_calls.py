"""A call that a page begins: which dialplan answers it, and a place for it. The same for every wire of a browser's."""

import re
from typing import Protocol

from aiohttp import web

from media_server.api.calls_query import only
from media_server.call.record import EventSink
from media_server.call.registry import Reservation
from media_server.dialplan.router import LoadedRoute, Router
from media_server.dialplan.routes import Incoming
from media_server.errors import PeerError
from media_server.transports.port import MediaPort

CALLER = "browser"
"""Who calls, for the routes."""

_QUERY = {"dialplan", "from", "ticket"}
_MAX_NAME = 100
_MAX_FROM = 64
_NUMBER = re.compile(r"[+\d().\s/-]*\d[+\d().\s/-]*")


class BrowserGate(Protocol):
    """Who lets calls of browsers in and runs them."""

    @property
    def router(self) -> Router:
        """The routes of now."""
        ...

    def keep_place(
        self, route: LoadedRoute, *, provider_id: str, caller: str, called: str, transport: str
    ) -> Reservation:
        """Keep a place for a call.

        Raises:
            Overloaded: There is none, or we are not ready.
        """
        ...

    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        """Run the call until it is over; `watch` is told of all that happens on it.

        Raises:
            CallFailed: A fault of ours cut it off.
            NotFound: Its place has lapsed.
        """
        ...


def reserve(gate: BrowserGate, request: web.Request, transport: str) -> Reservation:
    """A place for the call that a request asks for: `?dialplan=` (or the name of a route), `?from=` who calls.

    Who calls is what they say themselves, so it is shown and kept, chooses no route, and is no telephone number: a
    dialplan may rely on those.

    Raises:
        Overloaded: There is none, or we are not ready.
        NotFound: No route has or leads to such a dialplan.
        PeerError: The query cannot be understood.
    """
    only(request, _QUERY)
    name, caller = request.query.get("dialplan", ""), request.query.get("from", "")
    if len(caller) > _MAX_FROM or not caller.isprintable():
        raise PeerError(f"from: {_MAX_FROM} printable characters at most are wanted")
    if _NUMBER.fullmatch(caller):
        raise PeerError("from: a name is wanted, no telephone number")
    if len(name) > _MAX_NAME or not name.isprintable():
        raise PeerError("dialplan: the name of one is wanted")
    router = gate.router
    route = router.named(name) if name else router.route(Incoming("", CALLER))
    return gate.keep_place(route, provider_id="", caller=caller, called="", transport=transport)

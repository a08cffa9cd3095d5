"""What the page asks for before a call.

====================  ============================================================================================
`GET /v1/page`        what there is to call, and how; without a key it says only that one is wanted
`POST /v1/tickets`    201, a ticket: one call, or one stream, without the key (see `telemetry/tickets.py`)
====================  ============================================================================================
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, TypeAlias

from aiohttp import web

from media_server.api.browser_calls import CALLER
from media_server.dialplan.router import DEFAULT, Router
from media_server.dialplan.routes import Incoming
from media_server.protocol.browser_socket import SAMPLE_RATE
from media_server.telemetry.guard import TRUSTED
from media_server.telemetry.tickets import Tickets

PAGE_PATHS = ("/", "/web/{path}", "/v1/page", "/v1/webrtc/{id}")
"""Open where a key guards the others: the page, and a call's address, which is a secret that only its caller has."""
TICKET_PATHS = ("/v1/talk", "/v1/webrtc", "/v1/stream/asr", "/v1/stream/tts")
"""Where a ticket does for the key."""
SHARED_PATHS = ("/v1/page", "/v1/talk", "/v1/tickets", "/v1/webrtc")
"""Which pages of other origins may ask for, where the settings allow them."""

IceServers: TypeAlias = Callable[[], Sequence[Mapping[str, Any]]]
"""STUN and TURN servers, as a browser's `RTCPeerConnection` takes them."""

_PRIVATE = {"Cache-Control": "no-store"}


def page_routes(
    router: Callable[[], Router],
    tickets: Tickets,
    *,
    auth: bool,
    recording: bool,
    ice_servers: IceServers = tuple,
) -> list[web.RouteDef]:
    """The routes.

    Args:
        router: The routes of now.
        tickets: Where they are kept.
        auth: Whether a key is wanted.
        recording: Whether the sound of calls is kept.
        ice_servers: For who may call.
    """
    about = {"version": version("media-server"), "auth": auth, "sample_rate": SAMPLE_RATE, "recording": recording}

    async def page(request: web.Request) -> web.Response:
        may_call = request.get(TRUSTED, False)
        body = {
            **about,
            "may_call": may_call,
            "dialplans": dialplans(router()) if may_call else [],
            "ice_servers": list(ice_servers()) if may_call else [],
        }
        return web.json_response(body, headers=_PRIVATE)

    async def ticket(_request: web.Request) -> web.Response:
        body = {"ticket": tickets.issue(), "expires_s": round(tickets.ttl_s)}
        return web.json_response(body, status=201, headers=_PRIVATE)

    return [web.get("/v1/page", page), web.post("/v1/tickets", ticket)]


def dialplans(router: Router) -> list[dict[str, Any]]:
    """What a page may ask for by name: the routes. The one that answers where it asks for none comes first."""
    default = router.route(Incoming("", CALLER))
    names = dict.fromkeys(route.plan.name if route.name == DEFAULT else route.name for route in router.routes)
    own = default.plan.name if default.name == DEFAULT else default.name
    return [{"name": name, "default": name == own} for name in sorted(names, key=lambda name: (name != own, name))]

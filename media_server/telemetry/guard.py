"""Who may ask: this machine only, or whoever has the key.

Rules:
- `loopback_only` (neither key nor Twilio token is set): the peer's address proves nothing, since a tunnel such as ngrok
  *is* a loopback peer. So a request that names a proxy, a Host or an Origin that is not this machine gets 403. The
  Origin keeps web pages from elsewhere out, which a browser on this machine may have open.
- Without a key the routes that want one answer this machine only, also where a Twilio token guards the others.
- `api_key`: every route but the open ones wants `Authorization: Bearer <key>` (or `Token <key>`, as Deepgram's clients
  say) or `X-API-Key: <key>`, compared in constant time; 401 otherwise. Whether a route is open is read from the *route*
  that was matched, not from the path as it was sent, so no spelling of a path gets around it. The key is never logged.
"""

import hmac
from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from media_server.errors import Forbidden, MediaServerError, Unauthorized
from media_server.telemetry.loopback import is_loopback, is_loopback_authority
from media_server.telemetry.problems import answered
from media_server.telemetry.tickets import Tickets

OPEN_PATHS = ("/twilio/", "/healthz", "/readyz")
"""Routes without a key; one that ends with a slash stands for all below it. Twilio's are guarded by its signature."""


TRUSTED = web.RequestKey("trusted", bool)
"""Whether who asks may call: the key or an open ticket was shown, or none is wanted."""
TICKET_UNUSED = web.RequestKey("ticket_unused", bool)
"""Set by who had begun to answer and then did nothing, so that the ticket is good still."""


def guard_middleware(
    api_key: str | None,
    *,
    loopback_only: bool,
    open_paths: Iterable[str] = OPEN_PATHS,
    tickets: Tickets | None = None,
    ticket_paths: Iterable[str] = (),
) -> Middleware:
    """The guard of an application; belongs inside of `problem_middleware`, which makes its errors answers.

    Args:
        api_key: What the routes want that are not open.
        loopback_only: Whether this machine alone is answered, on every route.
        open_paths: Routes without a key; the root, "/", is itself and nothing below it.
        tickets: Those that are open.
        ticket_paths: Routes for which one of them will do.
    """
    key = api_key.encode() if api_key is not None else None
    paths = frozenset(open_paths)
    prefixes = tuple(path for path in paths if path.endswith("/") and path != "/")
    exact = paths.difference(prefixes)
    by_ticket = frozenset(ticket_paths)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else ""
        is_open = route in exact or route.startswith(prefixes)
        if loopback_only or (key is None and not is_open):
            _refuse_strangers(request)
        trusted = key is None or _has_key(request, key)
        ticket = _ticket_of(request)
        request[TRUSTED] = trusted or (tickets is not None and tickets.knows(ticket))
        if trusted or is_open:
            return await handler(request)
        give_back = tickets.redeem(ticket) if tickets is not None and route in by_ticket else None
        if give_back is None:
            raise Unauthorized
        return await _once(request, handler, give_back)

    return guard


async def _once(request: web.Request, handler: Handler, give_back: Callable[[], None]) -> web.StreamResponse:
    try:
        response = await handler(request)
    except (MediaServerError, web.HTTPException):
        if not answered(request):
            give_back()
        raise
    if response.status >= HTTPStatus.BAD_REQUEST or TICKET_UNUSED in request:
        give_back()
    return response


def _refuse_strangers(request: web.Request) -> None:
    if any(name.lower() == "forwarded" or name.lower().startswith("x-forwarded") for name in request.headers):
        raise Forbidden("Without a key this server answers only to its own machine, and this came through a proxy")
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not is_loopback_authority(hosts[0]):
        raise Forbidden("Without a key this server answers only to its own machine; the Host is another")
    if not all(_is_loopback_origin(origin) for origin in request.headers.getall("Origin", [])):
        raise Forbidden("Without a key this server answers only to its own machine; the Origin is another")


def _is_loopback_origin(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _has_key(request: web.Request, key: bytes) -> bool:
    given = _bearer(request) or request.headers.get("X-API-Key", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), key)


def _ticket_of(request: web.Request) -> str:
    return _bearer(request) or (request.query.get("ticket", "") if request.method == "GET" else "")


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""

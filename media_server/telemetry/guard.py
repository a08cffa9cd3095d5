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
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from media_server.errors import Forbidden, Unauthorized
from media_server.telemetry.loopback import is_loopback, is_loopback_authority

OPEN_PATHS = ("/twilio/", "/healthz", "/readyz")
"""Routes without a key; one that ends with a slash stands for all below it. Twilio's are guarded by its signature."""


def guard_middleware(api_key: str | None, *, loopback_only: bool, open_paths: Iterable[str] = OPEN_PATHS) -> Middleware:
    """The guard of an application; belongs inside of `problem_middleware`, which makes its errors answers."""
    key = api_key.encode() if api_key is not None else None
    prefixes = tuple(path for path in open_paths if path.endswith("/"))
    exact = frozenset(path for path in open_paths if not path.endswith("/"))

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else ""
        is_open = route in exact or route.startswith(prefixes)
        if loopback_only or (key is None and not is_open):
            _refuse_strangers(request)
        if key is not None and not is_open and not _has_key(request, key):
            raise Unauthorized
        return await handler(request)

    return guard


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
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    given = token.strip() if scheme.lower() in ("bearer", "token") else request.headers.get("X-API-Key", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), key)

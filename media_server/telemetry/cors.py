"""Which pages from elsewhere may ask: those of the origins that the settings name, one by one (Fetch's CORS).

It gives nobody a right: a page from elsewhere shows the key or a ticket as everybody does, and no cookie is ever looked
at. Answers to origins that are not listed carry no header, so that browsers keep them from their pages. WebSockets know
no CORS; `is_foreign` is for them.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

EXPOSED = "Location, Link, ETag, Accept-Patch, Retry-After, WWW-Authenticate"
MAX_AGE_S = 600

_ORIGIN = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
_METHODS = "GET, POST, PATCH, DELETE"
_HEADERS = "Authorization, Content-Type, X-API-Key, If-Match"


def origin(text: str) -> str:
    """An origin as browsers write it: scheme, host, and a port that is not the scheme's own.

    Raises:
        ValueError: It is none, or stands for more than one.
    """
    if not _ORIGIN.fullmatch(text.lower()) or not urlsplit(text).hostname:
        raise ValueError("one origin is wanted, such as https://www.example.com")
    return origin_of(text)


def origin_of(url: str) -> str:
    """The origin of an http(s) address, as browsers write it.

    Raises:
        ValueError: Its port is no port.
    """
    parts = urlsplit(url.lower())
    authority = parts.netloc.rpartition("@")[2]
    is_usual = parts.port == {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{authority.removesuffix(f':{parts.port}') if is_usual else authority}"


def add_cors(app: web.Application, origins: Iterable[str], paths: Iterable[str]) -> None:
    """Let pages of these origins ask for these paths, and for what is below them. Adds a middleware, the outermost."""
    allowed = frozenset(origins)
    shared = tuple(paths)

    def is_for(request: web.BaseRequest) -> bool:
        return any(request.path == path or request.path.startswith(f"{path}/") for path in shared)

    @web.middleware
    async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what a browser asks before it asks."""
        is_asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not is_asked or not is_for(request) or request.headers.get("Origin") not in allowed:
            return await handler(request)
        headers = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE_S),
        }
        return web.Response(status=204, headers=headers)

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        if not allowed or not is_for(request):
            return
        response.headers.add("Vary", "Origin")
        if (origin := request.headers.get("Origin")) in allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED

    app.middlewares.insert(0, preflight)
    app.on_response_prepare.append(sign)


def is_foreign(request: web.BaseRequest, allowed: Iterable[str]) -> bool:
    """Whether a page from elsewhere asks: one of another address than was asked, and than those allowed.

    What is no browser names no origin, and is not foreign; `null` may be anybody, and is.
    """
    origins = request.headers.getall("Origin", [])
    own = {f"{scheme}://{request.headers.get('Host', '')}".lower() for scheme in ("http", "https")}
    return any(origin.lower() not in own and origin not in allowed for origin in origins)

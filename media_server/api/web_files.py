"""`GET /` and `GET /web/{path}`: the page, as files of one folder.

A path is letters, digits, `-`, `_` and dots inside of names, with a suffix that a page is made of; whatever else is
asked for is not there. A link that leads out of the folder leads nowhere. Files are looked at and read on threads.

What the browser may do with them is said here: nothing from elsewhere, nothing inline, no frame around it. Scripts are
`'self'`, which is what worklets go by too; `connect-src 'self'` is the same address over HTTP and WebSocket.
"""

import asyncio
import re
from pathlib import Path

from aiohttp import web

import media_server
from media_server.errors import ConfigError, NotFound

INDEX = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wav": "audio/wav",
}
POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), speaker-selection=(self), camera=(), geolocation=(), display-capture=()",
    "Cache-Control": "no-cache",  # asked for again each time, and answered with 304
}

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_MAX_PATH = 200


def web_folder() -> Path:
    """Where the page is: in the installed package, or beside it in a checkout.

    Raises:
        ConfigError: It is in neither.
    """
    package = Path(media_server.__file__).parent
    checkout = package.parent / "web" if (package.parent / "pyproject.toml").is_file() else package / "web"
    for folder in (package / "web", checkout):
        if (folder / INDEX).is_file():
            return folder
    raise ConfigError(f"the page is missing: there is no {INDEX} in {checkout}")


def web_routes(folder: Path) -> list[web.RouteDef]:
    """The routes, for GET and HEAD."""
    root = folder.resolve()

    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.match_info.get("path", INDEX)
        file = await asyncio.to_thread(_found, root, path)
        return web.FileResponse(file, headers={**HEADERS, "Content-Type": KINDS[file.suffix]})

    return [web.get("/", serve), web.get("/web/{path:.+}", serve)]


def _found(root: Path, path: str) -> Path:
    names = path.split("/")
    if len(path) <= _MAX_PATH and all(_NAME.fullmatch(name) for name in names):
        file = root.joinpath(*names).resolve()
        if file.suffix in KINDS and file.is_relative_to(root) and file.is_file():
            return file
    raise NotFound("there is no such file")

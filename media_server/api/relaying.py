"""What is common to all that is passed on between clients and engines: how many at once, until when, and who counts."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict, MultiDict

from media_server.errors import EngineUnavailable, MediaServerError, Overloaded
from media_server.speech.connection import Engines
from media_server.speech.spare_room import SpareRoom
from media_server.telemetry.metrics import RELAYED
from media_server.telemetry.problems import answered

LOOK_S = 0.25
"""How often it is looked whether the client is there yet; nothing tells of it while nothing is sent."""
OURS = frozenset({"ticket"})
"""Of a query string: what is the media role's business and no engine's."""


@dataclass(frozen=True, slots=True)
class Door:
    """The engines of one kind, as others than calls reach them."""

    engines: Engines
    spare: SpareRoom


class Places:
    """How many at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place, given back at the end.

        Raises:
            Overloaded: There is none.
        """
        if self._taken >= self._most:
            raise Overloaded(f"{self._most} are passed on to the engines already")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class Relaying:
    """All that is under way, so that it can be ended."""

    def __init__(self) -> None:
        self._over = False

    async def run(self, request: web.Request, relay: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
        """What `relay` answers; it is cancelled when the client is gone or the server ends.

        Raises:
            EngineUnavailable: The server ends, and nothing was answered yet.
        """
        doing = asyncio.ensure_future(relay)
        leaving = asyncio.ensure_future(self._left(request))
        try:
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
        finally:
            doing.cancel()
            leaving.cancel()
            await asyncio.gather(doing, leaving, return_exceptions=True)
        if self._over and not answered(request):
            raise EngineUnavailable("The server is shutting down")
        cut(request)
        return web.Response()

    def end_all(self) -> None:
        """Nothing is passed on any more."""
        self._over = True

    async def _left(self, request: web.Request) -> None:
        while not self._over and request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - see `LOOK_S`
            await asyncio.sleep(LOOK_S)


def cut(request: web.Request) -> None:
    """End the connection at once: what was answered so far is not all."""
    if request.transport is not None:
        request.transport.abort()


def query_of(request: web.Request) -> MultiDict[str]:
    """The query as the engine sees it."""
    return MultiDict((key, value) for key, value in request.query.items() if key not in OURS)


def named(headers: "CIMultiDict[str] | Any", names: tuple[str, ...]) -> dict[str, str]:
    """These headers, as far as they are there."""
    return {name: headers[name] for name in names if name in headers}


@contextmanager
def counted(request: web.Request) -> Iterator[None]:
    """Have what becomes of a request in the metrics."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "-"
    outcome = "answered"
    try:
        yield
    except MediaServerError as error:
        outcome = error.code
        raise
    finally:
        RELAYED.labels(route, outcome).inc()

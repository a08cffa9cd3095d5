"""`GET /v1/calls/events`: what happens on all calls, as it happens, as server-sent events.

Each message is an event of `call/events.py` as JSON, with its `type` as the event's name. Who reads too slowly is cut
off, and may ask `/v1/calls/{id}/events` for what was missed; who comes late hears what happens from then on.
"""

import asyncio
import contextlib
from collections import deque

from aiohttp import web

from media_server.call.events import CallEvent
from media_server.errors import Overloaded
from media_server.records.rows import dumped

MAX_LISTENERS = 20
MAX_WAITING = 1000
"""Events that may wait for one listener."""
KEEP_ALIVE_S = 15.0
SEND_S = 10.0
"""How long a listener may take to take them."""


class _Listener:
    def __init__(self) -> None:
        self.events: deque[CallEvent] = deque()
        self.news = asyncio.Event()
        self.over = False

    def receive(self, event: CallEvent) -> None:
        if len(self.events) >= MAX_WAITING:
            self.over = True
        else:
            self.events.append(event)
        self.news.set()


class CallStream:
    """Who listens. `receive` is an event sink."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    def receive(self, event: CallEvent) -> None:
        """Tell everybody. Never blocks, never raises."""
        for listener in self._listeners:
            listener.receive(event)

    def routes(self) -> list[web.RouteDef]:
        """The route; it belongs before `/v1/calls/{id}`."""
        return [web.get("/v1/calls/events", self._listen)]

    async def shut_down(self, _app: web.Application) -> None:
        """Nothing more comes."""
        for listener in self._listeners:
            listener.over = True
            listener.news.set()

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if len(self._listeners) >= MAX_LISTENERS:
            raise Overloaded(f"{MAX_LISTENERS} listen already")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        listener = _Listener()
        self._listeners.add(listener)
        try:
            await response.prepare(request)
            with contextlib.suppress(ConnectionError, TimeoutError):  # nobody listens any more
                await _tell(listener, response)
        finally:
            self._listeners.discard(listener)
        return response


async def _tell(listener: _Listener, response: web.StreamResponse) -> None:
    await response.write(b": listening\n\n")
    while not listener.over:
        if not listener.events:
            listener.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await listener.news.wait()
        text = "".join(f"event: {event.type}\ndata: {dumped(event)}\n\n" for event in listener.events)
        listener.events.clear()
        if text or not listener.over:
            async with asyncio.timeout(SEND_S):
                await response.write((text or ": alive\n\n").encode())

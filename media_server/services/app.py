"""What the asr and tts roles have in common: guard, health, admission, and how a stream's socket is opened.

Admission comes before the upgrade: a session over the limit is answered 503 with Retry-After at once, so that a client
goes to the next service instead of waiting in a queue that nobody sees.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import TypeVar, get_origin

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from engines.scheduler import Lane, Scheduler
from media_server.config import Settings
from media_server.errors import Overloaded, ProtocolViolation
from media_server.protocol.message_rate import MessageRate
from media_server.telemetry.guard import guard_middleware
from media_server.telemetry.health import STUCK_FOR, add_health_routes
from media_server.telemetry.loop_lag import LoopLag
from media_server.telemetry.metrics import QUEUE_WAIT_SECONDS, SESSIONS_LIVE, SESSIONS_REFUSED
from media_server.telemetry.problems import problem_middleware

MAX_MESSAGE = 64 * 1024
"""Bytes of a request's body and of a WebSocket message."""

HEARTBEAT_S = 20.0
"""A ping each; a peer that does not answer in half of it is gone."""

RETRY_AFTER_S = 5

SMALL_MESSAGES_PER_S = 100
SMALL_MESSAGES_AT_ONCE = 500
CRUMB_BYTES = 80
"""A message with less sound than this is small: 5 ms of linear sound at 8 kHz, 10 of mu-law."""


class SessionLimit:
    """How many sessions there may be at once."""

    def __init__(self, service: str, max_sessions: int) -> None:
        self.max_sessions = max_sessions
        self.live = 0
        self._live_gauge = SESSIONS_LIVE.labels(service)
        self._refused = SESSIONS_REFUSED.labels(service)

    @property
    def free(self) -> int:
        """Sessions that would be admitted now."""
        return self.max_sessions - self.live

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One session's place, given back at the end.

        Raises:
            Overloaded: There is none.
        """
        if self.free <= 0:
            self._refused.inc()
            raise Overloaded(f"All {self.max_sessions} sessions are taken", retry_after_s=RETRY_AFTER_S)
        self.live += 1
        self._live_gauge.inc()
        try:
            yield
        finally:
            self.live -= 1
            self._live_gauge.dec()


class ServiceState:
    """What `/readyz` says of a service.

    Attributes:
        figures: Measured once at start, and shown as they are.
        most_wait_s: Where jobs wait longer, new sessions are refused.
        scheduler: Once the service is ready.
    """

    def __init__(self, role: str, limit: SessionLimit) -> None:
        self.role = role
        self.limit = limit
        self.ready = False
        self.figures: dict[str, object] = {}
        self.most_wait_s = float("inf")
        self.scheduler: Scheduler | None = None

    def new_scheduler(self, workers: int, *, most_together: int = 1, gather_s: float = 0.0) -> Scheduler:
        """The service's workers; how long jobs wait for them is measured."""
        self.scheduler = Scheduler(workers, most_together=most_together, gather_s=gather_s, on_wait=self._observe)
        return self.scheduler

    @property
    def wait_s(self) -> float:
        """How long jobs wait of late."""
        return self.scheduler.wait_s if self.scheduler is not None else 0.0

    def stuck_for(self) -> float:
        """How long the oldest job has been running, in seconds."""
        return self.scheduler.stuck_for() if self.scheduler is not None else 0.0

    def report(self) -> tuple[bool, Mapping[str, object]]:
        """For `add_health_routes`."""
        return self.ready, {
            "role": self.role,
            "sessions": self.limit.live,
            "free": self.limit.free,
            "queue_wait_ms": round(1000 * self.wait_s),
            "stuck_s": round(self.stuck_for(), 1),
            **self.figures,
        }

    def _observe(self, lane: Lane, seconds: float) -> None:
        QUEUE_WAIT_SECONDS.labels(self.role, lane.name.lower()).observe(seconds)


CLOSE_S = 5.0
"""For the closing of a socket, with what is to be sent before it."""

STATE = web.AppKey("state", ServiceState)
LIMIT = web.AppKey("limit", SessionLimit)
SOCKETS = web.AppKey("sockets", dict[web.WebSocketResponse, web.Request])


def service_app(settings: Settings, *, role: str, max_sessions: int, most_wait_ms: float) -> web.Application:
    """An application with guard, problem documents, health routes and a session limit; not ready yet.

    The service adds its routes and a `cleanup_ctx` that loads the model, then sets `app[STATE].ready`.
    """
    key = settings.api_key.get_secret_value() if settings.api_key is not None else None
    app = web.Application(
        # A Twilio token guards the media role's webhooks, but nothing here.
        middlewares=[problem_middleware, guard_middleware(key, loopback_only=key is None)],
        client_max_size=MAX_MESSAGE,
    )
    app[LIMIT] = SessionLimit(role, max_sessions)
    app[STATE] = ServiceState(role, app[LIMIT])
    app[STATE].most_wait_s = most_wait_ms / 1000
    app[STUCK_FOR] = app[STATE].stuck_for
    app[SOCKETS] = {}
    add_health_routes(app, app[STATE].report)
    app.cleanup_ctx.append(_loop_lag)
    app.on_shutdown.append(_close_sockets)
    return app


Query = TypeVar("Query", bound=BaseModel)


def parse_query(request: web.Request, model: type[Query]) -> Query:
    """The query string; of a key that may not be repeated the first value.

    Raises:
        ProtocolViolation: A value does not fit; the message names its key.
    """
    try:
        lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple}
        values = {key: request.query.getall(key) if key in lists else request.query[key] for key in request.query}
        return model.model_validate(values)
    except ValidationError as error:
        raise ProtocolViolation(complaint(error)) from None


def complaint(error: ValidationError) -> str:
    """What does not fit, named by its place; the first of several."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def admitted(request: web.Request, limit: SessionLimit) -> AbstractContextManager[None]:
    """A place for what is asked for.

    Raises:
        Overloaded: The service is not ready, its jobs wait too long, or (on entering) there is none.
    """
    if not request.app[STATE].ready:
        raise Overloaded("Not ready", retry_after_s=RETRY_AFTER_S)
    state = request.app[STATE]
    if state.wait_s > state.most_wait_s:
        raise Overloaded(f"Jobs wait for {state.wait_s:.1f} s", retry_after_s=RETRY_AFTER_S, reason="slow")
    return limit.slot()


class TooManyMessages(ProtocolViolation):
    """More small messages than a client has reason to send."""

    code = "too_many_messages"


class Inbox:
    """What a client sends on one socket. Pings are answered here, so that a flood of them is seen."""

    def __init__(self, socket: web.WebSocketResponse, *, crumb_bytes: int = CRUMB_BYTES) -> None:
        self._socket = socket
        self._crumb_bytes = crumb_bytes
        self._rate = MessageRate(per_s=SMALL_MESSAGES_PER_S, burst=SMALL_MESSAGES_AT_ONCE)

    async def receive(self, timeout_s: float | None) -> WSMessage:
        """The next message but pings and pongs.

        Raises:
            TimeoutError: There was none for so long.
            TooManyMessages: There are too many.
        """
        while True:
            message = await self._socket.receive(timeout_s)
            big = message.type is WSMsgType.BINARY and len(message.data) >= self._crumb_bytes
            if not big and not self._rate.allows(monotonic()):
                raise TooManyMessages(f"More than {SMALL_MESSAGES_PER_S} small messages a second")
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                return message


@asynccontextmanager
async def session_socket(
    request: web.Request, headers: Mapping[str, str] | None = None
) -> AsyncIterator[web.WebSocketResponse]:
    """One session's WebSocket: admitted, upgraded (with these headers), registered for shutdown, closed at the end.

    Check whatever else may refuse the request before: after this there is no HTTP answer any more.

    Raises:
        Overloaded: Before the upgrade, when all sessions are taken or the service is not ready.
    """
    with admitted(request, request.app[LIMIT]):
        # Without compression: audio does not shrink, and a bomb cannot grow.
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT_S, autoping=False)
        socket.headers.update(headers or {})
        await socket.prepare(request)
        request.app[SOCKETS][socket] = request
        try:
            yield socket
        finally:
            request.app[SOCKETS].pop(socket, None)
            await _close_in_time(request, socket, WSCloseCode.OK, b"")


async def _loop_lag(_app: web.Application) -> AsyncIterator[None]:
    measuring = asyncio.create_task(LoopLag().run())
    yield
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)


async def _close_sockets(app: web.Application) -> None:
    app[STATE].ready = False
    closings = (
        _close_in_time(request, socket, WSCloseCode.GOING_AWAY, b"shutting down")
        for socket, request in tuple(app[SOCKETS].items())
    )
    await asyncio.gather(*closings)


async def _close_in_time(request: web.Request, socket: web.WebSocketResponse, code: int, message: bytes) -> None:
    """Close a socket; a peer that does not read would hold up the closing for ever, and is cut off."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=code, message=message)
    # Who has answered the closing has read all there was.
    if request.transport is not None and request.transport.get_write_buffer_size():
        request.transport.abort()

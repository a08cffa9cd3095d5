"""The streams of the engines by the media role's address: `ws /v1/stream/asr` and `ws /v1/stream/tts`, passed on.

Messages go on as they are, both ways, as fast as the other side takes them; so do the query, the subprotocol and how a
stream is closed. A side that takes nothing is cut off; an engine of which nothing is heard, not even a ping, is gone.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.typedefs import Handler

from media_server.api.engines import passed_on
from media_server.api.relaying import Door, Places, Relaying, counted, cut, query_of
from media_server.errors import EngineError, EngineRefused, EngineUnavailable, MediaServerError, PeerError
from media_server.protocol.message_rate import MessageRate
from media_server.protocol.speech import SpeechError, serialize
from media_server.speech import asr, tts
from media_server.speech.connection import EngineSocket

MAX_STREAMS = 8
MAX_MESSAGE = 64 * 1024
"""Bytes that a client may send in one, as at the engines."""
HEARTBEAT_S = 20.0
"""A ping each; a client that does not answer in half of it is gone."""
SEND_S = 20.0
"""A side that takes nothing for so long is cut off."""
SILENT_S = 45.0
"""An engine from which nothing comes for so long is gone: its pings would, every 20 s, also while it is busy."""
LOOK_S = 5.0
CLOSE_S = 5.0
"""For a client to take what is to be sent before the closing, and to answer it."""
FAREWELL_S = 0.25
"""For an engine to answer it; nobody listens any more."""
SMALL_PER_S = 100
SMALL_AT_ONCE = 500
SMALL_BYTES = 16
"""Less than a packet of compressed sound. What is small costs more to pass on than to send."""

_NOT_SENT = {WSCloseCode.ABNORMAL_CLOSURE, 1005}
"""Codes that stand for a missing one (RFC 6455, section 7.4.1)."""


@dataclass(frozen=True, slots=True)
class _End:
    """How a stream ended: what the client is told, if it is there yet, and what the engine."""

    client: int | None = None
    reason: str = ""
    error: MediaServerError | None = None
    engine: int = WSCloseCode.OK


class StreamRelay:
    """The routes, and what they share."""

    def __init__(self, recogniser: Door, voice: Door) -> None:
        self._recogniser = recogniser
        self._voice = voice
        self._places = Places(MAX_STREAMS)
        self._relaying = Relaying()
        self._over = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        """What is passed on, to which engine."""
        return [
            web.get(asr.PATH, self._handler(self._recogniser), allow_head=False),
            web.get(tts.PATH, self._handler(self._voice), allow_head=False),
        ]

    async def shut_down(self, _app: web.Application) -> None:
        """All streams are closed."""
        self._over.set()

    def _handler(self, door: Door) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            with counted(request), self._places.one():
                return await self._stream(request, door)

        return handle

    async def _stream(self, request: web.Request, door: Door) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request).ok:
            raise PeerError("A WebSocket is wanted")
        door.spare.take()
        try:
            engine = await door.engines.connect(request.path, query_of(request), _offered(request))
        except EngineRefused:
            # Without the upgrade it says why, in a document.
            return await self._relaying.run(request, passed_on(request, door))
        except EngineUnavailable:
            raise EngineUnavailable("No speech engine answers, or none has room") from None
        protocols = (engine.protocol,) if engine.protocol is not None else ()
        socket = web.WebSocketResponse(
            compress=False,  # sound does not shrink, and a bomb cannot grow
            max_msg_size=MAX_MESSAGE,
            heartbeat=HEARTBEAT_S,
            autoping=False,
            protocols=protocols,
        )
        end = _End()
        try:
            await socket.prepare(request)
            end = await _Pipe(socket, engine).run(self._over)
            await _close(request, socket, end)
        finally:
            await engine.aclose(end.engine, within_s=FAREWELL_S)
        return socket


class _Pipe:
    """One stream: a task each way, and one that watches the engine."""

    def __init__(self, socket: web.WebSocketResponse, engine: EngineSocket) -> None:
        self._socket = socket
        self._engine = engine
        self._now = asyncio.get_running_loop().time
        self._rate = MessageRate(per_s=SMALL_PER_S, burst=SMALL_AT_ONCE)
        self._listening_since: float | None = None
        """Since when the engine is waited for; None while the client is."""

    async def run(self, over: asyncio.Event) -> _End:
        """Pass on what comes until one side has had enough, or the server ends."""
        parts = [self._to_engine(), self._to_client(), self._watch(), _shut(over)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # Of two that end at once, what the engine said is the more telling.
            return next(task for task in (tasks[1], *tasks) if task in done).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _to_engine(self) -> _End:
        while True:
            message = await self._socket.receive()
            if not self._may_come(message.type, message.data):
                error = TooManyMessages(f"More than {SMALL_PER_S} small messages a second")
                return _End(WSCloseCode.POLICY_VIOLATION, error.code, error)
            try:
                async with asyncio.timeout(SEND_S):
                    match message.type:
                        case WSMsgType.TEXT:
                            await self._engine.send_text(message.data)
                        case WSMsgType.BINARY:
                            await self._engine.send_bytes(message.data)
                        case WSMsgType.PING:
                            await self._socket.pong(message.data)
                        case WSMsgType.PONG:
                            pass
                        case _:
                            return _End(engine=_code(self._socket.close_code, WSCloseCode.GOING_AWAY))
            except (EngineError, TimeoutError):
                return _gone()
            except ConnectionError:
                return _End(engine=WSCloseCode.GOING_AWAY)
            await asyncio.sleep(0)  # what is there already would go in one go, and calls wait

    async def _to_client(self) -> _End:
        while True:
            self._listening_since = self._now()
            message = await self._engine.receive()
            self._listening_since = None
            try:
                async with asyncio.timeout(SEND_S):
                    match message:
                        case str():
                            await self._socket.send_str(message)
                        case bytes():
                            await self._socket.send_bytes(message)
                        case None:
                            return self._closed()
            except TimeoutError:
                return _End(WSCloseCode.ABNORMAL_CLOSURE)
            except ConnectionError:
                return _End(engine=WSCloseCode.GOING_AWAY)
            await asyncio.sleep(0)

    def _closed(self) -> _End:
        if self._engine.closed_with is None:
            return _gone()
        code, reason = self._engine.closed_with
        return _End(_code(code, WSCloseCode.OK), reason)

    async def _watch(self) -> _End:
        """Wait until nothing is heard of the engine; silence counts only while we listen."""
        while True:
            await asyncio.sleep(LOOK_S)
            since = self._listening_since
            if since is not None and self._now() - max(since, self._engine.heard_at) > SILENT_S:
                return _gone()

    def _may_come(self, kind: WSMsgType, data: object) -> bool:
        big = kind is WSMsgType.BINARY and isinstance(data, bytes) and len(data) >= SMALL_BYTES
        return big or self._rate.allows(self._now())


class TooManyMessages(PeerError):
    """More small messages than a client has reason to send."""

    code = "too_many_messages"


def _gone() -> _End:
    return _End(WSCloseCode.INTERNAL_ERROR, EngineError.code, EngineError("The engine went away"))


async def _shut(over: asyncio.Event) -> _End:
    await over.wait()
    return _End(WSCloseCode.GOING_AWAY, "shutting down", engine=WSCloseCode.GOING_AWAY)


def _code(code: int | None, otherwise: int) -> int:
    return otherwise if code is None or code in _NOT_SENT else code


def _offered(request: web.Request) -> list[str]:
    return [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name.strip()]


async def _close(request: web.Request, socket: web.WebSocketResponse, end: _End) -> None:
    """Tell the client the end; one that does not read would hold that up for ever, and is cut off."""
    if end.client == WSCloseCode.ABNORMAL_CLOSURE:
        cut(request)
        return
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_S):
            if end.error is not None:
                error = SpeechError(code=end.error.code, message=end.error.message, retryable=end.error.retryable)
                await socket.send_str(serialize(error))
            await socket.close(code=end.client or WSCloseCode.OK, message=end.reason.encode()[:120])
    if request.transport is not None and request.transport.get_write_buffer_size():
        cut(request)

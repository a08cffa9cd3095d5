"""`GET /v1/talk`: a call over a WebSocket, for a page that cannot have it over WebRTC.

A browser shows its page nothing of a refused upgrade. So who may call at all (the guard, the origin) is asked before
the upgrade; what is refused after it is told as `{"type": "error", "code", "title", "retryable"}`, and the socket is
closed with 1013 where it is of use to try again, else with 1008. A call that a fault of ours cut off is told so, with
1011.
"""

import asyncio
from collections.abc import Collection

import structlog
from aiohttp import WSCloseCode, web

from media_server.api.browser_calls import BrowserGate, reserve
from media_server.errors import CallFailed, Forbidden, MediaServerError, PeerError
from media_server.protocol.browser_socket import SUBPROTOCOL, error_message
from media_server.records.rows import dumped
from media_server.telemetry.cors import is_foreign
from media_server.telemetry.guard import TICKET_UNUSED
from media_server.transports.browser_socket import BrowserLimits, BrowserSocketPort, new_socket

_log = structlog.get_logger(__name__)


def talk_routes(
    gate: BrowserGate, *, allowed_origins: Collection[str] = (), limits: BrowserLimits | None = None
) -> list[web.RouteDef]:
    """The route.

    Args:
        gate: Lets calls in and runs them.
        allowed_origins: Of pages from elsewhere that may call.
        limits: Of a call's socket.
    """

    async def talk(request: web.Request) -> web.StreamResponse:
        _check(request, allowed_origins)
        transport = request.transport
        socket = new_socket()
        await socket.prepare(request)
        if transport is None:  # gone before the upgrade was answered
            return socket
        port = BrowserSocketPort(socket, limits=limits, abort=transport.abort)
        telling = asyncio.create_task(port.tell(), name="tell")
        code: int = WSCloseCode.OK
        try:
            place = reserve(gate, request, "websocket")
            await gate.connect(place, port, lambda event: port.send_text(dumped(event)))
        except MediaServerError as error:
            _log.warning("browser.call_failed", code=error.code, reason=error.message)
            port.send_text(error_message(error, _title(error)))
            code = _close_code(error)
            if not isinstance(error, CallFailed):
                request[TICKET_UNUSED] = True
        finally:
            await port.finish(telling, code=code)
        return socket

    return [web.get("/v1/talk", talk, allow_head=False)]


def _check(request: web.Request, allowed_origins: Collection[str]) -> None:
    """Whether this is a page that may call.

    Raises:
        Forbidden: It is a page of elsewhere.
        PeerError: It speaks another protocol than we do.
    """
    if is_foreign(request, allowed_origins):
        raise Forbidden("A page of this origin may not call; web.allowed_origins names those that may")
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    if SUBPROTOCOL not in (each.strip() for each in offered):
        raise PeerError(f"a WebSocket of the protocol {SUBPROTOCOL} is wanted")


def _close_code(error: MediaServerError) -> int:
    if isinstance(error, CallFailed):
        return WSCloseCode.INTERNAL_ERROR
    return WSCloseCode.TRY_AGAIN_LATER if error.retryable else WSCloseCode.POLICY_VIOLATION


def _title(error: MediaServerError) -> str:
    return "Something went wrong here" if isinstance(error, CallFailed) else error.message

"""`ws /v1/listen`: the recognition stream for Deepgram's clients, who connect by changing one address."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import uuid4

from aiohttp import WSCloseCode, web

from media_server.errors import EngineError, MediaServerError, PeerError, Undecodable, UnsupportedMedia
from media_server.protocol.asr_stream import AsrCommand, AsrEvent
from media_server.protocol.listen_query import MODELS, REPEATABLE, ListenQuery
from media_server.protocol.listener import Listener, Request
from media_server.protocol.speech import Message
from media_server.services.app import parse_query
from media_server.telemetry.problems import errors_told_by, retry_after

REQUEST_ID = "dg-request-id"
"""The header that names a stream."""

_CLOSINGS: dict[str, tuple[int, str]] = {
    "idle": (WSCloseCode.INTERNAL_ERROR, "NET-0001"),
    EngineError.code: (WSCloseCode.INTERNAL_ERROR, "NET-0000"),
    UnsupportedMedia.code: (WSCloseCode.POLICY_VIOLATION, "DATA-0000"),
    Undecodable.code: (WSCloseCode.POLICY_VIOLATION, "DATA-0000"),
}
"""Deepgram's; what is not among them is closed by its own code, as the client's fault."""


class ListenDialect:
    """Deepgram's; see `Dialect`."""

    def __init__(self, request_id: str, model: str, query: ListenQuery) -> None:
        self._digest = hashlib.sha256()
        created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._listener = Listener(Request(request_id, model, created, self._digest.hexdigest), query)

    def commanded(self, text: str) -> AsrCommand | Message:
        """See `Dialect`."""
        return self._listener.commanded(text)

    def heard(self, data: bytes) -> None:
        """See `Dialect`."""
        self._digest.update(data)

    def told(self, event: AsrEvent) -> Iterable[Message]:
        """See `Dialect`."""
        return self._listener.told(event)

    def closing(self, code: str) -> tuple[int, str] | None:
        """See `Dialect`."""
        return _CLOSINGS.get(code, (WSCloseCode.POLICY_VIOLATION, code))


def _answer(error: MediaServerError) -> web.Response:
    """Deepgram's error. Its clients see the head of a refused upgrade rather than the body, so it is said in both."""
    request_id = str(uuid4())
    bad = error.http_status == HTTPStatus.BAD_REQUEST
    told = {
        "err_code": "INVALID_QUERY_PARAMETER" if bad else error.code.upper(),
        "err_msg": error.message,
        "request_id": request_id,
    }
    head = {REQUEST_ID: request_id, "dg-error": json.dumps(error.message)[1:-1], **retry_after(error)}
    return web.json_response(told, status=error.http_status, headers=head)


deepgram_errors = errors_told_by(_answer)
"""Have a handler's errors answered so."""


def listen_query(request: web.Request, model: str) -> ListenQuery:
    """The options.

    Raises:
        PeerError: One is not supported, or does not fit; or the model is another one than `model`.
    """
    for option in request.query:
        if option not in REPEATABLE and len(request.query.getall(option)) > 1:
            raise PeerError(f"{option[:64]}: more than one is not supported")
    query = parse_query(request, ListenQuery)
    if query.model is not None and query.model not in (model, *MODELS):
        raise PeerError(f"model: there is no {query.model!r}; there is {model!r}, and Deepgram's general ones mean it")
    return query

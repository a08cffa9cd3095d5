"""Errors as the outside sees them: problem+json (RFC 9457) with a stable `code` and whether to try again."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from media_server.errors import MediaServerError, Overloaded

PROBLEM_JSON = "application/problem+json"

_log = structlog.get_logger(__name__)

_CODES = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
}
_NOT_OURS = {"content-type", "content-length"}


def problem(
    status: int, code: str, detail: str, *, retryable: bool = False, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A problem document."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "retryable": retryable,
    }
    return web.Response(status=status, text=json.dumps(document), content_type=PROBLEM_JSON, headers=headers)


def problem_of(error: MediaServerError) -> web.Response:
    """The problem document of one of our errors; those of a status of 500 name no internals."""
    headers = retry_after(error)
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    detail = "Internal error" if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR else error.message
    return problem(error.http_status, error.code, detail, retryable=error.retryable, headers=headers)


def retry_after(error: MediaServerError) -> dict[str, str]:
    """The header that says when to try again, where that is known."""
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, Overloaded) else {}


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem document.

    An error after the answer began (a WebSocket, a stream) cannot become an answer any more: it is logged and raised
    on, so that aiohttp cuts the connection.
    """
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        headers = {key: value for key, value in error.headers.items() if key.lower() not in _NOT_OURS}
        return problem(error.status, _CODES.get(HTTPStatus(error.status), "http"), error.reason, headers=headers)
    except MediaServerError as error:
        if answered(request):
            raise
        if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.exception("request.failed", route=_route(request), code=error.code)
        return problem_of(error)
    except Exception:
        _log.exception("request.failed", route=_route(request), code="internal")
        if answered(request):
            raise
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error")


def errors_told_by(answer: Callable[[MediaServerError], web.Response]) -> Callable[[Handler], Handler]:
    """Have what a handler raises on purpose answered in another shape than ours.

    An answer that has begun cannot become another one, and a fault of ours is told as ever.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def handled(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except MediaServerError as error:
                if answered(request) or error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                return answer(error)

        return handled

    return decorate


def answered(request: web.Request) -> bool:
    """Whether the answer has begun, so that it cannot become another one."""
    return request.writer.output_size > 0


def _route(request: web.Request) -> str:
    """The route's pattern, never the path: ids and tokens stay out of the log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "-"

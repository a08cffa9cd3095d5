"""Errors in the shape that OpenAI's clients read."""

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus

from aiohttp import web

from media_server.errors import MediaServerError, Overloaded

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def openai_errors(handler: Handler) -> Handler:
    """Answer what a handler raises on purpose so; an answer that has begun cannot become another one."""

    @wraps(handler)
    async def handled(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except MediaServerError as error:
            if request.writer.output_size > 0 or error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            return _answer(error)

    return handled


def _answer(error: MediaServerError) -> web.Response:
    ours = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
    told = {
        "message": error.message,
        "type": "server_error" if ours else "invalid_request_error",
        "param": None,
        "code": error.code,
    }
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Overloaded) else {}
    return web.json_response({"error": told}, status=error.http_status, headers=headers)

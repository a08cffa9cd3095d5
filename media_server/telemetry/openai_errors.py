"""Errors as OpenAI's clients expect them."""

from http import HTTPStatus

from aiohttp import web

from media_server.errors import MediaServerError
from media_server.telemetry.problems import errors_told_by, retry_after


def _answer(error: MediaServerError) -> web.Response:
    ours = error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
    told = {
        "message": error.message,
        "type": "server_error" if ours else "invalid_request_error",
        "param": None,
        "code": error.code,
    }
    return web.json_response({"error": told}, status=error.http_status, headers=retry_after(error))


openai_errors = errors_told_by(_answer)
"""Have a handler's errors answered so."""

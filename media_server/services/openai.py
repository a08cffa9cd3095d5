"""What OpenAI's clients expect of any service: its errors, and the names of its models."""

from http import HTTPStatus

from aiohttp import web

from media_server.errors import MediaServerError, NotFound
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


def models_route(*names: str) -> web.RouteDef:
    """`GET /v1/models`: what can be asked for."""
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "here"} for name in names]

    async def show(_request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": models})

    return web.get("/v1/models", show)


def check_model(asked: str, *names: str) -> None:
    """Refuse what is none of these; the first is the model's own.

    Raises:
        NotFound: It is none.
    """
    if asked not in names:
        raise NotFound(f"model: there is no {asked!r}; there is {names[0]!r}")

"""What OpenAI's clients expect of any service: the names of its models."""

from aiohttp import web

from media_server.errors import NotFound


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

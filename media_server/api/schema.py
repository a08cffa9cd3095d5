"""`GET /v1/schema/verbs.json`: the JSON schema of the verbs that webhooks answer with."""

from aiohttp import web
from pydantic_core import to_json

from media_server.dialplan.verbs import verbs_schema


def schema_routes() -> list[web.RouteDef]:
    """The route; the document is made once."""
    document = to_json(verbs_schema(), indent=2)

    async def verbs(_request: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/schema+json")

    return [web.get("/v1/schema/verbs.json", verbs)]

import json

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from typer.testing import CliRunner

from media_server.api.schema import schema_routes
from media_server.cli import app as command_line


async def test_the_schema_of_the_verbs_can_be_had_over_http_and_on_the_command_line() -> None:
    app = web.Application()
    app.add_routes(schema_routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/v1/schema/verbs.json")
        served = json.loads(await answer.read())
    printed = CliRunner().invoke(command_line, ["schema", "verbs"])
    assert served == json.loads(printed.output)
    assert served["title"] == "Verbs"
    assert CliRunner().invoke(command_line, ["schema", "other"]).exit_code == 2

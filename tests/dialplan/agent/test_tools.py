"""Tools: what a model is told of functions, HTTP tools and MCP servers, and what becomes of what it gives."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media_server.call.events import Fault, ToolRan
from media_server.dialplan import Agent, Call, http_tools, mcp_tools, tool
from media_server.dialplan.agent.chat import ToolCall
from media_server.dialplan.agent.http_tool import HttpTool
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.agent.tool_schema import signature_of
from media_server.dialplan.slots.slot import Missing, Value
from media_server.errors import ConfigError, ToolError
from tests.call.stage import on_stage
from tests.dialplan.agent.fake_model import FakeModel


@dataclass(frozen=True)
class SixDigits:
    """A slot for a test."""

    secret: bool = False
    keyterms: tuple[str, ...] = ()
    keys_hint: str = ""

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:
        digits = "".join(each for each in text + dtmf if each.isdigit())
        return Value(digits) if len(digits) == 6 else Missing(1.0, "too_short")

    def spoken(self, value: Any) -> str:
        return " ".join(str(value))


async def order_status(
    call: Call, order: Annotated[str, SixDigits()], kind: Literal["post", "air"] = "post", note: str | None = None
) -> str:
    """Where an order is. `order`: the six digits on the receipt. `kind`: how it
    travels; see `other`: no argument."""
    return f"{call.id} {order} {kind} {note}"


def test_a_signature_and_its_docstring_are_a_schema() -> None:
    signature = signature_of(order_status)
    assert (signature.name, signature.takes_call) == ("order_status", True)
    assert signature.description == "Where an order is."
    assert signature.parameters["required"] == ["order"]
    properties = signature.parameters["properties"]
    assert properties["order"]["type"] == "string"
    assert properties["order"]["description"] == "the six digits on the receipt."
    assert properties["kind"]["enum"] == ["post", "air"]
    assert properties["kind"]["description"] == "how it travels; see `other`: no argument."


@pytest.mark.parametrize("given", ["123456", "1 2 3 4 5 6", 123456])
def test_an_argument_with_a_slot_is_what_the_slot_makes_of_it(given: object) -> None:
    assert signature_of(order_status).read({"order": given}) == {"order": "123456", "kind": "post", "note": None}


@pytest.mark.parametrize("given", [{"order": "12"}, {}, {"order": None}, {"order": "123456", "kind": "sea"}, {"x": 1}])
def test_arguments_that_do_not_fit_are_refused_in_words_for_the_model(given: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="fit"):
        signature_of(order_status).read(given)


def test_an_argument_without_a_type_is_refused_at_once() -> None:
    async def untyped(what) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
        return str(what)

    with pytest.raises(ConfigError, match="what needs a type"):
        tool(untyped)


async def test_a_tool_is_still_the_function_and_a_plain_one_runs_in_a_thread() -> None:
    @tool
    def double(number: int) -> int:
        """Twice. `number`: of what."""
        return 2 * number

    assert double(2) == 4
    model = FakeModel([[ToolCall("c", "double", '{"number": "21"}')], ["It is 42."]], first_token_s=0.0)
    async with on_stage(lambda call: _talk(Agent(model, "", tools=[double]), call)) as stage:
        await stage.sound(0.1)
        await stage.says("Twice 21?")
        await stage.sound(0.5)
    assert model.asked[1].messages[-1]["content"] == "42"


async def _talk(agent: Agent, call: Call) -> None:
    await agent.talk(call)


# --- HTTP ------------------------------------------------------------------------------------------------------------


class Shop:
    """A service that tools ask."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.raw_path, body, request.headers.get("Authorization", "")))
        match request.match_info["what"]:
            case "large":
                return web.Response(text="x" * 100_000)
            case "image":
                return web.Response(body=b"GIF", content_type="image/gif")
            case "gone":
                return web.Response(status=404, text="secret trace")
            case "away":
                raise web.HTTPFound("http://127.0.0.1:1/")
        return web.json_response({"state": "sent"})


async def run(table: dict[str, Any], arguments: dict[str, Any]) -> tuple[object, Shop]:
    """What a tool against the shop gives."""
    shop, app = Shop(), web.Application()
    app.router.add_route("*", "/{what}{rest:.*}", shop.answer)
    async with TestServer(app) as server, AgentPool() as pool:
        url = str(server.make_url("/")) + table.pop("path")
        (made,) = http_tools([{"name": "t", "description": "d", **table, "url": url}])
        return await made.run(None, arguments, pool), shop  # type: ignore[arg-type]


ORDER = {"order": {"description": "six digits"}}


async def test_arguments_fill_placeholders_and_cannot_leave_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k3y")
    table = {"path": "orders/{order}?a=1", "headers": {"Authorization": "Bearer ${SHOP_KEY}"}, "parameters": ORDER}
    result, shop = await run(table, {"order": "../admin?x=1#é"})
    assert result == '{"state": "sent"}'
    assert shop.asked == [("GET", "/orders/..%2Fadmin%3Fx%3D1%23%C3%A9?a=1", "", "Bearer k3y")]


async def test_other_arguments_go_into_the_query_or_the_body() -> None:
    parameters = {"order": {}, "many": {"type": "integer"}, "gift": {"type": "boolean", "required": False}}
    _, shop = await run({"path": "o/{order}", "parameters": parameters}, {"order": "1", "many": 2, "gift": True})
    assert shop.asked[0][1] == "/o/1?many=2&gift=true"
    _, shop = await run({"path": "o/{order}", "parameters": parameters, "method": "POST"}, {"order": "1", "many": 2})
    assert shop.asked[0][:3] == ("POST", "/o/1", '{"many": 2}')


@pytest.mark.parametrize(
    ("path", "arguments", "error"),
    [
        ("large", {"order": "1"}, "too large"),
        ("image", {"order": "1"}, "no text"),
        ("gone", {"order": "1"}, "status 404"),
        ("away", {"order": "1"}, "status 302"),
        ("o/{order}", {"order": ".."}, "nothing that can be asked for"),
        ("o/{order}", {"order": "a\nb"}, "nothing that can be asked for"),
        ("o/{order}", {"order": 5}, "must be a string"),
        ("o/{order}", {}, "missing"),
        ("o/{order}", {"order": "1", "host": "x"}, "no argument host"),
    ],
)
async def test_what_goes_wrong_is_told_without_secrets(path: str, arguments: dict[str, Any], error: str) -> None:
    with pytest.raises(ToolError, match=error) as raised:
        await run({"path": path, "parameters": ORDER}, arguments)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ({"url": "http://{order}.example/", "parameters": ORDER}, "the host"),
        ({"url": "http://shop.example/{other}", "parameters": ORDER}, "other"),
        ({"url": "file:///etc/passwd"}, "http"),
        ({"url": "http://shop.example/", "parameters": {"a": {"pattern": "("}}}, "regular expression"),
        ({"url": "http://shop.example/", "headers": {"A": "${NO_SUCH_VARIABLE_IS_SET}"}}, "NO_SUCH"),
        ({"url": "http://shop.example/", "surprise": 1}, "surprise"),
    ],
)
def test_a_tool_that_is_described_wrongly_is_refused_with_its_place(table: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        http_tools([{"name": "t", "description": "d", **table}])


def test_a_json_schema_is_taken_and_an_effect_is_all_but_get() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}
    tools = http_tools(
        [
            {"name": method, "description": "d", "url": "http://x/", "method": method, "parameters": schema}
            for method in ("GET", "POST")
        ]
    )
    assert [each.effect for each in tools] == [False, True]
    assert isinstance(tools[0], HttpTool)
    assert tools[0].parameters == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "required": ["a"],
    }


# --- MCP -------------------------------------------------------------------------------------------------------------

MCP_SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("shop")
@server.tool()
def find_order(order: str) -> str:
    "Find an order."
    if order == "0": raise ValueError("no such order")
    return f"{order} was sent"
@server.tool()
def delete_everything() -> str:
    "Never."
    return "gone"
server.run("stdio")
"""


async def test_the_tools_of_an_mcp_server_that_are_allowed_can_be_used_and_no_others(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text(MCP_SERVER)
    setting = [{"command": [sys.executable, str(program)], "tools": ["find_order", "no_such_tool"]}]
    async with AgentPool() as pool:
        connection = pool.mcp(mcp_tools(setting)[0].server)
        (listed,) = await connection.tools(30.0)
        assert (listed.name, listed.description) == ("find_order", "Find an order.")
        assert listed.parameters["required"] == ["order"]
        assert await connection.call("find_order", {"order": "7"}) == "7 was sent"
        with pytest.raises(ToolError):
            await connection.call("find_order", {"order": "0"})
        assert await connection.call("find_order", {"order": "8"}) == "8 was sent"


async def test_a_server_that_is_down_costs_its_tools_and_not_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media_server.dialplan.agent.mcp_tools.READY_S", 0.2)
    model = FakeModel([["Hello."]], first_token_s=0.0)
    servers = mcp_tools([{"command": ["/no/such/program"], "tools": ["find_order"]}])
    async with on_stage(lambda call: _talk(Agent(model, "", tools=servers), call)) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(0.5)
    assert [event.code for event in stage.events if isinstance(event, Fault)] == ["mcp_down"]
    assert [each["function"]["name"] for each in model.asked[0].request.tools] == ["end_call"]
    assert not [event for event in stage.events if isinstance(event, ToolRan)]


@pytest.mark.parametrize(
    "table", [{"tools": ["a"]}, {"url": "http://x/"}, {"url": "http://x/", "command": ["a"], "tools": ["a"]}]
)
def test_a_server_that_is_named_wrongly_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"mcp\[0\]"):
        mcp_tools([table])

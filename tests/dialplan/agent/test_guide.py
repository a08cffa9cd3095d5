"""The examples of docs/agent.md run."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dialplans.agent import agent
from media_server.call.events import AgentSaid
from media_server.dialplan import http_tools, mcp_tools
from media_server.dialplan.agent.chat import ToolCall
from media_server.dialplan.agent.llm import LlmTable
from tests.call.stage import on_stage
from tests.dialplan.agent.fake_model import FakeModel

pytestmark = pytest.mark.looptime

GUIDE = (Path(__file__).parents[3] / "docs" / "agent.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return found


async def test_the_dialplan_of_the_guide_looks_up_an_order_and_takes_leave() -> None:
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)
    model = FakeModel(
        [
            [ToolCall("a", "order_status", '{"order": "123456"}')],
            ["It was sent on Monday."],
            ["Goodbye.", ToolCall("b", "end_call", "{}")],
        ]
    )
    async with on_stage(names["support"], settings={"llm": model}) as stage:
        await stage.sound(3.0)
        await stage.says("Where is 123456?")
        await stage.sound(4.0)
        await stage.says("Thank you, bye.")
        await stage.sound(3.0)
    said = [event.text.strip() for event in stage.events if isinstance(event, AgentSaid)]
    assert said == ["Northwind help line. How can I help?", "It was sent on Monday.", "Goodbye."]


async def test_the_agent_without_code_is_told_by_its_settings() -> None:
    model = FakeModel([["At nine."]])
    settings = {"llm": model, "greeting": "Hello.", "instructions": "You are a shop."}
    async with on_stage(agent, settings=settings) as stage:
        await stage.sound(1.0)
        await stage.says("When do you open?")
        await stage.sound(2.0)
    assert model.asked[0].messages[0]["content"].startswith("You are a shop.")
    assert [message["content"] for message in model.asked[0].messages[2:]] == ["Hello.", "When do you open?"]


def test_the_settings_of_the_guide_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "k3y")
    settings: dict[str, Any] = {}
    for block in blocks("toml"):
        read = tomllib.loads(block)["route"]
        settings |= read["settings"] if isinstance(read, dict) else read[0]["settings"]
    assert LlmTable.model_validate(settings["llm"]).model == "claude-haiku-4-5"
    assert [each.name for each in http_tools(settings["tool"])] == ["order_status"]
    assert mcp_tools(settings["mcp"])[0].server.tools == ("find_order", "open_ticket")

"""The chat client against a real HTTP server, well-behaved and not."""

import asyncio

import aiohttp
import pytest

from media_server.dialplan import Agent, Call
from media_server.dialplan.agent.chat import ChatEvent, ChatRequest, Finished, TextDelta, ToolCall
from media_server.dialplan.agent.chat_api import ChatApi
from media_server.dialplan.agent.llm import Llm, llm_of
from media_server.dialplan.agent.patience import Patience, within
from media_server.dialplan.agent.pool import AgentPool
from media_server.errors import ConfigError, ModelError, ModelRefused, ModelUnavailable
from tests.call.stage import on_stage
from tests.peers.chat_server import Body, ChatServer, Say, chat_server

REQUEST = ChatRequest([{"role": "user", "content": "Hello."}], (), may_call=True, max_tokens=50)
QUICK = Patience(first_token_s=0.3, between_tokens_s=0.3, total_s=2.0)


async def ask(server: ChatServer, llm: Llm | None = None) -> list[ChatEvent]:
    async with AgentPool(llm or Llm(server.url, "small")) as pool:
        return [event async for event in within(pool.model(None).stream(REQUEST), QUICK)]


async def test_an_answer_streams_and_the_request_is_as_the_api_has_it() -> None:
    async with chat_server(Say("Hello there.", [("look", {"order": "1"})])) as server:
        events = await ask(server, Llm(server.url, "small", key="k3y", temperature=0.2, extra={"seed": 1}))
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hello ", "there. "]
    assert events[-1] == Finished("tool_calls", (ToolCall("call-0", "look", '{"order": "1"}'),))
    assert server.requests == [
        {
            "seed": 1,
            "model": "small",
            "messages": [{"role": "user", "content": "Hello."}],
            "stream": True,
            "max_tokens": 50,
            "temperature": 0.2,
        }
    ]
    assert server.keys == ["Bearer k3y"]


async def test_a_connection_is_used_again_and_the_model_found_where_none_is_named() -> None:
    async with chat_server() as server, AgentPool(Llm(server.url)) as pool:
        model = pool.model(None)
        await model.warm()
        for _ in range(3):
            assert [event async for event in model.stream(REQUEST)]
        assert [request["model"] for request in server.requests] == ["first-model"] * 3
        assert len(server.connections) == 1


async def test_closing_the_answer_cancels_the_request_on_the_wire() -> None:
    async with chat_server(Say("one two three", stall_after=1)) as server, AgentPool(Llm(server.url, "m")) as pool:
        events = pool.model(None).stream(REQUEST)
        assert await anext(events) == TextDelta("one ")
        await events.aclose()
        async with asyncio.timeout(2):
            await server.broken_off.wait()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Body(b"{}", 500), ModelUnavailable),
        (Body(b"busy", 429, headers={"Retry-After": "7"}), ModelUnavailable),
        (Body(b'{"error": "no key"}', 401), ModelRefused),
        (Body(b"", 302, headers={"Location": "http://127.0.0.1:1/"}), ModelRefused),
        (Body(b"data: <html>\n\n"), ModelUnavailable),
        (Body(b"<html>", content_type="text/html"), ModelUnavailable),
        (Body(b'{"error": {"message": "sorry"}}', content_type="application/json"), ModelUnavailable),
        (Say("one two three", stall_after=0), ModelUnavailable),
        (Say("one two three", stall_after=2), ModelUnavailable),
        (Say("one two three", cut_after=0), ModelUnavailable),
        (Say("one two three", cut_after=2), ModelUnavailable),
    ],
)
async def test_what_goes_wrong_is_a_documented_error(answer: Say | Body, error: type[ModelError]) -> None:
    async with chat_server(answer) as server:
        with pytest.raises(error) as raised:
            await ask(server)
    if isinstance(answer, Body) and answer.status == 429:
        assert isinstance(raised.value, ModelUnavailable)
        assert raised.value.retry_after_s == 7


@pytest.mark.parametrize("body", [b"", b"data: [DONE]\n\n", b": ping\n\n"])
async def test_an_empty_answer_is_empty(body: bytes) -> None:
    if not body:
        async with chat_server(Say("")) as server:
            assert await ask(server) == [Finished("stop")]
        return
    async with chat_server(Body(body)) as server:
        assert await ask(server) == [Finished("")]


async def test_nobody_there_is_a_documented_error_and_warming_never_fails() -> None:
    async with aiohttp.ClientSession() as http:
        model = ChatApi(http, Llm("http://127.0.0.1:1/v1", "m"))
        await model.warm()
        with pytest.raises(ModelUnavailable):
            await anext(model.stream(REQUEST))


async def test_a_whole_call_in_real_time() -> None:
    async def plan(call: Call) -> None:
        await Agent({"url": server.url, "model": "m"}, "You are a shop.").talk(call)

    async with chat_server(Say("We open at nine."), first_token_s=0.1, token_s=0.01) as server, on_stage(plan) as stage:
        await stage.sound(0.1)
        await stage.says("When do you open?")
        await stage.sound(1.0)
    assert stage.voice.said[0].strip() == "We open at nine."
    assert server.requests[0]["tools"][0]["function"]["name"] == "end_call"


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("ftp://x", "llm.url"),
        ({}, "llm.url"),
        ({"url": "http://x", "modell": "y"}, "llm.modell"),
        ({"url": "http://x", "key_env": "NO_SUCH_VARIABLE_IS_SET"}, "llm.key_env"),
        ({"url": "http://u:p@x"}, "llm.url"),
        (7, "llm"),
    ],
)
def test_a_setting_that_names_no_model_is_refused_with_its_place(setting: object, place: str) -> None:
    with pytest.raises(ConfigError, match=place):
        llm_of(setting)


def test_a_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "s3cret")
    llm = llm_of({"url": "http://x/v1/chat/completions", "key_env": "SHOP_KEY"})
    assert (llm.url, llm.key) == ("http://x/v1", "s3cret")
    assert "s3cret" not in repr(llm)
    with pytest.raises(ConfigError) as raised:
        llm_of({"url": "nonsense", "key": "s3cret"})
    assert "s3cret" not in str(raised.value)

import asyncio
import json
from pathlib import Path

import pytest

from media_server.api import call_stream
from media_server.call.events import DigitPressed
from tests.api.call_house import call_house


async def test_what_happens_is_told_as_it_happens(tmp_path: Path) -> None:
    async with call_house(tmp_path) as house, house.client.get("/v1/calls/events") as answer:
        assert answer.content_type == "text/event-stream"
        assert await answer.content.readuntil(b"\n\n") == b": listening\n\n"
        call = await house.call()
        for kind in ("call_started", "call_ended"):
            name, data = (await answer.content.readuntil(b"\n\n")).decode().splitlines()[:2]
            assert name == f"event: {kind}"
            told = json.loads(data.removeprefix("data: "))
            assert (told["call"], told["type"]) == (call, kind)


async def test_a_listener_does_not_hold_up_the_end_of_the_server(tmp_path: Path) -> None:
    async with asyncio.timeout(5), call_house(tmp_path) as house:
        answer = await house.client.get("/v1/calls/events")
        await answer.content.readuntil(b"\n\n")
        await house.client.server.close()
        assert await answer.content.read() == b""
        answer.close()


async def test_there_are_only_so_many_listeners_and_who_is_too_slow_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_stream, "MAX_LISTENERS", 1)
    listener = call_stream._Listener()
    for _ in range(call_stream.MAX_WAITING + 1):
        listener.receive(DigitPressed(call="c", at=0, digit="1"))
    assert listener.over
    async with call_house(tmp_path) as house, house.client.get("/v1/calls/events") as first:
        await first.content.readuntil(b"\n\n")
        assert (await house.ask("/v1/calls/events"))[0] == 503

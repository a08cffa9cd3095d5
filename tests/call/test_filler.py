"""No caller meets dead air."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from media_server.call.events import AgentSaid
from media_server.call.phrases import ONE_MOMENT
from media_server.dialplan import Call, Turn
from tests.call.stage import Stage, on_stage

pytestmark = pytest.mark.looptime


def silences(stage: Stage, since: float = 0.0) -> list[float]:
    """How long the caller heard nothing, each time, from `since` to the last sound of ours."""
    heard = sorted(at for at in stage.audible() if at >= since)
    edges = [since, *heard]
    return [after - before for before, after in pairwise(edges)]


async def test_a_dialplan_that_is_slow_at_the_start_is_covered() -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(10)
        await call.say("Here I am.")

    async with on_stage(slow, phrases=(ONE_MOMENT,)) as stage:
        await stage.sound(12.0)
    assert max(silences(stage)) < 2.0
    said = [event.text for event in stage.events if isinstance(event, AgentSaid)]
    assert said == [ONE_MOMENT, "Here I am."]


async def test_a_reply_that_takes_its_time_is_covered_and_comes_whole() -> None:
    async def reply(_turn: Turn) -> str:
        await asyncio.sleep(6)
        return "That took a while."

    async with on_stage(lambda call: call.converse(reply), phrases=(ONE_MOMENT,)) as stage:
        await stage.sound(3.0)
        assert stage.audible() == [], "it is the caller's move"
        await stage.says("hello there")
        ended = asyncio.get_running_loop().time()
        await stage.sound(9.0)
    assert max(silences(stage, ended)) < 2.0
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)][-1] == "That took a while."


async def test_a_text_that_stalls_in_the_middle_is_covered_and_heard_to_its_end() -> None:
    async def words() -> AsyncIterator[str]:
        yield "This is the first part, "
        await asyncio.sleep(7)
        yield "and this the second."

    async def stalls(call: Call) -> None:
        said = await call.say(words())
        assert said.complete
        assert said.heard == "This is the first part, and this the second."
        await call.say("Good.")

    async with on_stage(stalls, phrases=(ONE_MOMENT,)) as stage:
        await stage.sound(13.0)
        assert max(silences(stage)) < 2.0
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)][-2:] == [
        "This is the first part, and this the second.",
        "Good.",
    ]


async def test_who_interrupts_after_a_stall_silences_the_rest() -> None:
    async def words() -> AsyncIterator[str]:
        yield "This is the first part, "
        await asyncio.sleep(4)
        yield "and this is the second part of it all."

    heard: list[str] = []

    async def stalls(call: Call) -> None:
        heard.append((await call.say(words())).heard)
        await asyncio.sleep(60)

    async with on_stage(stalls) as stage:
        await stage.sound(5.2)
        await stage.says("stop it please")
        await stage.sound(1.0)
    assert heard[0].startswith("This is the first part, and")
    assert not heard[0].endswith("all.")


async def test_silence_is_nothing_to_cover_while_the_caller_is_asked() -> None:
    async def waits(call: Call) -> None:
        async for turn in call.turns():
            await call.say(turn.text)

    async with on_stage(waits, no_input_s=8.0) as stage:
        await stage.sound(7.0)
        assert stage.audible() == []
        await stage.says("one two three")
        await stage.sound(6.0)
        assert len([event for event in stage.events if isinstance(event, AgentSaid)]) == 1


async def test_where_two_works_begin_at_once_the_inner_is_told_of_and_the_call_ends() -> None:
    async def plan(call: Call) -> None:
        async with call.working("I look it up."), call.working("I am counting."):
            await asyncio.sleep(2.0)

    async with on_stage(plan) as stage:
        await stage.sound(4.0)
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == ["I am counting."]

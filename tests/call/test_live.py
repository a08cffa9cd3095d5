"""What who watches a call is told while it happens, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialplans.parrot import parrot
from media_server.call.events import (
    AgentSaid,
    AgentSpeaking,
    AgentWord,
    CallerPartial,
    CallerSaid,
    CallerSpeaking,
    CallEvent,
    FloorMoved,
    LiveEvent,
)
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.protocol.asr_stream import AsrQuery, Partial
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage
from tests.dialplan.number_slot import Code

pytestmark = pytest.mark.looptime

GREETING = "Hello! Say something, and I say it back."
LONG = "one two three four five six seven eight nine ten eleven twelve"
"""Three seconds."""


def partial(stage: Stage, text: str, stable: int = 0, turn: int = 1) -> None:
    stage.tell(Partial(turn=turn, revision=1, text=text, stable=stable, start=0, end=1))


def partials(watched: list[CallEvent]) -> list[tuple[int, str, int]]:
    return [(event.turn, event.text, event.stable) for event in watched if isinstance(event, CallerPartial)]


def lit(watched: list[CallEvent], utterance: str) -> list[tuple[float, int]]:
    return [
        (round(event.at, 2), event.heard)
        for event in watched
        if isinstance(event, AgentWord) and event.utterance == utterance
    ]


async def test_who_watches_reads_what_is_being_said() -> None:
    watched: list[CallEvent] = []
    async with on_stage(parrot, phrases=(GREETING,), watch=watched.append) as stage:
        await stage.sound(3.0)
        assert AsrQuery.model_validate(stage.asr.queries[0]).interim_results
        await stage.begins()
        partial(stage, "I want")
        await stage.sound(0.5)
        partial(stage, "I want a table", 6)
        await stage.sound(0.5)
        await stage.pauses("I want a table.")
        await stage.resumes()
        await stage.pauses("I want a table. Please.")
        await stage.ends("I want a table. Please.")
        await stage.sound(1.0)
    assert partials(watched) == [
        (1, "I want", 0),
        (1, "I want a table", 6),
        (1, "I want a table.", 6),
        (1, "I want a table. Please.", 6),
        (1, "I want a table. Please.", 23),
    ]
    speaks = [event.speaking for event in watched if isinstance(event, CallerSpeaking)]
    assert speaks == [True, False, True, False]
    order = [event.type for event in watched if isinstance(event, CallerPartial | CallerSaid)]
    assert order[-1] == "caller_said"


async def test_our_words_are_lit_as_they_sound() -> None:
    watched: list[CallEvent] = []

    async def talk(call: Call) -> None:
        await call.say("one two three")

    async with on_stage(talk, voice_delay_s=0.1, watch=watched.append) as stage:
        await stage.sound(2.0)
    [speaking] = [event for event in watched if isinstance(event, AgentSpeaking)]
    assert (speaking.utterance, speaking.text, speaking.turn) == ("u1", "one two three", None)
    assert speaking.at == pytest.approx(0.1, abs=0.03)
    begins = [(0.1, 3), (0.3, 7), (0.5, 13)]  # 50 ms a letter
    assert [heard for _, heard in lit(watched, "u1")] == [heard for _, heard in begins]
    for (at, _), (begin, _) in zip(lit(watched, "u1"), begins, strict=True):
        assert at == pytest.approx(begin, abs=0.03)


async def test_a_text_that_grows_while_it_sounds_is_told_again() -> None:
    watched: list[CallEvent] = []

    async def words() -> AsyncIterator[str]:
        yield "This is the first part, "
        await asyncio.sleep(0.8)
        yield "and this the second."

    async def talk(call: Call) -> None:
        await call.say(words())

    async with on_stage(talk, watch=watched.append) as stage:
        await stage.sound(5.0)
    told = [event for event in watched if isinstance(event, AgentSpeaking)]
    assert [event.text.strip() for event in told] == [
        "This is the first part,",
        "This is the first part, and this the second.",
    ]
    assert len({event.utterance for event in told}) == 1
    heard = [heard for _, heard in lit(watched, told[0].utterance)]
    assert heard == sorted(heard)
    assert heard[-1] == len(told[-1].text)


async def test_who_speaks_into_our_words_sees_us_yield_and_what_was_heard() -> None:
    watched: list[CallEvent] = []

    async def talk(call: Call) -> None:
        await call.say(LONG)
        async for turn in call.turns():
            await call.say(f"so {turn.text}")

    async with on_stage(talk, watch=watched.append) as stage:
        await stage.sound(1.1)
        await stage.says("wait a second")
        await stage.sound(1.0)
    assert [event.move for event in watched if isinstance(event, FloorMoved)] == ["pause", "yield"]
    [cut] = [event for event in watched if isinstance(event, AgentSaid) if not event.complete]
    assert lit(watched, "u1")[-1][1] == len(cut.heard) == len("one two three four five")


async def test_after_a_noise_the_lit_words_go_on_where_they_were() -> None:
    watched: list[CallEvent] = []

    async def talk(call: Call) -> None:
        await call.say(LONG)

    async with on_stage(talk, watch=watched.append) as stage:
        await stage.sound(1.1)
        await stage.begins()
        await stage.ends("")
        await stage.sound(4.0)
    assert [event.move for event in watched if isinstance(event, FloorMoved)] == ["pause", "resume"]
    heard = [heard for _, heard in lit(watched, "u1")]
    assert heard == sorted(heard)
    assert len(heard) == len(LONG.split())
    assert [event.speaking for event in watched if isinstance(event, CallerSpeaking)] == [True, False]
    assert not [event for event in watched if isinstance(event, CallerSaid)]


async def test_a_tone_is_no_words() -> None:
    watched: list[CallEvent] = []

    async def talk(call: Call) -> None:
        async with call.working():
            await asyncio.sleep(2.0)

    async with on_stage(talk, watch=watched.append) as stage:
        await stage.sound(3.0)
    assert not [event for event in watched if isinstance(event, AgentSpeaking | AgentWord)]


async def test_nobody_else_is_told_and_nothing_is_kept_of_it(tmp_path: Path) -> None:
    watched: list[CallEvent] = []
    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(parrot, phrases=(GREETING,), watch=watched.append, recording=recording) as stage:
        await stage.sound(3.0)
        await stage.says("hello")
        await stage.sound(2.0)
    assert [event for event in watched if not isinstance(event, LiveEvent)] == stage.events
    assert not [event for event in stage.events if isinstance(event, LiveEvent)]
    assert watched[0].type == "call_started"
    assert watched[-1].type == "call_ended"


async def test_a_call_that_nobody_watches_asks_for_no_partials() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
    assert not AsrQuery.model_validate(stage.asr.queries[0]).interim_results


async def test_a_secret_is_hidden_also_from_who_watches(tmp_path: Path) -> None:
    watched: list[CallEvent] = []

    async def asks(call: Call) -> None:
        await call.gather(Code(4, secret=True), question="Your code?")
        async for _turn in call.turns():
            await call.say("Thank you.")

    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(asks, watch=watched.append, recording=recording) as stage:
        await stage.sound(1.0)
        await stage.begins()
        partial(stage, "9 7")
        await stage.sound(0.5)
        partial(stage, "9 7 5", 3)
        await stage.sound(0.2)
        for key in "9753":
            stage.port.press(key)
        await stage.sound(0.2)
        partial(stage, "9 7 5 3", 3)
        await stage.ends("9 7 5 3")
        await stage.begins()
        partial(stage, "in public", turn=2)
        await stage.ends("in public")
        await stage.sound(2.0)
    assert partials(watched) == [(1, "•••", 0), (2, "in public", 0), (2, "in public", 9)]
    assert "9 7" not in "".join(event.model_dump_json() for event in watched)
    assert b"9 7" not in b"".join(path.read_bytes() for path in _files(tmp_path))


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_a_rest_ends_what_the_caller_was_saying() -> None:
    watched: list[CallEvent] = []

    async def talk(call: Call) -> None:
        call.conversation.listen()
        await asyncio.sleep(1.0)
        call.conversation.rest()
        await asyncio.sleep(1.0)

    async with on_stage(talk, watch=watched.append) as stage:
        await stage.sound(0.2)
        await stage.begins()
        await stage.sound(2.0)
    assert [event.speaking for event in watched if isinstance(event, CallerSpeaking)] == [True, False]

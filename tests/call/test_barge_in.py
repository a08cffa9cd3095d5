"""The caller speaks while we do, in virtual time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from dialplans.parrot import parrot
from media_server.call.events import AgentSaid, CallerSaid
from media_server.dialplan import Call, Said, Turn
from media_server.dialplan.say import Interruptible
from tests.call.stage import Stage, on_stage

pytestmark = pytest.mark.looptime

LONG = "one two three four five six seven eight nine ten eleven twelve"
"""Three seconds."""


def agent(stage: Stage) -> list[AgentSaid]:
    return [event for event in stage.events if isinstance(event, AgentSaid)]


def caller(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, CallerSaid)]


def sounding(stage: Stage) -> float:
    """Seconds of sound that the caller's ear got."""
    return 0.02 * len(stage.audible())


async def talk(call: Call, barge_in: Interruptible, results: list[Said]) -> None:
    results.append(await call.say(LONG, barge_in=barge_in))
    async for turn in call.turns():
        await call.say(f"so {turn.text}")


async def test_words_cut_us_and_what_was_heard_is_kept_to_the_word() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, True, results)) as stage:
        await stage.sound(1.1)  # the first second of it was heard
        await stage.begins()
        silent_since = stage.audible()[-1]
        await stage.sound(0.5)
        assert stage.audible()[-1] == silent_since
        assert silent_since < 1.1 + 0.25
        await stage.pauses("wait a second")
        await stage.ends("wait a second")
        await stage.sound(3.0)
    assert [event.text for event in agent(stage)] == [LONG, "so wait a second"]
    assert agent(stage)[0].heard == "one two three four five"
    assert results == [Said("one two three four five", complete=False)]
    assert caller(stage) == ["wait a second"]


@pytest.mark.parametrize("noise", ["", "Uh-huh."])
async def test_after_a_noise_or_a_backchannel_we_go_on_with_the_cut_word(noise: str) -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, True, results)) as stage:
        await stage.sound(1.1)
        await stage.begins()
        if noise:
            await stage.pauses(noise)
        await stage.ends(noise)
        await stage.sound(4.0)
    assert results == [Said(LONG, complete=True)]
    assert [event.heard for event in agent(stage)] == [LONG]
    assert caller(stage) == ([noise] if noise else [])
    assert stage.conversation is not None
    assert stage.conversation.chronicle.record.turns == []
    length = len(LONG) * 0.05
    assert length < sounding(stage) < length + 0.35, "the cut word, and no more, comes twice"
    assert stage.conversation.leg.playout.gaps == 0


async def test_who_goes_on_after_a_backchannel_interrupts_after_all() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, True, results)) as stage:
        await stage.sound(1.1)
        await stage.begins()
        await stage.pauses("Uh-huh,")
        await stage.resumes()
        await stage.pauses("Uh-huh, but wait.")
        await stage.ends("Uh-huh, but wait.")
        await stage.sound(3.0)
    assert not results[0].complete
    assert caller(stage) == ["Uh-huh, but wait."]


async def test_what_may_not_be_interrupted_goes_on_and_the_caller_is_answered_after_it() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, False, results)) as stage:
        await stage.sound(1.1)
        await stage.says("wait a second")
        await stage.sound(6.0)
    assert results == [Said(LONG, complete=True)]
    assert [event.text for event in agent(stage)] == [LONG, "so wait a second"]


async def test_by_words_only_a_voice_does_not_silence_us_but_its_words_do() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, "words", results)) as stage:
        await stage.sound(1.1)
        await stage.begins()
        assert stage.audible()[-1] > 1.5
        await stage.pauses("stop")
        await stage.ends("stop")
        await stage.sound(2.0)
    assert results == [Said("one two three four five six", complete=False)]


async def test_a_key_interrupts_as_words_do() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, True, results)) as stage:
        await stage.sound(1.1)
        stage.port.press("5")
        await stage.sound(2.0)
    assert results == [Said("one two three four", complete=False)]


async def test_a_reply_cut_before_its_first_word_is_answered_together_with_what_cut_it() -> None:
    async with on_stage(parrot, phrases=("Hello! Say something, and I say it back.",)) as stage:
        await stage.sound(3.0)
        await stage.says("reservations please")
        await stage.sound(0.15)
        assert stage.audible()[-1] > 3.5, "the reply sounds"
        await stage.says("for four people")
        await stage.sound(6.0)
    assert [(event.text, event.heard) for event in agent(stage)][1:] == [
        ("reservations please, you said.", ""),
        ("reservations please for four people, you said.", "reservations please for four people, you said."),
    ]


async def test_a_streamed_reply_that_is_cut_is_made_no_longer() -> None:
    asked: list[int] = []

    async def words() -> AsyncIterator[str]:
        for number in range(100):
            asked.append(number)
            await asyncio.sleep(0.5)
            yield f"This is sentence number {number}. "

    async def reply(turn: Turn) -> AsyncIterator[str] | str:
        return words() if turn.text == "tell me" else "Yes."

    async with on_stage(lambda call: call.converse(reply)) as stage:
        await stage.sound(0.1)
        await stage.says("tell me")
        await stage.sound(4.0)
        await stage.says("stop please")
        await stage.sound(3.0)
    assert agent(stage)[0].heard.startswith("This is sentence number 0.")
    assert not agent(stage)[0].complete
    assert agent(stage)[1].text == "Yes."
    assert stage.voice.cancelled
    assert len(asked) < 20


async def test_a_caller_who_leaves_in_the_middle_of_an_interruption() -> None:
    results: list[Said] = []
    async with on_stage(lambda call: talk(call, True, results)) as stage:
        await stage.sound(1.1)
        await stage.begins()
    assert [event.heard for event in agent(stage)] == ["one two three four five"]

"""Engines that die and hang under a call, in virtual time."""

import pytest

from dialplans.parrot import parrot
from media_server.call.events import AgentSaid, CallerSaid
from media_server.dialplan import Call
from media_server.protocol.asr_stream import Final, SpeechStarted, TurnEnded
from tests.call.stage import FakeVoice, on_stage

pytestmark = pytest.mark.looptime

GREETING = "Hello! Say something, and I say it back."


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_turn_goes_on_with_the_next_recogniser(*, hangs: bool) -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        await stage.begins()
        first = stage.asr.sockets[0]
        if hangs:
            first.hung.set()
        else:
            await first.aclose()
        await stage.sound(4.0)
        assert len(stage.asr.sockets) == 2
        assert stage.asr.sockets[1].audio_bytes >= 7 * 16000, "all that was not final is heard again"
        first.tell(Final(turn=1, text="an old story", start=0, end=1))
        stage.tell(SpeechStarted(turn=1, at=3.1))
        stage.tell(Final(turn=1, text="Open the door.", start=3.1, end=6.0))
        stage.tell(TurnEnded(turn=1, end=6.0, at=6.4, probability=0.9, reason="complete"))
        await stage.sound(3.0)
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["Open the door."]
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == [
        GREETING,
        "Open the door, you said.",
    ]


async def test_what_was_begun_on_an_offer_of_a_lost_recogniser_is_never_heard() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        await stage.begins()
        await stage.pauses("Open")
        await stage.asr.sockets[0].aclose()
        await stage.sound(1.0)
        assert all(at < 2.5 for at in stage.audible())
        stage.tell(SpeechStarted(turn=1, at=3.1))
        stage.tell(Final(turn=1, text="Open the door.", start=3.1, end=3.6))
        stage.tell(TurnEnded(turn=1, end=3.6, at=4.0, probability=0.9, reason="complete"))
        await stage.sound(3.0)
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)][1:] == ["Open the door, you said."]


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_text_is_said_by_the_next_voice(*, hangs: bool) -> None:
    async def talk(call: Call) -> None:
        await call.say("one two three")

    async with on_stage(talk, voice_delay_s=0.5) as stage:
        await stage.sound(0.2)
        if hangs:
            stage.voice.hung.set()
        else:
            await stage.voice.aclose()
        stage.voice.cancelled.append("u1")  # it says nothing more
        await stage.sound(5.0)
        second = stage.tts.sockets[1]
        assert isinstance(second, FakeVoice)
        assert second.said == ["one two three"]
    events = [event for event in stage.events if isinstance(event, AgentSaid)]
    assert [(event.heard, event.complete) for event in events] == [("one two three", True)]

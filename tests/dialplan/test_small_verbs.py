"""play, pause, working, hangup, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from media_server.audio.tones import BEEP, Tone
from media_server.audio.wav import write_wav
from media_server.call.events import AgentSaid, CallEndedEvent, Played
from media_server.dialplan import Call
from media_server.dialplan.play import load
from media_server.errors import NotFound, PeerError
from tests.call.stage import on_stage

pytestmark = pytest.mark.looptime


async def test_a_tone_is_heard_to_its_end() -> None:
    async def plan(call: Call) -> None:
        played = await call.play(BEEP)
        assert played.complete
        await call.say("Now you.")

    async with on_stage(plan) as stage:
        await stage.sound(3.0)
    [played] = [event for event in stage.events if isinstance(event, Played)]
    assert (played.source, played.seconds, played.complete) == ("tone", 0.35, True)


async def test_a_recording_can_be_interrupted() -> None:
    complete: list[bool] = []

    async def plan(call: Call) -> None:
        complete.append((await call.play(Tone(seconds=5.0))).complete)

    async with on_stage(plan) as stage:
        await stage.sound(1.0)
        await stage.says("stop it please")
        await stage.sound(1.0)
    assert complete == [False]


def test_only_what_lies_in_the_dialplans_folder_is_played(tmp_path: Path) -> None:
    inside, outside = tmp_path / "plans", tmp_path / "secret.wav"
    inside.mkdir()
    for path in (inside / "a.wav", outside):
        write_wav(path, b"\1\1" * 800, sample_rate=16000)
    assert len(load(inside, Path("a.wav"), 8000)) == 800
    (inside / "link.wav").symlink_to(outside)
    for name in ("../secret.wav", str(outside), "link.wav", "b.wav", "."):
        with pytest.raises(NotFound):
            load(inside, Path(name), 8000)


def test_what_is_no_wav_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF and so on")
    with pytest.raises(PeerError):
        load(tmp_path, Path("a.wav"), 8000)


async def test_a_pause_is_silent() -> None:
    async def plan(call: Call) -> None:
        await call.pause(6.0)
        await call.say("Hello.")

    async with on_stage(plan) as stage:
        await stage.sound(5.9)
        assert stage.audible() == []
        await stage.sound(2.0)
        assert stage.audible()


async def test_who_works_says_so_once_and_then_makes_soft_tones() -> None:
    async def plan(call: Call) -> None:
        async with call.working("I am looking it up."):
            await asyncio.sleep(0.7)
        await call.say("That was quick.")
        async with call.working("I am looking it up."):
            await asyncio.sleep(8.0)
        await call.say("Found.")

    async with on_stage(plan, phrases=("That was quick.", "I am looking it up.", "Found.")) as stage:
        await stage.sound(12.0)
    said = [event.text for event in stage.events if isinstance(event, AgentSaid)]
    assert said == ["That was quick.", "I am looking it up.", "Found."]


async def test_a_text_of_working_that_nobody_could_know_is_made_when_it_is_needed() -> None:
    async def plan(call: Call) -> None:
        async with call.working(f"Looking for {call.caller}."):
            await asyncio.sleep(4.0)

    async with on_stage(plan) as stage:
        await stage.sound(5.0)
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == ["Looking for +15550001."]


async def test_the_reason_of_a_hang_up_stands_in_the_record() -> None:
    async def plan(call: Call) -> None:
        await call.hangup("not_a_customer")

    async with on_stage(plan) as stage:
        await stage.sound(1.0)
    assert [event.reason for event in stage.events if isinstance(event, CallEndedEvent)] == ["not_a_customer"]

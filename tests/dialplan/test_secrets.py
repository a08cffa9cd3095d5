"""Secrets that are on the caller's lips when nobody waits for them any more, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from media_server.call.events import CallerSaid
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.protocol.asr_stream import Final, TurnEnded
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage
from tests.dialplan.number_slot import Code

pytestmark = pytest.mark.looptime


async def asks(call: Call) -> None:
    await call.gather(Code(4, secret=True), question="Your code?")
    await call.say("Thank you.")


def heard(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, CallerSaid)]


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_who_hangs_up_in_the_middle_of_a_secret_leaves_it_nowhere(tmp_path: Path) -> None:
    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(asks, phrases=("Your code?",), recording=recording) as stage:
        await stage.sound(1.0)
        await stage.begins()
        stage.port.hang_up()
        await asyncio.sleep(0.1)
        stage.tell(Final(turn=1, text="my code is 9 7 5 3", start=0, end=1.4))
        stage.tell(TurnEnded(turn=1, end=1.4, at=1.5, probability=0.9, reason="close"))
        await asyncio.sleep(0.1)
    assert heard(stage) == ["•••"]
    assert b"9 7 5 3" not in kept(tmp_path)


async def test_who_says_a_secret_and_presses_it_leaves_it_nowhere(tmp_path: Path) -> None:
    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(asks, phrases=("Your code?", "Thank you."), recording=recording) as stage:
        await stage.sound(1.0)
        await stage.begins()
        for key in "9753":
            stage.port.press(key)
        await stage.sound(0.3)
        await stage.ends("my code is 9 7 5 3")
        await stage.says("and now in public")
        await stage.sound(0.5)
    assert heard(stage) == ["•••", "and now in public"]
    assert b"9 7 5 3" not in kept(tmp_path)
    assert b"and now in public" in kept(tmp_path)

"""Messages, in virtual time."""

from pathlib import Path

import pytest

from media_server.audio.wav import read_wav
from media_server.call.events import AgentSaid, MessageTaken
from media_server.call.recorder import Recording
from media_server.dialplan import Call, Recorded
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage

pytestmark = pytest.mark.looptime

GREETING = "Nobody is free."


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path, InlineFiles(), calls=False)


def message(stage: Stage) -> MessageTaken:
    return next(event for event in stage.events if isinstance(event, MessageTaken))


async def test_a_message_ends_with_a_silence_and_lies_in_a_file_of_its_own(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.voicemail(GREETING, transcribe=True))
        await call.say("Thank you.")

    async with on_stage(plan, phrases=(GREETING,), recording=recording) as stage:
        await stage.sound(2.0)
        await stage.says("please call me back")
        await stage.sound(8.0)
    [done] = taken
    assert done
    assert (done.text, done.reason) == ("please call me back", "silence")
    assert done.path is not None
    assert done.path.name == f"{'c' * 32}-1.wav"
    pcm, rate = read_wav(done.path)
    assert abs(len(pcm) / 2 / rate - done.seconds) < 0.1
    assert 4.0 < done.seconds < 8.0
    assert message(stage).text == "please call me back"
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == [GREETING, "Thank you."]


async def test_a_key_ends_it_at_once(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record(beep=False))

    async with on_stage(plan, recording=recording) as stage:
        await stage.sound(0.2)
        await stage.says("this is it")
        stage.port.press("5")
        await stage.sound(0.5)
        assert not taken
        stage.port.press("#")
        await stage.sound(0.2)
        assert taken
    assert (taken[0].reason, taken[0].text) == ("key", "")


async def test_who_says_nothing_leaves_nothing(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record())

    async with on_stage(plan, recording=recording) as stage:
        await stage.sound(7.0)
        assert not taken
        await stage.sound(3.0)
    assert not taken[0]
    assert taken[0].reason == "nothing"


async def test_a_message_has_a_limit_also_in_the_middle_of_a_word(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record(max_s=3.0, beep=False))

    async with on_stage(plan, recording=recording) as stage:
        await stage.sound(0.2)
        await stage.begins()
        await stage.sound(5.0)
    assert taken[0].reason == "limit"
    assert 3.0 <= taken[0].seconds < 3.7


async def test_who_hangs_up_in_the_middle_has_left_a_message_all_the_same(recording: Recording) -> None:
    async def plan(call: Call) -> None:
        await call.voicemail(GREETING)

    async with on_stage(plan, phrases=(GREETING,), recording=recording) as stage:
        await stage.sound(2.0)
        await stage.begins()
        await stage.sound(2.0)
    told = message(stage)
    assert told.reason == "hangup"
    pcm, rate = read_wav(recording.folder / told.file)
    assert len(pcm) / 2 / rate > 1.5


async def test_without_a_place_for_files_the_words_are_taken_all_the_same() -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record(transcribe=True, beep=False))

    async with on_stage(plan) as stage:
        await stage.sound(0.2)
        await stage.says("only words")
        await stage.sound(6.0)
    assert taken[0].path is None
    assert taken[0].text == "only words"


async def test_the_words_right_before_the_key_are_taken_too(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record(transcribe=True, beep=False))
        await call.say("Thank you.")

    async with on_stage(plan, recording=recording) as stage:
        await stage.sound(1.0)
        await stage.begins()
        await stage.sound(1.0)
        stage.port.press("#")
        await stage.sound(0.4)
        await stage.ends("please call me back")
        await stage.sound(2.0)
    [done] = taken
    assert (done.text, done.reason) == ("please call me back", "key")
    assert done.seconds < 2.7, "the file ends with the key"


async def test_a_key_in_the_middle_of_endless_noise_ends_it_all_the_same(recording: Recording) -> None:
    taken: list[Recorded] = []

    async def plan(call: Call) -> None:
        taken.append(await call.record(transcribe=True, beep=False))

    async with on_stage(plan, recording=recording) as stage:
        await stage.sound(1.0)
        await stage.begins()
        stage.port.press("#")
        await stage.sound(2.5)
        assert [(done.text, done.reason) for done in taken] == [("", "key")]

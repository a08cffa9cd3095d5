"""What is kept beside a recording, so that what was decided can be decided again."""

import json
from pathlib import Path
from typing import Any

import pytest

from media_server.call import inputs
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from tests.call.inline_files import InlineFiles
from tests.call.stage import on_stage

pytestmark = pytest.mark.looptime

CALL = "c" * 32


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{CALL}.jsonl").read_text().splitlines()]


async def converses(call: Call) -> None:
    await call.say("Hello there.")
    async for turn in call.turns():
        await call.say(f"{turn.text}, you said.")


async def test_all_that_came_in_is_there_with_its_times(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await stage.sound(1.5)
        await stage.says("hello")
        await stage.sound(0.5)
        stage.port.press("7")
        await stage.sound(0.5)
    kept = lines(tmp_path)
    assert kept[0]["type"] == "call"
    assert [each["at"] for each in kept] == sorted(each["at"] for each in kept)
    [listening] = [each for each in kept if each["type"] == "listening"]
    assert listening["query"]["sample_rate"] == 8000
    asr = [each["event"]["type"] for each in kept if each["type"] == "asr"]
    assert asr == ["speech_started", "turn_eager", "final", "turn_ended"]
    assert [each["digit"] for each in kept if each["type"] == "digit"] == ["7"]
    begins = [each for each in kept if each["type"] == "begins"]
    assert {each["barge_in"] for each in begins} == {"on"}
    assert all(abs(each["line_s"] - each["audible_line_s"]) < 0.05 for each in begins)
    heard = [each["utterance"] for each in kept if each["type"] == "heard"]
    assert heard[0] == begins[0]["utterance"]
    changes = [each["change"] for each in kept if each["type"] == "floor" and "change" in each]
    assert changes[:5] == ["AGENT_BEGINS", "AGENT_HEARD", "CONTESTS", "TURN_ENDED", "AGENT_BEGINS"]


async def test_while_the_recorder_is_paused_neither_words_nor_keys_are_kept(tmp_path: Path) -> None:
    async def secretive(call: Call) -> None:
        await call.say("Your PIN, please.")
        recorder = call._conversation.kept.recorder
        assert recorder is not None
        recorder.pause()
        async for turn in call.turns():
            if turn.text == "seven nine":
                recorder.resume()

    async with on_stage(secretive, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await stage.sound(1.5)
        stage.port.press("7")
        stage.port.press("9")
        await stage.says("seven nine")
        await stage.sound(0.5)
        await stage.says("thank you")
    text = (tmp_path / f"{CALL}.jsonl").read_text()
    assert "seven nine" not in text
    assert '"digit"' not in text
    assert "thank you" in text


async def test_the_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_BYTES", 1000)
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        for _ in range(20):
            stage.port.press("1")
        await stage.sound(2.0)
    assert (tmp_path / f"{CALL}.jsonl").stat().st_size <= 1000

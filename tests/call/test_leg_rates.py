"""A leg at a browser's rate: everything that makes sound, and that keeps it, goes by the leg's own; in virtual time."""

import asyncio
import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from media_server.audio.frame import BROWSER_RATE, TELEPHONE_RATE, frame_bytes
from media_server.audio.tones import BEEP
from media_server.audio.wav import read_wav, write_wav
from media_server.call.consent import with_consent
from media_server.call.events import AgentSaid, CallEndedEvent, CallerSaid, Played
from media_server.call.phrases import ONE_MOMENT, Phrases
from media_server.call.recorder import Recording
from media_server.dialplan import Call, Digits, Recorded
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.testing.sound import Lexicon
from tests.call.inline_files import InlineFiles
from tests.call.stage import FakeEngines, FakeVoice, Stage, on_stage

pytestmark = pytest.mark.looptime

CALL = "c" * 32
GREETING = "Nobody is free."


def seconds(sound: bytes) -> float:
    return len(sound) / 2 / BROWSER_RATE


def played(stage: Stage) -> float:
    """Seconds of sound that is not silence."""
    return sum(seconds(pcm) for _, pcm in stage.port.played if any(pcm))


async def test_a_call_speaks_listens_and_is_recorded_at_the_rate_of_its_leg(tmp_path: Path) -> None:
    async def talk(call: Call) -> None:
        await call.say("hello there")
        await call.ask("Which number?", Digits(4))
        await call.say("goodbye")

    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(talk, phrases=("Which number?",), recording=recording, sample_rate=BROWSER_RATE) as stage:
        await stage.sound(2.0)
        await stage.says("1 2 3 4")
        await stage.sound(1.5)
        heard = stage.port.played
        assert {len(pcm) for _, pcm in heard} == {frame_bytes(BROWSER_RATE)}
    assert AsrQuery.model_validate(stage.asr.queries[0]).sample_rate == BROWSER_RATE
    assert stage.tts.queries[0]["sample_rate"] == "16000"
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["1 2 3 4"]
    assert all(event.complete for event in stage.events if isinstance(event, AgentSaid))
    letters = len("hello there") + len("Which number?") + len("goodbye")
    assert played(stage) == pytest.approx(letters * 0.05, abs=0.1)
    assert stage.conversation is not None
    delivered = stage.conversation.chronicle.record.ledger.delivered
    assert stage.asr.sockets[0].audio_bytes / 2 == pytest.approx(delivered, abs=0.04 * BROWSER_RATE)
    kept = stage.conversation.chronicle.record.recording
    assert kept is not None
    assert kept.complete
    with wave.open(str(tmp_path / f"{CALL}.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (BROWSER_RATE, 2)
        sides = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    assert np.count_nonzero(sides[:, 1]) / BROWSER_RATE == pytest.approx(letters * 0.05, abs=0.15)
    first = json.loads((tmp_path / f"{CALL}.jsonl").read_text().splitlines()[0])
    assert first["sample_rate"] == BROWSER_RATE


async def test_files_and_tones_are_played_as_long_as_they_are(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", b"\1\20" * 8000, sample_rate=TELEPHONE_RATE)

    async def talk(call: Call) -> None:
        call.conversation.facts = replace(call.conversation.facts, folder=tmp_path)
        await call.play(tmp_path / "a.wav")
        await call.play(BEEP)
        await call.send_dtmf("12")

    async with on_stage(talk, sample_rate=BROWSER_RATE) as stage:
        await stage.sound(4.0)
    assert [event.seconds for event in stage.events if isinstance(event, Played)] == [1.0, 0.35]
    assert next(event.reason for event in stage.events if isinstance(event, CallEndedEvent)) == "completed"


async def test_a_message_and_a_consent_are_kept_at_the_rate_of_the_leg(tmp_path: Path) -> None:
    taken: list[Recorded] = []

    async def talk(call: Call) -> None:
        await with_consent(_nothing, "This call is recorded.")(call.conversation)
        taken.append(await call.voicemail(GREETING, transcribe=True))

    async def _nothing(_conversation: object) -> None:
        pass

    recording = Recording(tmp_path, InlineFiles(), calls=True, consent="This call is recorded.")
    async with on_stage(talk, phrases=(GREETING,), recording=recording, sample_rate=BROWSER_RATE) as stage:
        await stage.sound(4.0)
        await stage.says("please call me back")
        await stage.sound(8.0)
    [done] = taken
    assert (done.text, done.reason) == ("please call me back", "silence")
    assert done.path is not None
    pcm, rate = read_wav(done.path)
    assert rate == BROWSER_RATE
    assert seconds(pcm) == pytest.approx(done.seconds, abs=0.1)


async def test_an_echo_goes_back_sample_by_sample() -> None:
    async with on_stage(lambda call: call.echo(), sample_rate=BROWSER_RATE) as stage:
        await asyncio.sleep(0.1)
        for _ in range(50):
            stage.port.hear(b"\1\20" * 320)
            await asyncio.sleep(0.02)
        assert b"".join(pcm for _, pcm in stage.port.played) == b"\1\20" * 16000


async def test_who_waits_at_this_rate_hears_something_too() -> None:
    async def talk(_call: Call) -> None:
        await asyncio.sleep(4.0)

    async with on_stage(talk, phrases=(ONE_MOMENT,), sample_rate=BROWSER_RATE) as stage:
        await stage.sound(4.5)
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == [ONE_MOMENT]
    assert played(stage) > len(ONE_MOMENT) * 0.05


async def test_phrases_are_made_once_and_are_as_long_at_each_rate() -> None:
    engines = FakeEngines(lambda: FakeVoice(0.01, Lexicon(sample_rate=BROWSER_RATE)))
    phrases = Phrases(TtsQuery(sample_rate=BROWSER_RATE), [TELEPHONE_RATE])
    await phrases.make(engines, ["Hello there.", "Goodbye."])
    anna = phrases.of_voice("anna")
    await anna.make(engines, ["Hello there."])
    assert [voice.said for voice in engines.sockets if isinstance(voice, FakeVoice)] == [
        ["Hello there.", "Goodbye."],
        ["Hello there."],
    ]
    for each in (phrases, anna):
        wide, narrow = each.at(BROWSER_RATE).get("Hello there."), each.at(TELEPHONE_RATE).get("Hello there.")
        assert wide is not None
        assert narrow is not None
        assert seconds(wide.pcm) == len(narrow.pcm) / 2 / TELEPHONE_RATE == 0.6
        assert narrow.words == wide.words != ()
    assert anna.at(TELEPHONE_RATE).query.voice == "anna"
    assert phrases.at(48000).get("Hello there.") is None
    phrases.keep({"Goodbye."})
    assert phrases.at(TELEPHONE_RATE).get("Hello there.") is None
    assert phrases.at(TELEPHONE_RATE).get("Goodbye.") is not None

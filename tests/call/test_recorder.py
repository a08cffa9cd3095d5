import asyncio
import errno
import os
import stat
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from typing_extensions import override

from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.call.chronicle import CallFacts
from media_server.call.consent import with_consent
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.events import CallEvent, RecordingChanged
from media_server.call.leg import Leg
from media_server.call.phrases import Phrases
from media_server.call.recorder import Recorder, Recording, RecordingLimits
from media_server.call.sound_files import FileThread
from media_server.dialplan import Call
from media_server.phone.caller_script import CallerScript
from media_server.phone.measure import WINDOW, voiced_windows
from media_server.phone.twilio_phone import Feedback, PhoneCall, TwilioPhone
from media_server.protocol.asr_stream import AsrClosed, AsrQuery, SpeechStarted, TurnEager
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines
from media_server.transports.loopback import LoopbackPort
from media_server.transports.port import MediaPort, PortEvent
from tests.call.inline_files import InlineFiles
from tests.call.stage import FakeEngines, FakeSocket, FakeVoice
from tests.twilio_rig import EchoGate, serve

CALL = "c" * 32
TONE = (np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) * 8000).astype("<i2").tobytes()


def channels(path: Path) -> list[bytes]:
    with wave.open(str(path), "rb") as reader:
        assert reader.getframerate() == 8000
        samples: NDArray[np.int16] = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
        return [samples[side :: reader.getnchannels()].tobytes() for side in range(reader.getnchannels())]


def runs(pcm: bytes) -> list[tuple[int, int]]:
    """Where voice begins and ends, in ms; holes of up to 50 ms are none."""
    edges: list[tuple[int, int]] = []
    for window in voiced_windows(pcm):
        begin, end = (edge * WINDOW // 8 for edge in (window, window + 1))
        if edges and begin - edges[-1][1] <= 50:
            edges[-1] = edges[-1][0], end
        else:
            edges.append((begin, end))
    return edges


def assert_same(ours: bytes, theirs: bytes, within_ms: int = 20) -> None:
    mine, phones = runs(ours), runs(theirs)
    assert len(mine) == len(phones), (mine, phones)
    for edges in zip(mine, phones, strict=True):
        assert all(abs(mine_ms - theirs_ms) <= within_ms for mine_ms, theirs_ms in zip(*edges, strict=True)), edges


# --- on the wire, in real time ---------------------------------------------------------------------------------------


class PoliteEars(FakeSocket):
    """Closes when it is asked to."""

    @override
    async def send_text(self, text: str) -> None:
        await super().send_text(text)
        if "CloseStream" in text:
            self.tell(AsrClosed(received_s=0, decoded_s=0, silence_s=0, dropped_s=0, reason="close"))


class Office:
    """What is behind the wire: a conversation with engines that are made up."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.asr = FakeEngines(PoliteEars)
        tts = FakeEngines(lambda: FakeVoice(0.05))
        phrases = Phrases(TtsQuery(sample_rate=8000))
        self._speech = Speech(
            cast("Engines", self.asr), cast("Engines", tts), phrases, AsrQuery(sample_rate=8000), 8.0, 60.0, 5.0
        )
        self._recording = Recording(folder, FileThread(), calls=True)
        self._plan = plan
        self.path = folder / f"{CALL}.wav"
        self.conversation: Conversation | None = None

    async def talk(self, port: MediaPort, _arrived: list[PortEvent]) -> None:
        facts = CallFacts(CALL, "CA1", "twilio", "+1", "+2", "test")
        self.conversation = Conversation(facts, port, self._speech, lambda _event: None, self._recording)
        await self.conversation.run(self._plan)

    async def call(self, script: CallerScript, feedback: Feedback | None = None) -> PhoneCall:
        gate = EchoGate(self.talk)
        async with serve(gate) as server:
            phone = TwilioPhone(server.http, base_url=server.url)
            call = await phone.call(script, feedback=feedback, max_s=8.0)
            await gate.ended.get()
            return call


async def greets(conversation: Conversation) -> None:
    call = Call(conversation)
    await call.say("Hello there, " * 2)
    await call.pause(1.6)
    await call.say("And goodbye.")


async def test_a_recording_holds_what_the_phone_said_and_played(tmp_path: Path) -> None:
    office = Office(tmp_path, greets)
    call = await office.call(CallerScript([TONE], answer_timeout_s=1.0))
    left, right = channels(office.path)
    said = decode_mulaw(encode_mulaw(call.caller))
    assert len(left) >= len(said) - 640
    assert left[: len(said) - 640] == said[: len(said) - 640], "to the sample"
    assert len(runs(right)) == 2
    assert_same(right, call.agent)
    assert office.conversation is not None
    kept = office.conversation.chronicle.record.recording
    assert kept is not None
    assert kept.complete
    assert kept.size == office.path.stat().st_size
    assert stat.S_IMODE(office.path.stat().st_mode) == 0o600


async def test_an_answer_that_was_interrupted_ends_in_the_recording_where_it_ended_for_the_caller(
    tmp_path: Path,
) -> None:
    async def plan(conversation: Conversation) -> None:
        call = Call(conversation)
        asyncio.get_running_loop().call_later(1.7, interrupt, office.asr)
        await call.say("A very long answer to a question that nobody has asked, I am afraid.")
        await asyncio.sleep(1.0)

    def interrupt(asr: FakeEngines) -> None:
        socket = asr.sockets[-1]
        socket.tell(SpeechStarted(turn=1, at=1.5))
        socket.tell(TurnEager(turn=1, revision=1, text="please stop", start=1.5, end=1.6, probability=0.9))

    office = Office(tmp_path, plan)
    call = await office.call(CallerScript([], greeting_timeout_s=5.0))
    _, right = channels(office.path)
    [(_, end)] = runs(right)
    assert end < 2300, "of 3.4 s"
    assert_same(right, call.agent)


async def test_an_echo_is_in_the_callers_side_as_it_came(tmp_path: Path) -> None:
    office = Office(tmp_path, greets)
    call = await office.call(CallerScript([], greeting_timeout_s=5.0), Feedback(-10.0, 120))
    left, right = channels(office.path)
    said = decode_mulaw(encode_mulaw(call.caller))
    assert left[: len(said) - 640] == said[: len(said) - 640]
    assert_same(right, call.agent)


async def test_lost_frames_are_silence_in_their_place(tmp_path: Path) -> None:
    async def listens(_conversation: Conversation) -> None:
        await asyncio.sleep(5)

    office = Office(tmp_path, listens)
    tone = encode_mulaw(TONE[:320])
    gate = EchoGate(office.talk)
    async with serve(gate) as server, server.stream() as stream:
        for number in range(60):
            if not 20 <= number < 25:
                await stream.say(number * 20, tone)
            await asyncio.sleep(0.005)
        await stream.ws.send_str(stream.far_end.stop())
        await gate.ended.get()
    left, _ = channels(office.path)
    sound = decode_mulaw(tone)
    assert left[: 320 * 60] == sound * 20 + bytes(320 * 5) + sound * 35


# --- in virtual time -------------------------------------------------------------------------------------------------


class OnePort:
    """A leg on a loopback wire, read and written."""

    def __init__(self) -> None:
        self.port = LoopbackPort()
        self.leg = Leg(self.port, asyncio.get_running_loop().time)
        self.tasks = [asyncio.create_task(self.leg.read()), asyncio.create_task(self.leg.write())]

    async def hear(self, seconds: float, pcm: bytes = TONE[:320]) -> None:
        for _ in range(round(seconds * 50)):
            self.port.hear(pcm)
            await asyncio.sleep(0.02)


@pytest.fixture
async def one() -> AsyncIterator[OnePort]:
    made = OnePort()
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)


@pytest.mark.looptime
async def test_a_paused_recorder_keeps_nothing_and_says_so(one: OnePort, tmp_path: Path) -> None:
    recorder = Recorder(one.leg, tmp_path / "one.wav", InlineFiles())
    told: list[bool] = []
    recorder.on_change = told.append
    await one.hear(1.0)
    recorder.pause()
    recorder.pause()
    await one.hear(1.0)
    recorder.resume()
    await one.hear(1.0)
    kept = await recorder.aclose()
    left, _ = channels(tmp_path / "one.wav")
    assert left == TONE[:320] * 50 + bytes(320 * 50) + TONE[:320] * 50
    assert told == [False, True]
    assert (kept.seconds, kept.complete) == (3.0, True)


@pytest.mark.looptime
async def test_the_caller_alone_can_be_recorded_beside_and_cut_to_length(one: OnePort, tmp_path: Path) -> None:
    files = InlineFiles()
    whole = Recorder(one.leg, tmp_path / "whole.wav", files)
    await one.hear(1.0)
    message = Recorder(one.leg, tmp_path / "message.wav", files, sides="caller")
    await one.hear(1.0)
    kept = await message.aclose(seconds=0.7)
    await one.hear(0.2)
    assert (await whole.aclose()).seconds == pytest.approx(2.2)
    assert kept.seconds == pytest.approx(0.7)
    assert channels(tmp_path / "message.wav") == [TONE[:320] * 35]
    assert not any((one.leg.on_arrived, one.leg.on_sent, one.leg.on_cleared))


@pytest.mark.looptime
async def test_a_recording_ends_at_its_limit(one: OnePort, tmp_path: Path) -> None:
    limits = RecordingLimits(seconds=1.0)
    recorder = Recorder(one.leg, tmp_path / "one.wav", InlineFiles(), limits=limits)
    await one.hear(3.0)
    kept = await recorder.aclose()
    assert (kept.seconds, kept.complete, kept.problem) == (1.0, False, "limit")


@pytest.mark.looptime
async def test_a_disk_that_hangs_holds_up_nothing_and_what_is_missing_is_silence(one: OnePort, tmp_path: Path) -> None:
    files = InlineFiles()
    recorder = Recorder(one.leg, tmp_path / "one.wav", files)
    await one.hear(2.0)
    files.stuck = True
    await one.hear(1.0)
    files.stuck = False
    await one.hear(2.0)
    kept = await recorder.aclose()
    left, _ = channels(tmp_path / "one.wav")
    assert (kept.complete, kept.problem) == (False, "backlog")
    assert len(left) == 320 * 250, "all that is there is in its place"
    assert runs(left) == [(0, 1500), (2500, 5000)]


@pytest.mark.looptime
async def test_a_full_disk_holds_up_nothing_and_is_tried_again(
    one: OnePort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    full = False

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    recorder = Recorder(one.leg, tmp_path / "one.wav", InlineFiles())
    await one.hear(2.0)
    full = True
    await one.hear(1.0)
    full = False
    await one.hear(2.0)
    kept = await recorder.aclose()
    assert (kept.complete, kept.problem) == (False, "disk")
    assert len(channels(tmp_path / "one.wav")[0]) == 320 * 250


@pytest.mark.looptime
async def test_a_recording_is_a_good_file_at_any_time(one: OnePort, tmp_path: Path) -> None:
    recorder = Recorder(one.leg, tmp_path / "one.wav", InlineFiles())
    for _ in range(10):
        await one.hear(0.3)
        left, _ = channels(tmp_path / "one.wav")
        assert len(left) % 4000 == 0
    await recorder.aclose()


@pytest.mark.looptime
@pytest.mark.parametrize("refused", [False, True])
async def test_nothing_is_recorded_before_the_caller_has_heard_that_it_will_be(tmp_path: Path, refused: bool) -> None:
    asr, tts = FakeEngines(FakeSocket), FakeEngines(lambda: FakeVoice(0.05))
    tts.refuse = refused
    phrases = Phrases(TtsQuery(sample_rate=8000))
    speech = Speech(cast("Engines", asr), cast("Engines", tts), phrases, AsrQuery(sample_rate=8000), 8.0, 60.0, 1.0)
    events: list[CallEvent] = []
    facts = CallFacts(CALL, "CA1", "loopback", "+1", "+2", "test")
    port = LoopbackPort()
    recording = Recording(tmp_path, InlineFiles(), calls=True, consent="This call is recorded.")
    conversation = Conversation(facts, port, speech, events.append, recording)

    async def plan(conversation: Conversation) -> None:
        await Call(conversation).say("Now we talk.")

    running = asyncio.create_task(conversation.run(with_consent(plan, recording.consent)))
    async with asyncio.timeout(60):
        while not running.done():
            port.hear(TONE[:320])
            await asyncio.sleep(0.02)
    left, right = channels(tmp_path / f"{CALL}.wav")
    changes = [event.at for event in events if isinstance(event, RecordingChanged) and event.on]
    if refused:
        assert changes == []
        assert not any(left)
        assert not any(right)
        return
    assert changes == [pytest.approx(1.2, abs=0.1)]
    assert runs(left)[0][0] == pytest.approx(1200, abs=100)
    assert len(runs(right)) == 1

"""A call as it would be found in the archive: held in virtual time, its recording painted with a kind of voices."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media_server.audio.wav_header import HEADER_BYTES
from media_server.call.events import CallEvent, Fault, SlotHeard, ToolRan, WebhookAsked
from media_server.call.record import CallRecord
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.protocol.asr_stream import Partial
from media_server.records.inspection_files import read_timeline
from media_server.records.rows import dumped
from media_server.testing.clock import virtual_time
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage

CALL = "c" * 32
ATTACK = "<img src=x onerror=alert(1)>"


@dataclass(frozen=True, slots=True)
class HeldCall:
    """What the archive keeps of it."""

    record: CallRecord
    events: list[CallEvent]
    wav: Path
    inputs: Path


async def held_call(folder: Path) -> HeldCall:
    """Hold it, in a loop of its own, since the test's has a browser to wait for."""

    def hold() -> HeldCall:
        return asyncio.run(_hold(folder))

    return await asyncio.to_thread(hold)


async def _dialplan(call: Call) -> None:
    await call.say("Mario's, good evening. I can book you a table.")
    async for turn in call.turns():
        conversation = call._conversation
        if "four" in turn.text:
            conversation.chronicle.tell(SlotHeard, name="people", filled=True, value="4")
            await asyncio.sleep(0.25)
            conversation.chronicle.tell(ToolRan, tool="find_table", ok=True, ms=240)
            call.note(people=4, day="Friday", who=ATTACK)
            await call.say("Four people, on Friday, at half past seven. Shall I book that for you?")
        elif turn.dtmf:
            conversation.chronicle.tell(WebhookAsked, ok=False, ms=900, reason="timeout")
            await call.say("I am sorry, that took too long. Let me try once more.")
        elif "yes" in turn.text:
            conversation.chronicle.tell(Fault, code="engine", message="The voice was gone for a moment")
            await call.say("Done. Your number is A seven. Goodbye.")
            return
        else:
            await call.say(f"You said: {turn.text}. For how many people?")


async def _hold(folder: Path) -> HeldCall:
    with virtual_time():
        async with on_stage(_dialplan, recording=Recording(folder, InlineFiles(), calls=True)) as stage:
            await stage.sound(3.2)
            await _says(stage, "Good evening,", "I would like a table", f"please {ATTACK}")
            await stage.sound(1.6)  # and into the answer
            await _says(stage, "for four", "people on Friday", "at half past seven")
            await stage.sound(5.0)
            stage.port.press("4")
            await stage.sound(0.3)
            stage.port.press("#")
            await stage.sound(3.6)
            await _says(stage, "yes", "that is right")
            await stage.sound(4.0)
    assert stage.conversation is not None
    wav, inputs = folder / f"{CALL}.wav", folder / f"{CALL}.jsonl"
    _paint(wav, inputs, stage.events)
    return HeldCall(stage.conversation.chronicle.snapshot(), stage.events, wav, inputs)


async def _says(stage: Stage, *parts: str) -> None:
    await stage.begins()
    for count in range(1, len(parts) + 1):
        words = " ".join(parts[:count])
        stable = len(" ".join(parts[: count - 1]))
        stage.tell(
            Partial(turn=stage._turn, revision=count, text=words, stable=stable, start=0, end=stage._sent_s),
        )
        await stage.sound(0.5)
    await stage.pauses(" ".join(parts))
    await stage.ends(" ".join(parts))


def _paint(wav: Path, inputs: Path, events: list[CallEvent]) -> None:
    """Something like voices where there is speech."""
    line = read_timeline(CALL, wav, inputs, [dumped(event) for event in events], live=False, duration_s=0)
    data = bytearray(wav.read_bytes())
    sound: NDArray[np.int16] = np.frombuffer(data, "<i2", offset=HEADER_BYTES).reshape(-1, 2)
    random = np.random.default_rng(7)
    spans: list[tuple[int, float | None, float | None]] = [(0, span.start, span.end) for span in line.speech]
    spans += [(1, utterance.start, utterance.end) for utterance in line.utterances]
    sound[:] = random.normal(0, 20, sound.shape)
    for side, start, end in spans:
        if start is None or end is None:
            continue
        first, last = int(start * 8000), min(len(sound), int(end * 8000))
        seconds = np.arange(last - first) / 8000
        syllables = np.abs(np.sin(seconds * np.pi * (3.6 + side))) ** 0.7 * (0.55 + 0.45 * np.sin(seconds * 1.9 + side))
        voice = np.sin(2 * np.pi * (120 + 70 * side) * seconds) + 0.5 * random.normal(0, 1, len(seconds))
        sound[first:last, side] += (voice * syllables * (7000 + 2500 * side)).astype(np.int16)
    wav.write_bytes(data)

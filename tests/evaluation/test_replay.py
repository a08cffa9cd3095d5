"""An exported call, replayed with models that are made up: a sample of 1 is voiced, one of 0 is silence."""

import json
import zipfile
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engines.asr import events
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, Decode, Detect
from engines.ports import Listening, Samples, Transcription
from engines.turn.expectation import Expectation, Patience, TurnDetection
from media_server.audio.wav import write_wav
from media_server.errors import PeerError
from media_server.evaluation.call_file import CallFile, read_call
from media_server.evaluation.replay_floor import fates_now, fates_then
from media_server.evaluation.replay_report import cut_ins, pairs_of, replay_report
from media_server.evaluation.replay_turns import lag_s, told_now, told_then, turns_of
from media_server.records.export import write_export
from tests.engines.asr.voice import Voice

RATE = 8000
WINDOW_S = 256 / RATE
BASE_S = 0.5
"""Listening begins so long after the call."""
DELAY_S = 0.12
"""What each task of the models took."""


SAID = Transcription("I want a table for four.", -0.1)


class Words:
    """Hears always the same."""

    languages = frozenset({"en"})

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        del samples, listening
        return SAID

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> Sequence[Transcription]:
        return [self.transcribe(each, listening) for each in batch]

    def warm_up(self) -> float:
        return 0.0

    def bucket(self, seconds: float) -> Hashable:
        return seconds


class Vad:
    def stream(self, _rate: int) -> Voice:
        return Voice(256)


class Sure:
    def probability(self, _samples: Samples) -> float:
        return 0.95


MODELS = AsrModels(Words(), Vad(), Sure())


def speech(*parts: tuple[float, bool]) -> bytes:
    return b"".join((b"\1\0" if voiced else b"\0\0") * round(seconds * RATE) for seconds, voiced in parts)


CALLER = speech((2.0, False), (1.5, True), (0.6, False), (1.5, True), (3.0, False), (1.5, True), (3.0, False))


NAMES: dict[type[Any], str] = {
    events.SpeechStarted: "speech_started",
    events.TurnEager: "turn_eager",
    events.TurnResumed: "turn_resumed",
    events.TurnEnded: "turn_ended",
    events.Final: "final",
}


def line(at: float, kind: str, **values: object) -> dict[str, Any]:
    return {"at": at, "line_s": at, "type": kind, **values}


def lines_then() -> list[dict[str, Any]]:
    """What the call itself was told: in packets of 20 ms, and by models that took their time."""
    sound = CALLER[2 * round(BASE_S * RATE) :]
    machine = Recognition(
        RATE, Voice(256), expectation=Expectation(Patience.NORMAL, TurnDetection.SMART_TURN), language="en"
    )
    due: deque[tuple[float, Decode | Detect]] = deque()
    told: list[dict[str, Any]] = []

    def advance(now: float) -> None:
        for output in machine.advance():
            match output:
                case Decode() | Detect():
                    due.append((now + DELAY_S, output))
                case Cancel():
                    gone = [each for each in due if each[1].number == output.number]
                    for each in gone:
                        due.remove(each)
                case told_event if type(told_event) in NAMES:
                    event = {"type": NAMES[type(told_event)], **asdict(told_event)}
                    told.append(line(now + BASE_S, "asr", event=event))
                case _:
                    pass

    def finish(now: float) -> None:
        while due and due[0][0] <= now:
            _, task = due.popleft()
            if isinstance(task, Detect):
                machine.receive_probability(task.number, 0.95)
            else:
                machine.receive_transcription(task.number, SAID, DELAY_S)
            advance(now)

    for begin in range(0, len(sound), 320):
        machine.receive_audio(sound[begin : begin + 320])
        now = (begin + 320) / 2 / RATE
        advance(now)
        finish(now)
    machine.receive_command(CloseCommand())
    advance(len(sound) / 2 / RATE)
    return told


def exported(folder: Path, *more: dict[str, Any]) -> Path:
    query = {"encoding": "linear16", "sample_rate": RATE, "patience": "normal", "turn_detection": "smart_turn"}
    lines = [
        {"at": 0, "line_s": 0, "type": "call", "version": 1, "sample_rate": RATE, "call": "c"},
        {"at": BASE_S, "line_s": BASE_S, "type": "listening", "query": query, "sample": round(BASE_S * RATE)},
        *sorted([*lines_then(), *more], key=lambda line: line["line_s"]),
    ]
    wav, inputs = folder / "a.wav", folder / "a.jsonl"
    write_wav(wav, CALLER, b"", sample_rate=RATE)
    inputs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_export(folder / "one.zip", "{}", wav, inputs)
    return folder / "one.zip"


@pytest.fixture
def call(tmp_path: Path) -> CallFile:
    begins = {"barge_in": "on", "audible_line_s": 7.4, "utterance": "u1", "seconds": 3.0}
    return read_call(
        exported(
            tmp_path,
            line(7.4, "begins", **begins),
            line(8.7, "floor", change="CONTESTS", holder="CONTESTED"),
            line(8.7, "floor", move="PAUSE"),
            line(10.3, "floor", move="YIELD"),
        )
    )


def test_without_other_knobs_the_turns_end_where_they_ended(call: CallFile) -> None:
    then, now = turns_of(told_then(call)), turns_of(told_now(call, MODELS, {}))
    assert len(then) == 3, "the pause of 0.6 s ended a turn"
    pairs = pairs_of(then, now)
    assert len(pairs) == 3
    for pair in pairs:
        assert pair.then is not None
        assert pair.now is not None
        assert abs(pair.now.decided - pair.then.decided) <= WINDOW_S
        assert (pair.now.text, pair.now.reason) == (pair.then.text, pair.then.reason)
    assert lag_s(told_then(call)) <= 0.2


def test_what_the_recogniser_was_told_of_words_and_digits_is_no_hindrance(tmp_path: Path) -> None:
    told = {"keyterm": ["Mary O'Brien"], "digits": [7, 15], "max_silence_ms": 1000}
    back = dict.fromkeys(told)
    call = read_call(
        exported(
            tmp_path,
            *(
                line(at, "configure", changes={"type": "Configure", **changes}, sample=round((at - BASE_S) * RATE))
                for at, changes in ((0.6, told), (0.8, back))
            ),
        )
    )
    then, now = turns_of(told_then(call)), turns_of(told_now(call, MODELS, {}))
    assert [round(turn.end, 2) for turn in now] == [round(turn.end, 2) for turn in then]


def test_other_knobs_show_what_would_have_changed(call: CallFile) -> None:
    then, now = turns_of(told_then(call)), turns_of(told_now(call, MODELS, {"patience": "patient"}))
    assert len(now) == 2
    assert cut_ins(now, then) == []
    assert cut_ins(then, now) == [then[0]]
    quick = turns_of(told_now(call, MODELS, {"min_silence_ms": 250}))
    differences = [pair.difference_ms for pair in pairs_of(then, quick)]
    assert len(differences) == 3
    assert differences[0] == pytest.approx(-140, abs=1000 * WINDOW_S)


def test_the_floor_goes_as_it_went(call: CallFile) -> None:
    then = told_then(call)
    [before] = fates_then(call)
    for told, lag in ((then, 0.0), (told_now(call, MODELS, {}), lag_s(then))):
        [fate] = fates_now(call, told, lag)
        assert (fate.utterance, fate.outcome, fate.contested) == ("u1", before.outcome, before.contested)


@pytest.mark.parametrize(("kind", "what"), [("digit", {"digit": "5"}), ("typed", {"text": "stop"})])
def test_what_was_pressed_or_typed_takes_the_floor_again(tmp_path: Path, kind: str, what: dict[str, str]) -> None:
    begins = {"barge_in": "on", "audible_line_s": 7.4, "utterance": "u1", "seconds": 3.0}
    call = read_call(exported(tmp_path, line(7.4, "begins", **begins), line(8.0, kind, **what)))
    [fate] = fates_now(call, told_now(call, MODELS, {}), 0.0)
    assert (fate.outcome, round(fate.at_s, 1)) == ("yielded", 8.0)


def test_the_report_says_it_in_lines(call: CallFile) -> None:
    then, now = told_then(call), told_now(call, MODELS, {"patience": "patient"})
    lines = list(replay_report(turns_of(then), turns_of(now), fates_then(call), fates_now(call, now, lag_s(then))))
    assert "3 turns then, 2 now, the median ends" in " ".join(lines)
    assert any(text.startswith("cut-in vanishes at ") for text in lines)
    assert any(text.startswith("u1") and "yielded at" in text for text in lines)


@pytest.mark.parametrize("wreck", ["text", "empty", "no audio", "compressed", "garbled lines", "mono"])
def test_what_is_no_exported_call_is_refused(tmp_path: Path, wreck: str) -> None:
    path = exported(tmp_path)
    wav = tmp_path / "a.wav"
    match wreck:
        case "text":
            path.write_text("hello")
        case "empty":
            path.write_bytes(b"")
        case "no audio":
            write_export(path, "{}", tmp_path / "none.wav", tmp_path / "a.jsonl")
        case "compressed":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
                file.write(wav, "audio.wav")
                file.write(tmp_path / "a.jsonl", "inputs.jsonl")
        case "garbled lines":
            (tmp_path / "a.jsonl").write_text('{"type": "asr"}\n')
            write_export(path, "{}", wav, tmp_path / "a.jsonl")
        case "mono":
            write_wav(wav, CALLER, sample_rate=RATE)
            write_export(path, "{}", wav, tmp_path / "a.jsonl")
    with pytest.raises(PeerError):
        read_call(path)

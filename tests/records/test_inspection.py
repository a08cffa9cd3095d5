"""A call that was held on the stage, put on the time line of its recording."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.call.events import CallerSaid, CallEvent, Fault, Noted
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.protocol.asr_stream import Partial
from media_server.records import inspection as inspecting
from media_server.records.inspection import Inspection
from media_server.records.inspection_files import read_timeline
from media_server.records.line_clock import LineClock
from media_server.records.rows import dumped
from media_server.records.timeline import Timeline, timeline_json
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage

CALL = "c" * 32


async def converses(call: Call) -> None:
    await call.say("Hello there, and welcome.")
    async for turn in call.turns():
        await call.say(f"{turn.text}, you said, and I say it once more.")


def timeline(folder: Path, events: list[CallEvent], *, live: bool = False, duration_s: float = 9.0) -> Timeline:
    texts = [dumped(event) for event in events]
    wav, inputs = folder / f"{CALL}.wav", folder / f"{CALL}.jsonl"
    return read_timeline(CALL, wav, inputs, texts, live=live, duration_s=duration_s)


async def barge_in(stage: Stage) -> None:
    """The caller hears the greeting, says something, interrupts the answer, presses a key, and is answered again."""
    await stage.sound(2.0)
    await stage.says("a table")
    await stage.sound(1.0)
    await stage.begins()
    stage.tell(Partial(turn=2, revision=1, text="for", stable=0, start=0, end=stage._sent_s))
    await stage.pauses("for four")
    await stage.ends("for four")
    await stage.sound(0.3)
    stage.port.press("7")
    await stage.sound(4.0)


@pytest.mark.looptime
async def test_turns_and_utterances_stand_where_they_sound(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await barge_in(stage)
    made = timeline(tmp_path, stage.events)
    assert (made.recorded, made.live, made.skipped, made.cut) == (True, False, 0, False)
    assert made.seconds == pytest.approx(8.9, abs=0.1)
    one, two = made.turns
    assert (one.text, one.reason, one.start, one.end, one.decided) == ("a table", "complete", 2.02, 2.42, 2.72)
    assert one.receipt is not None
    assert [words.text for words in one.eager + one.finals] == ["a table", "a table"]
    assert [(words.text, words.stable) for words in two.partials] == [("for", 0)]
    assert [span.turn for span in made.speech] == [1, 2]
    assert all(span.end is not None and span.start < span.end for span in made.speech)
    hello, cut, *_ = made.utterances
    assert (hello.text, hello.complete, hello.start) == ("Hello there, and welcome.", True, 0.12)
    assert hello.end == pytest.approx(1.38, abs=0.05)
    assert (cut.turn, cut.complete, cut.barge_in) == (1, False, "on")
    assert cut.text.startswith(cut.heard)
    assert 0 < len(cut.heard) < len(cut.text)
    assert [(move.move, move.at) for move in made.floor[:3]] == [("pause", 3.82), ("clear", 4.1), ("yield", 4.32)]
    assert cut.end == 4.32
    assert [key.digit for key in made.digits] == ["7"]
    assert made.digits[0].at == pytest.approx(4.9, abs=0.05)


@pytest.mark.looptime
async def test_of_a_live_call_what_still_sounds_has_no_end(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await stage.sound(2.0)
        await stage.says("a long order indeed")
        await stage.sound(0.5)
        made = timeline(tmp_path, stage.events, live=True)
    assert made.live
    assert [utterance.end is None for utterance in made.utterances] == [False, True]


@pytest.mark.looptime
async def test_the_next_stream_of_the_recogniser_counts_on(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await stage.sound(2.0)
        await stage.says("one")
        assert stage.conversation is not None
        stage.conversation.rest()
        await stage.sound(1.0)
        stage.conversation.resume()
        await stage.sound(0.2)
        stage._turn, stage._sent_s = 0, 0.2
        await stage.says("two")
        await stage.sound(1.5)
    made = timeline(tmp_path, stage.events)
    assert [(turn.turn, turn.text) for turn in made.turns] == [(1, "one"), (2, "two")]
    assert made.turns[1].start == pytest.approx(4.0, abs=0.2)


@pytest.mark.looptime
async def test_turns_that_were_typed_count_among_the_spoken_ones(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await stage.sound(2.0)
        stage.port.type("first")
        await stage.sound(3.0)
        await stage.says("second")
        await stage.sound(2.0)
    made = timeline(tmp_path, stage.events)
    assert [(turn.turn, turn.text, turn.reason) for turn in made.turns] == [
        (1, "first", "typed"),
        (2, "second", "complete"),
    ]
    assert [turn.start is None for turn in made.turns] == [True, False]
    assert made.skipped == 0


@pytest.mark.looptime
async def test_without_a_recording_the_events_alone_are_drawn(tmp_path: Path) -> None:
    async with on_stage(converses) as stage:
        await barge_in(stage)
    made = timeline(tmp_path, stage.events)
    assert (made.recorded, made.seconds, made.speech, made.floor) == (False, 9.0, [], [])
    assert [turn.text for turn in made.turns] == ["a table", "for four"]
    assert [turn.start for turn in made.turns] == [None, None]
    assert made.turns[0].at == pytest.approx(2.72, abs=0.05)
    assert made.utterances[0].start is None
    assert made.utterances[1].start == pytest.approx(2.82, abs=0.05), "where the answer became audible"
    assert [key.digit for key in made.digits] == ["7"]


@pytest.mark.looptime
async def test_broken_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await barge_in(stage)
    whole = timeline(tmp_path, stage.events)
    path = tmp_path / f"{CALL}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for index, broken in enumerate(
        (b"\xff\xfe\n", b"[" * 5000 + b"\n", b'{"type":"begins"}\n', b"\n", b'{"type":"asr","at":NaN}\n')
    ):
        lines.insert(1 + 3 * index, broken)
    lines.insert(2, b'{"at":1,"line_s":1,"type":"digit","digit":"' + b"7" * 20_000 + b'"}\n')
    path.write_bytes(b"".join(lines) + b'{"at":9,"line_s"')  # as far as it is written
    made = timeline(tmp_path, stage.events)
    assert made.skipped == 6
    assert made.model_copy(update={"skipped": 0}) == whole


@pytest.mark.looptime
async def test_what_is_read_and_given_out_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "MAX_LINES", 5)
    async with on_stage(converses, recording=Recording(tmp_path, InlineFiles(), calls=True)) as stage:
        await barge_in(stage)
    assert timeline(tmp_path, stage.events).cut


def test_the_rest_stands_in_a_few_words() -> None:
    inspected = Inspection(CALL, live=False)
    inspected.events(
        [
            dumped(Noted(call=CALL, at=1, values={"booking": "A7", "people": 4})),
            dumped(Fault(call=CALL, at=2, code="engine", message="x" * 5000)),
            dumped(CallerSaid(call=CALL, at=3, turn=1, text="hi", reason="typed")),
            '{"type": "of a later version"}',
            "nonsense",
        ]
    )
    made = inspected.timeline(4, recorded=False)
    assert [(each.type, each.ok) for each in made.happenings] == [("note", True), ("fault", False)]
    assert made.happenings[0].detail == "booking = A7, people = 4"
    assert len(made.happenings[1].detail) == 200
    assert [(turn.reason, turn.at) for turn in made.turns] == [("typed", 3)]
    assert made.skipped == 2


def test_the_line_waits_where_the_sound_stood_still() -> None:
    clock = LineClock()
    assert clock.place(3.0) == 3.0, "without a recording the two are the same"
    for at, line_s in ((0.1, 0.0), (0.5, 0.3), (10.5, 0.4), (11.5, 1.4)):
        clock.observe(at, line_s)
    assert clock.place(0.0) == 0.0
    assert clock.place(0.3) == 0.2
    assert clock.place(5.0) == 0.4
    assert clock.place(11.0) == 0.9
    assert clock.place(12.0) == 1.9


_EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(["speech_started", "turn_eager", "turn_resumed", "final", "turn_ended", "partial"])},
    optional={
        "turn": st.integers(-(2**70), 2**70),
        "revision": st.integers(0, 3),
        "text": st.text(max_size=20),
        "stable": st.integers(-5, 99),
        "reason": st.sampled_from(["complete", "slot", "x"]),
        **{key: st.floats() for key in ("at", "start", "end", "probability")},
    },
)
_LINE = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["call", "listening", "asr", "begins", "heard", "floor", "digit", "?"])},
        optional={
            "at": st.floats(-1, 9),
            "line_s": st.floats(-1, 9),
            "event": _EVENT,
            "sample": st.integers(-1, 2**70),
            "sample_rate": st.integers(-1, 50_000),
            "version": st.just(1),
            "query": st.just({}),
            "turns": st.integers(-1, 2**70),
            "utterance": st.sampled_from(["u1", "u2"]),
            "barge_in": st.sampled_from(["on", "off", "x"]),
            "audible_line_s": st.none() | st.floats(),
            "seconds": st.floats(-1, 9),
            "move": st.sampled_from(["PAUSE", "YIELD", "x", ""]),
        },
    ),
    st.binary(max_size=40),
)


@given(st.lists(_LINE, max_size=30), st.lists(st.floats(0, 9), max_size=5))
def test_whatever_stands_in_the_file_a_time_line_comes_of_it(lines: list[Any], ats: list[float]) -> None:
    inspected = Inspection(CALL, live=False)
    inspected.lines(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    inspected.events(dumped(CallerSaid(call=CALL, at=at, turn=1, text="x", reason="complete")) for at in ats)
    made = inspected.timeline(9.0, recorded=True)
    assert json.loads(timeline_json(made)) == made.model_dump(mode="json")

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.twilio import Dtmf, Mark, Start, Stop
from media_server.protocol.twilio_far_end import FarEnd
from media_server.protocol.twilio_stream import Audio, Dropped, StreamState, TwilioStream
from tests.protocol.test_twilio import golden

STREAM, CALL, ACCOUNT = "MZ1", "CA1", "AC1"
FRAME = b"\xfe" * 160


def started() -> tuple[TwilioStream, FarEnd]:
    stream, far_end = TwilioStream(), FarEnd(STREAM, CALL, ACCOUNT)
    assert stream.receive_text(far_end.connected()) == []
    (start,) = stream.receive_text(far_end.start({"token": "t"}))
    assert isinstance(start, Start)
    assert (start.call_id, start.parameters) == (CALL, {"token": "t"})
    return stream, far_end


def test_a_literal_call_of_twilios() -> None:
    stream = TwilioStream()
    kinds = [type(event) for line in golden("call.jsonl") for event in stream.receive_text(line)]
    assert kinds == [Start, Audio, Dtmf, Mark, Stop]
    assert stream.state is StreamState.STOPPED
    assert not stream.irregular


def test_a_loss_is_filled_with_silence_in_small_pieces() -> None:
    stream, far_end = started()
    stream.receive_text(far_end.media(FRAME, 0))
    events = stream.receive_text(far_end.media(FRAME, 270))
    assert events == [
        Audio(b"\xff" * 800, 160, filled=True),
        Audio(b"\xff" * 800, 960, filled=True),
        Audio(b"\xff" * 400, 1760, filled=True),
        Audio(FRAME, 2160),
    ]


def test_repeats_are_dropped_and_counted() -> None:
    stream, far_end = started()
    stream.receive_text(far_end.media(FRAME, 0))
    assert stream.receive_text(far_end.media(FRAME, 0)) == [Dropped(160, "late")]
    assert stream.irregular == {"late": 1}


def test_frames_before_their_time_change_nothing() -> None:
    stream, far_end = TwilioStream(), FarEnd(STREAM, CALL, ACCOUNT)
    for early in (far_end.media(FRAME, 0), far_end.start({}), far_end.stop(), far_end.mark("m"), far_end.dtmf("1")):
        assert stream.receive_text(early) == []
    assert stream.state is StreamState.NEW
    assert set(stream.irregular) == {f"{kind}_when_new" for kind in ("media", "start", "stop", "mark", "dtmf")}


def test_a_second_start_changes_nothing() -> None:
    stream, _ = started()
    other = FarEnd("MZ2", "CA2", ACCOUNT)
    assert stream.receive_text(other.start({"token": "x"})) == []
    assert stream.receive_text(other.connected()) == []
    assert stream.receive_text(other.media(FRAME, 0)) == []
    assert stream.irregular == {"start_when_started": 1, "connected_when_started": 1, "other_stream": 1}


def test_frames_of_another_stream_change_nothing() -> None:
    stream, far_end = started()
    other = FarEnd("MZ2", CALL, ACCOUNT)
    for frame in (other.media(FRAME, 0), other.mark("m"), other.dtmf("1"), other.stop()):
        assert stream.receive_text(frame) == []
    assert stream.irregular == {"other_stream": 4}
    assert stream.receive_text(far_end.media(FRAME, 0)) == [Audio(FRAME, 0)]


def test_after_the_stop_nothing_comes() -> None:
    stream, far_end = started()
    assert stream.receive_text(far_end.stop()) == [Stop(STREAM)]
    assert stream.receive_text(far_end.media(FRAME, 0)) == []


def test_what_cannot_be_decoded_is_dropped_and_the_stream_lives() -> None:
    stream, far_end = started()
    bad = json.loads(far_end.media(FRAME, 0))
    bad["media"]["payload"] = "no base64"
    assert stream.receive_text(json.dumps(bad)) == [Dropped(0, "bad_payload")]
    assert stream.receive_text("{") == []
    stream.receive_binary()
    outbound = json.loads(far_end.media(FRAME, 0))
    outbound["media"]["track"] = "outbound"
    assert stream.receive_text(json.dumps(outbound)) == []
    assert stream.receive_text(far_end.media(FRAME, 20)) == [Audio(FRAME, 0)]
    assert stream.irregular == {"bad_payload": 1, "protocol_violation": 1, "binary_message": 1, "other_track": 1}


@pytest.mark.parametrize(
    "change", [{"encoding": "audio/l16"}, {"sampleRate": 16000}, {"channels": 2}, {"encoding": "audio/x-alaw"}]
)
def test_audio_that_we_cannot_decode_is_refused_at_the_start(change: dict[str, Any]) -> None:
    stream, far_end = TwilioStream(), FarEnd(STREAM, CALL, ACCOUNT)
    stream.receive_text(far_end.connected())
    start = json.loads(far_end.start({}))
    start["start"]["mediaFormat"].update(change)
    with pytest.raises(ProtocolViolation):
        stream.receive_text(json.dumps(start))


frames = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "garbage", "other"])


@given(st.lists(st.tuples(frames, st.integers(0, 30_000), st.integers(1, 2000)), max_size=80))
def test_in_any_order_of_frames_the_books_balance(script: list[tuple[str, int, int]]) -> None:
    stream, far_end = TwilioStream(), FarEnd(STREAM, CALL, ACCOUNT)
    other = FarEnd("MZ2", CALL, ACCOUNT)
    received = placed = filled = dropped = end = 0
    for kind, timestamp, length in script:
        takes = kind == "media" and stream.state is StreamState.STARTED
        speak: dict[str, Callable[[], str]] = {
            "connected": far_end.connected,
            "start": partial(far_end.start, {}),
            "media": partial(far_end.media, bytes(length), timestamp),
            "dtmf": partial(far_end.dtmf, "5"),
            "mark": partial(far_end.mark, "m"),
            "stop": far_end.stop,
            "garbage": str,
            "other": partial(other.media, bytes(length), timestamp),
        }
        received += length if takes else 0
        for event in stream.receive_text(speak[kind]()):
            if isinstance(event, Audio):
                assert event.position == end
                end += len(event.payload)
                filled += len(event.payload) if event.filled else 0
                placed += len(event.payload)
            elif isinstance(event, Dropped):
                dropped += event.samples
    assert received + filled == placed + dropped

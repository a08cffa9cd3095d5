import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.twilio import (
    BadPayload,
    Connected,
    Dtmf,
    Mark,
    Media,
    Start,
    Stop,
    Unknown,
    clear_frame,
    mark_frame,
    media_frame,
    parse_frame,
)
from tests.twilio_rig import checked

GOLDEN = Path(__file__).parent.parent / "golden" / "twilio"
STREAM = "MZ18ad3ab5a668481ce02b83e7395059f0"


def golden(name: str) -> list[str]:
    return (GOLDEN / name).read_text(encoding="utf-8").splitlines()


def test_a_literal_call_of_twilios() -> None:
    assert [parse_frame(line) for line in golden("call.jsonl")] == [
        Connected("Call", "1.0.0"),
        Start(
            stream_id=STREAM,
            call_id="CA0123456789abcdef0123456789abcdef",
            account_id="AC0123456789abcdef0123456789abcdef",
            encoding="audio/x-mulaw",
            sample_rate=8000,
            channels=1,
            parameters={"FirstName": "Jane", "LastName": "Doe", "RemoteParty": "Bob"},
        ),
        Media(STREAM, "inbound", 5, b"\xff" * 56),
        Dtmf(STREAM, "1"),
        Mark(STREAM, "my label"),
        Stop(STREAM),
    ]


def test_what_we_say_is_to_the_letter_what_twilio_documents() -> None:
    said = [media_frame(STREAM, b"\x7f" * 4 + b"\xff" * 4), mark_frame(STREAM, "my label"), clear_frame(STREAM)]
    assert said == golden("outbound.jsonl")
    for frame in said:
        checked(frame, STREAM)


def media(**changes: Any) -> str:
    frame = json.loads(golden("call.jsonl")[2])
    frame["media"].update(changes)
    return json.dumps(frame)


@pytest.mark.parametrize("payload", ["", "=", "a", "abc", "ab=c", "a b=", "ÿÿÿÿ", "////\n", 7, None, []])
def test_audio_that_is_no_base64(payload: object) -> None:
    with pytest.raises(BadPayload):
        parse_frame(media(payload=payload))


@pytest.mark.parametrize("timestamp", ["", "-1", "1.5", "1e3", "٣", "9" * 16, True, None, 1e400, [1]])
def test_a_timestamp_that_is_no_number(timestamp: object) -> None:
    with pytest.raises(ProtocolViolation):
        parse_frame(media(timestamp=timestamp))


def test_a_timestamp_may_be_a_number_or_text() -> None:
    assert parse_frame(media(timestamp=40)) == parse_frame(media(timestamp="40"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "[" * 10_000,
        '{"event":' * 5_000,
        '{"event": NaN}',
        '{"event": 1e400}',
        '{"event": "media", "media": "x"}',
        '{"event": "dtmf", "streamSid": "MZ1", "dtmf": {"digit": "x"}}',
        '{"event": "mark", "streamSid": "MZ1", "mark": {"name": "\\ud800"}}',
        '{"event": "mark", "streamSid": "", "mark": {"name": "a"}}',
        '{"event": "stop"}',
        '{"event": ' + "9" * 5_000 + "}",
    ],
)
def test_odd_json_is_a_violation(text: str) -> None:
    with pytest.raises(ProtocolViolation):
        parse_frame(text)


def test_an_event_that_nobody_knows_yet_is_no_error() -> None:
    assert parse_frame('{"event": "hologram", "streamSid": "MZ1"}') == Unknown("hologram")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["event", "streamSid", "start", "media", "dtmf", "mark", "stop", "payload", "timestamp", "mediaFormat"]


@given(st.text() | json_values.map(json.dumps))
def test_any_text_is_a_frame_or_a_documented_error(text: str) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_frame(text)


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from([(), ("start",), ("media",), ("dtmf",), ("mark",)]), st.text(), json_values)),
)
def test_a_real_frame_with_any_field_spoilt_is_a_frame_or_a_documented_error(
    index: int, changes: list[tuple[tuple[str, ...], str, Any]]
) -> None:
    frame = json.loads(golden("call.jsonl")[index])
    for path, key, value in changes:
        place = frame
        for step in path:
            place = place.get(step) if isinstance(place, dict) else None
        if isinstance(place, dict):
            # Half of the time one of the fields that are there.
            known = sorted(place)
            place[known[len(key) % len(known)] if known and len(key) % 2 else key] = value
    with contextlib.suppress(ProtocolViolation):
        parse_frame(json.dumps(frame))


@given(
    # Sound that happens to begin like a file's header is refused by the schema, and never made.
    st.binary(min_size=1, max_size=4000).filter(lambda payload: not payload.startswith(b"RIFF")),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40),
)
def test_everything_we_say_fits_the_schema(payload: bytes, name: str) -> None:
    frame = checked(media_frame(STREAM, payload), STREAM)
    assert base64.b64decode(frame["media"]["payload"]) == payload
    assert checked(mark_frame(STREAM, name), STREAM)["mark"]["name"] == name

"""The frames of Twilio's bidirectional Media Streams: JSON text in, typed frames out, and what we may say back.

Source: Twilio's "Media Streams - WebSocket messages". Rules:

- Everything is a text message with one JSON object; numbers come as strings. Fields that we do not know are ignored,
  since they appear without notice, and so is an `event` that we do not know (`Unknown`).
- `parse_frame` raises `ProtocolViolation` or its child `BadPayload` and nothing else, whatever the text is.
- We say `media`, `mark` and `clear` and nothing else: Twilio answers anything else with error 31924.
- A dialect is a table of names, so that a provider who writes the same frames differently is one more table.
"""

import binascii
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from media_server.errors import ProtocolViolation
from media_server.protocol.json_fields import load_object, number_of, object_of, text_of
from media_server.protocol.telephone_event import KEYS

MAX_MESSAGE_BYTES = 64 * 1024
"""Of one WebSocket message; Twilio's are under 1 KiB."""

_MAX_ID = 128
_MAX_TEXT = 4096


class BadPayload(ProtocolViolation):
    """Audio that cannot be decoded."""

    code = "bad_payload"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a provider calls the fields whose names differ between providers."""

    stream_id: str
    call_id: str
    account_id: str
    sequence: str
    media_format: str
    sample_rate: str
    parameters: str


TWILIO = Dialect(
    stream_id="streamSid",
    call_id="callSid",
    account_id="accountSid",
    sequence="sequenceNumber",
    media_format="mediaFormat",
    sample_rate="sampleRate",
    parameters="customParameters",
)


@dataclass(frozen=True, slots=True)
class Connected:
    """The first frame: the protocol that is spoken."""

    protocol: str
    version: str


@dataclass(frozen=True, slots=True)
class Start:
    """What the stream is: whose call, which encoding, and the `<Parameter>`s of the TwiML."""

    stream_id: str
    call_id: str
    account_id: str
    encoding: str
    sample_rate: int
    channels: int
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Media:
    """Audio, any length; `timestamp_ms` is its place since the start of the stream."""

    stream_id: str
    track: str
    timestamp_ms: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key was pressed."""

    stream_id: str
    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of ours comes back: played, or thrown away by a `clear`."""

    stream_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The call is over."""

    stream_id: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a kind that we do not know."""

    event: str


Frame: TypeAlias = Connected | Start | Media | Dtmf | Mark | Stop | Unknown


def parse_frame(text: str, dialect: Dialect = TWILIO) -> Frame:
    """A frame of the far end.

    Raises:
        BadPayload: Its audio is no base64, or empty.
        ProtocolViolation: It is no frame.
    """
    message = load_object(text)
    event = text_of(message, "event", _MAX_ID)
    parse = _PARSERS.get(event)
    return parse(message, dialect) if parse is not None else Unknown(event)


def media_frame(stream_id: str, payload: bytes, dialect: Dialect = TWILIO) -> str:
    """Audio for the caller: raw mu-law at 8 kHz, no header."""
    assert payload, "Twilio wants no empty media"
    media = {"payload": b64encode(payload).decode("ascii")}
    return json.dumps({"event": "media", dialect.stream_id: stream_id, "media": media})


def mark_frame(stream_id: str, name: str, dialect: Dialect = TWILIO) -> str:
    """A mark: to come back when everything sent before it was played."""
    assert 0 < len(name) <= _MAX_ID, "a mark has a name"
    return json.dumps({"event": "mark", dialect.stream_id: stream_id, "mark": {"name": name}})


def clear_frame(stream_id: str, dialect: Dialect = TWILIO) -> str:
    """Throw away what is not played yet. Pending marks come back, although nobody heard their audio."""
    return json.dumps({"event": "clear", dialect.stream_id: stream_id})


def payload_of(media: Mapping[str, Any]) -> bytes:
    """The bytes of a `media` object.

    Raises:
        BadPayload: They are no base64, or there are none.
    """
    encoded = media.get("payload")
    if not isinstance(encoded, str):
        raise BadPayload("payload: no text")
    try:
        payload = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:  # binascii.Error, or characters beyond ASCII
        raise BadPayload("payload: no base64") from None
    if not 0 < len(payload) <= MAX_MESSAGE_BYTES:
        raise BadPayload("payload: empty, or too long")
    return payload


def _connected(message: Mapping[str, Any], _dialect: Dialect) -> Connected:
    return Connected(text_of(message, "protocol", _MAX_ID), text_of(message, "version", _MAX_ID))


def _start(message: Mapping[str, Any], dialect: Dialect) -> Start:
    start = object_of(message, "start")
    media_format = object_of(start, dialect.media_format)
    parameters = start.get(dialect.parameters, {})
    if not isinstance(parameters, dict):
        raise ProtocolViolation(f"{dialect.parameters}: no object")
    return Start(
        stream_id=text_of(start, dialect.stream_id, _MAX_ID),
        call_id=text_of(start, dialect.call_id, _MAX_ID),
        account_id=text_of(start, dialect.account_id, _MAX_ID),
        encoding=text_of(media_format, "encoding", _MAX_ID),
        sample_rate=number_of(media_format, dialect.sample_rate),
        channels=number_of(media_format, "channels"),
        parameters={key: text_of(parameters, key, _MAX_TEXT) for key, value in parameters.items() if value != ""},
    )


def _media(message: Mapping[str, Any], dialect: Dialect) -> Media:
    media = object_of(message, "media")
    return Media(
        stream_id=text_of(message, dialect.stream_id, _MAX_ID),
        track=text_of(media, "track", _MAX_ID),
        timestamp_ms=number_of(media, "timestamp"),
        payload=payload_of(media),
    )


def _dtmf(message: Mapping[str, Any], dialect: Dialect) -> Dtmf:
    digit = text_of(object_of(message, "dtmf"), "digit", 1)
    if digit not in KEYS:
        raise ProtocolViolation("digit: none of 0-9, *, #, A-D")
    return Dtmf(text_of(message, dialect.stream_id, _MAX_ID), digit)


def _mark(message: Mapping[str, Any], dialect: Dialect) -> Mark:
    name = text_of(object_of(message, "mark"), "name", _MAX_ID)
    return Mark(text_of(message, dialect.stream_id, _MAX_ID), name)


def _stop(message: Mapping[str, Any], dialect: Dialect) -> Stop:
    return Stop(text_of(message, dialect.stream_id, _MAX_ID))


_PARSERS: Mapping[str, Callable[[Mapping[str, Any], Dialect], Frame]] = {
    "connected": _connected,
    "start": _start,
    "media": _media,
    "dtmf": _dtmf,
    "mark": _mark,
    "stop": _stop,
}

"""Twilio's own side of the stream, as our phones speak it: what it says, and what it takes.

Stricter than Twilio where Twilio only warns: a frame of the server's that is not exactly `media`, `mark` or `clear`
with exactly their fields is an error, so that a phone notices what would be error 31924 in the real network.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from media_server.audio.frame import TELEPHONE_RATE
from media_server.errors import ProtocolViolation
from media_server.protocol.json_fields import load_object, object_of, text_of
from media_server.protocol.twilio import payload_of

_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class PlayMedia:
    """Mu-law audio to be played."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class PlayMark:
    """To be returned when everything before it was played."""

    name: str


@dataclass(frozen=True, slots=True)
class PlayClear:
    """Throw away what is not played yet, and return all marks."""


Order: TypeAlias = PlayMedia | PlayMark | PlayClear


def parse_order(text: str, stream_id: str) -> Order:
    """A frame of the server's.

    Raises:
        ProtocolViolation: It is none that Twilio takes.
    """
    message = load_object(text)
    event = message.get("event")
    if text_of(message, "streamSid", _MAX_NAME) != stream_id:
        raise ProtocolViolation("streamSid: of another stream")
    if event == "clear":
        _exactly(message, {"event", "streamSid"})
        return PlayClear()
    if event not in ("media", "mark"):
        raise ProtocolViolation("event: none of media, mark, clear")
    _exactly(message, {"event", "streamSid", event})
    content = object_of(message, event)
    if event == "media":
        _exactly(content, {"payload"})
        return PlayMedia(payload_of(content))
    _exactly(content, {"name"})
    return PlayMark(text_of(content, "name", _MAX_NAME))


class FarEnd:
    """Writes the frames of one stream, numbered as Twilio numbers them."""

    def __init__(self, stream_id: str, call_id: str, account_id: str) -> None:
        self._stream_id = stream_id
        self._call_id = call_id
        self._account_id = account_id
        self._sequence = 0
        self._chunk = 0

    def connected(self) -> str:
        """The first frame."""
        return json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    def start(self, parameters: Mapping[str, str]) -> str:
        """The second one."""
        start = {
            "accountSid": self._account_id,
            "streamSid": self._stream_id,
            "callSid": self._call_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": TELEPHONE_RATE, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._numbered("start", start)

    def media(self, payload: bytes, timestamp_ms: int) -> str:
        """Mu-law audio of the caller; `timestamp_ms` of its first sample since the start."""
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(timestamp_ms),
            "payload": b64encode(payload).decode("ascii"),
        }
        return self._numbered("media", media)

    def dtmf(self, digit: str) -> str:
        """A key was pressed."""
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """A mark comes back."""
        return self._numbered("mark", {"name": name})

    def stop(self) -> str:
        """The call is over."""
        return self._numbered("stop", {"accountSid": self._account_id, "callSid": self._call_id})

    def _numbered(self, event: str, content: object) -> str:
        self._sequence += 1
        frame = {
            "event": event,
            "sequenceNumber": str(self._sequence),
            event: content,
            "streamSid": self._stream_id,
        }
        return json.dumps(frame)


def _exactly(message: Mapping[str, Any], keys: set[str]) -> None:
    if set(message) != keys:
        raise ProtocolViolation(f"fields {sorted(message)}: {sorted(keys)} are wanted")

"""The JSON messages between a page and its call. Pure.

Rules:
- A message is one JSON object with a `type`. Fields that are not known are ignored, and so is a message of a type that
  is not known (`Unknown`): a page may be newer than its server.
- `parse_message` raises `ProtocolViolation` and nothing else, whatever the text is.
- From the page come `digit`, `text` and, over a WebSocket, `mark`. To the page go the call's events as
  `call/events.py` has them and, over a WebSocket, `clear`, `mark` and `error`.
- Sound is no JSON: over a WebSocket it is binary, linear 16-bit little-endian samples, mono, 16,000 a second, both
  ways.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from media_server.audio.frame import BROWSER_RATE
from media_server.errors import MediaServerError, Overloaded, ProtocolViolation
from media_server.protocol.json_fields import load_object, text_of
from media_server.protocol.telephone_event import KEYS

SUBPROTOCOL = "media-server.talk.1"
"""What a page asks for when it opens the WebSocket; another number would be another wire."""
SAMPLE_RATE = BROWSER_RATE
MAX_MESSAGE_BYTES = 16 * 1024
"""Of one message: the longest text in the longest UTF-8 fits, and so do 500 ms of sound."""
MAX_TEXT = 2000

_MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class Digit:
    """A key of the page's keypad was pressed: one of 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Text:
    """The caller typed something instead of saying it: 1 to 2,000 characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of ours comes back: what was sent before it was played, or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a type that we do not know."""

    type: str


PageMessage: TypeAlias = Digit | Text | Mark | Unknown


def parse_message(text: str) -> PageMessage:
    """A message of the page.

    Raises:
        ProtocolViolation: It is none.
    """
    message = load_object(text)
    kind = text_of(message, "type", _MAX_NAME)
    parse = _PARSERS.get(kind)
    return parse(message) if parse is not None else Unknown(kind)


def mark_message(name: str) -> str:
    """A mark: to come back when everything sent before it was played, or cleared."""
    assert 0 < len(name) <= _MAX_NAME, "a mark has a name"
    return json.dumps({"type": "mark", "name": name})


def clear_message() -> str:
    """Forget what is not played yet."""
    return json.dumps({"type": "clear"})


def error_message(error: MediaServerError, title: str) -> str:
    """Why there is no call, or no more of it: what a problem document would say, which a page cannot read here."""
    message: dict[str, object] = {"type": "error", "code": error.code, "title": title, "retryable": error.retryable}
    if isinstance(error, Overloaded):
        message["retry_after_s"] = error.retry_after_s
    return json.dumps(message)


def _digit(message: Mapping[str, Any]) -> Digit:
    digit = text_of(message, "digit", 1)
    if digit not in KEYS:
        raise ProtocolViolation("digit: none of 0-9, *, #, A-D")
    return Digit(digit)


def _text(message: Mapping[str, Any]) -> Text:
    return Text(text_of(message, "text", MAX_TEXT))


def _mark(message: Mapping[str, Any]) -> Mark:
    return Mark(text_of(message, "name", _MAX_NAME))


_PARSERS: Mapping[str, Callable[[Mapping[str, Any]], PageMessage]] = {"digit": _digit, "text": _text, "mark": _mark}

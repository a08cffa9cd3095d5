"""JSON messages of strangers, read field by field with nothing taken on trust: every fault is a `ProtocolViolation`."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from media_server.errors import ProtocolViolation

_MAX_DIGITS = 15


def load_object(text: str) -> Mapping[str, Any]:
    """The JSON object in a text message.

    Raises:
        ProtocolViolation: It is none, or nested without end, or has NaN in it.
    """
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ProtocolViolation("no JSON") from None
    if not isinstance(message, dict):
        raise ProtocolViolation("no JSON object")
    return message


def object_of(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A field that is an object.

    Raises:
        ProtocolViolation: It is none.
    """
    value = message.get(key)
    if not isinstance(value, dict):
        raise ProtocolViolation(f"{key}: no object")
    return value


def text_of(message: Mapping[str, Any], key: str, longest: int) -> str:
    """A field that is a text of 1 to `longest` characters.

    Raises:
        ProtocolViolation: It is none, or cannot be written as UTF-8.
    """
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not _is_unicode(value):
        raise ProtocolViolation(f"{key}: no text of 1 to {longest} characters")
    return value


def number_of(message: Mapping[str, Any], key: str) -> int:
    """A field that is a whole number >= 0, or one in a string.

    Raises:
        ProtocolViolation: It is none.
    """
    value = message.get(key)
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_DIGITS:
        raise ProtocolViolation(f"{key}: no number")
    return int(digits)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell
        return False
    return True


def _no_constant(_name: str) -> NoReturn:
    raise ValueError

"""What the messages of the two speech streams have in common (`asr_stream`, `tts_stream`).

Audio travels as binary messages; everything else is JSON in text messages, told apart by `type`. Both sides use these
models: the services parse what clients send, the media role parses what services send. Fields are only ever added; a
client ignores a `type` or a field that it does not know.
"""

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from media_server.errors import ProtocolViolation


class Message(BaseModel):
    """A JSON message of either stream."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def fields(self) -> dict[str, object]:
        """What goes over the wire: fields without a value are left out."""
        return self.model_dump(mode="json", exclude_none=True, by_alias=True)


class SpeechWarning(Message):
    """Something of the request was not used; the stream goes on."""

    type: Literal["warning"] = "warning"
    code: str
    message: str


class SpeechError(Message):
    """The end of the stream, or (TTS, with `context_id`) of one context."""

    type: Literal["error"] = "error"
    code: str
    message: str
    retryable: bool
    context_id: str | None = None


def number(value: object) -> object:
    """A query string has no numbers, and a literal number takes no text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def serialize(message: Message) -> str:
    """The JSON text of a message."""
    return to_json(message.fields()).decode()


def unknown_keys(query: BaseModel) -> list[str]:
    """The query keys that nobody knows."""
    return sorted(query.model_extra or {})


T = TypeVar("T")


def parse(adapter: TypeAdapter[T], text: str) -> T:
    """A message of the other side's.

    Raises:
        ProtocolViolation: It is none.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ProtocolViolation(f"{place}: {first['msg']}" if place else first["msg"]) from None


def parse_known(adapter: TypeAdapter[T], text: str) -> T | None:
    """A message of the other side's; None for a type that we do not know (a later service's).

    Raises:
        ProtocolViolation: It is none.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "union_tag_invalid":
            return None
    return parse(adapter, text)

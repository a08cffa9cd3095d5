"""The verbs as data: one schema for webhooks and everybody else who drives a call from outside. Pure.

A list of verbs is performed in its order. What comes from outside is parsed strictly: no unknown verb or key, no value
of another type, everything capped. The JSON schema of it is published (`verbs_schema`).
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError, from_json

from media_server.dialplan.slots.schema import SlotSpec
from media_server.errors import InvalidVerbs

MAX_VERBS = 32
MAX_TEXT = 5000
MAX_BYTES = 64 * 1024
MAX_NOTES = 32
MAX_SLOTS = 8
MAX_KEYS = 40
"""Of one object; more are no verb, and telling each of them apart would hold up the calls."""

Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
ResultName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Url: TypeAlias = Annotated[str, Field(min_length=1, max_length=2048)]
BargeIn: TypeAlias = bool | Literal["words"]
FinishOn: TypeAlias = Annotated[str, Field(pattern=r"^[0-9*#]{0,12}$")]
Source: TypeAlias = Annotated[
    str, Field(max_length=255, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*$")
]
"""A path below a folder: no part of it begins with a dot."""
VoiceName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
NoteName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
NoteValue: TypeAlias = Annotated[str, Field(max_length=1000)] | int | float | bool | None


class _Verb(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _one_of(*names: str) -> ConfigDict:
    """Of a verb that wants one of these keys, and not both."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in names]})


def _check_one(**values: object) -> None:
    if sum(value is not None for value in values.values()) != 1:
        raise PydanticCustomError("one_of", "one of these is wanted: {names}", {"names": ", ".join(values)})


class _Asking(_Verb):
    """A verb that gives something: under the name `as`, posted to `action` where that is said."""

    as_: ResultName | None = Field(None, alias="as")
    action: Url | None = None


class SayVerb(_Verb):
    """Say something, and wait until it was heard, or the caller interrupted."""

    verb: Literal["say"]
    text: Words
    barge_in: BargeIn = True
    voice: VoiceName | None = None


class PlayVerb(_Verb):
    """Play a WAV file under the route's folder, or a tone."""

    model_config = _one_of("source", "tone")

    verb: Literal["play"]
    source: Source | None = None
    tone: Literal["beep"] | None = None
    barge_in: BargeIn = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        _check_one(source=self.source, tone=self.tone)
        return self


class AskedSlot(_Verb):
    """One of several slots, and the question for it alone."""

    slot: SlotSpec
    question: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class AskVerb(_Asking):
    """Ask until it is answered; gives the value, or nothing once the retries are spent.

    Several slots may be filled by one sentence; they give an object.
    """

    model_config = _one_of("slot", "slots")

    verb: Literal["ask"]
    question: Words
    slot: SlotSpec | None = None
    slots: dict[ResultName, AskedSlot] | None = Field(None, min_length=1, max_length=MAX_SLOTS)
    retries: int = Field(2, ge=0, le=5)
    again: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    confirm: bool | Words = False
    barge_in: BargeIn = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        _check_one(slot=self.slot, slots=self.slots)
        if self.again and self.slots is not None:
            raise PydanticCustomError("again", "again goes with one slot only")
        return self


class GatherVerb(_Asking):
    """One attempt, with a question or none; gives the value, or nothing."""

    verb: Literal["gather"]
    slot: SlotSpec
    question: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    timeout_s: float | None = Field(None, gt=0, le=60)
    barge_in: BargeIn = True


class PauseVerb(_Verb):
    """Wait."""

    verb: Literal["pause"]
    seconds: float = Field(1.0, gt=0, le=60)


class RecordVerb(_Asking):
    """Record the caller; gives the path, the seconds and, if it is transcribed, the text."""

    verb: Literal["record"]
    max_s: float = Field(120.0, gt=0, le=600)
    silence_s: float = Field(4.0, gt=0, le=60)
    finish_on: FinishOn = "#"
    beep: bool = True
    transcribe: bool = False


class VoicemailVerb(_Asking):
    """A greeting, a tone, and the caller's message; gives what `record` gives."""

    verb: Literal["voicemail"]
    greeting: Words
    max_s: float = Field(120.0, gt=0, le=600)
    transcribe: bool = False


class TransferVerb(_Asking):
    """Connect the caller to somebody else; gives whether it went well, and why not. The allow-list decides who."""

    verb: Literal["transfer"]
    to: Annotated[str, Field(pattern=r"^(\+?[0-9*#]{1,32}|sips?:[A-Za-z0-9_.!~*'()&=+$,;:@?%/\[\]-]{1,250})$")]
    timeout_s: float = Field(20.0, ge=5, le=120)
    whisper: Annotated[str, Field(max_length=500)] = ""
    music: Annotated[str, Field(max_length=255)] = ""


class SendDtmfVerb(_Verb):
    """Press keys."""

    verb: Literal["send_dtmf"]
    digits: Annotated[str, Field(pattern=r"^[0-9A-D*#wW]{1,64}$")]


class HangupVerb(_Verb):
    """Hang up, once all that was said was heard."""

    verb: Literal["hangup"]
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")] = "completed"


class NoteVerb(_Verb):
    """Keep something in the call's record."""

    verb: Literal["note"]
    values: dict[NoteName, NoteValue] = Field(min_length=1, max_length=MAX_NOTES)


class RedirectVerb(_Verb):
    """Ask another address what comes next: one of the same origin, or a host that the operator's list names."""

    verb: Literal["redirect"]
    url: Url


class ListenVerb(_Verb):
    """Wait for what the caller says or presses next."""

    verb: Literal["listen"]
    as_: ResultName | None = Field(None, alias="as")


Verb: TypeAlias = (
    SayVerb
    | PlayVerb
    | AskVerb
    | GatherVerb
    | PauseVerb
    | RecordVerb
    | VoicemailVerb
    | TransferVerb
    | SendDtmfVerb
    | HangupVerb
    | NoteVerb
    | RedirectVerb
    | ListenVerb
)
Verbs: TypeAlias = tuple[Verb, ...]

_LIST: Final[TypeAdapter[list[Verb]]] = TypeAdapter(
    Annotated[list[Annotated[Verb, Field(discriminator="verb")]], Field(max_length=MAX_VERBS)]
)


def parse_verbs(text: str | bytes) -> Verbs:
    """Read a JSON list of verbs.

    Raises:
        InvalidVerbs: It is none; `reason`: too_large, json, shape or verb (an unknown one).
    """
    if len(text) > MAX_BYTES:
        raise InvalidVerbs(f"verbs: more than {MAX_BYTES} bytes", reason="too_large")
    try:
        found = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise InvalidVerbs("verbs: no JSON", reason="json") from None
    return validate_verbs(found)


def validate_verbs(verbs: Any) -> Verbs:
    """Verbs from what JSON gives (lists, mappings, strings ...), or from verbs that are such already.

    Raises:
        InvalidVerbs: It is none.
    """
    if isinstance(verbs, Sequence) and not isinstance(verbs, str | bytes):
        verbs = list(verbs)
        if len(verbs) <= MAX_VERBS and any(_is_crowded(verb) for verb in verbs):
            raise InvalidVerbs(f"verbs: an object with more than {MAX_KEYS} keys")
    try:
        return tuple(_LIST.validate_python(verbs))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][:6])[:200]
        unknown = first["type"].startswith("union_tag")
        said = "there is no such verb" if unknown else first["msg"][:200]
        raise InvalidVerbs(f"verbs.{place}: {said}", reason="verb" if unknown else "shape") from None


def _is_crowded(found: object) -> bool:
    if not isinstance(found, Mapping):
        return False
    return len(found) > MAX_KEYS or any(isinstance(each, Mapping) and len(each) > MAX_KEYS for each in found.values())


def verbs_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a list of verbs."""
    schema = _LIST.json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Verbs", **schema}

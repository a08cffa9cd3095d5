"""The messages of the two speech streams, `ws /v1/stream/asr` and `ws /v1/stream/tts`.

Audio travels as binary messages; everything here is JSON in text messages, told apart by `type`. Both sides use these
models: the services parse what clients send, the media role parses what services send. Fields are only ever added; a
client ignores a `type` or a field that it does not know.

Times are seconds of the audio *received on this stream*, never of a clock.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from media_server.errors import ProtocolViolation

Encoding = Literal["linear16", "mulaw"]
Patience = Literal["quick", "normal", "patient"]
TurnDetection = Literal["smart_turn", "silence", "none"]
EndReason = Literal["complete", "slot", "silence", "limit", "finalize", "close"]


def _number(value: object) -> object:
    """A query string has no numbers, and a literal number takes no text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Message(BaseModel):
    """A JSON message of either stream."""

    model_config = ConfigDict(extra="ignore", frozen=True)


# --- ASR, from the service ---------------------------------------------------------------------------------------


class AsrLimits(Message):
    """What one session may do."""

    max_turn_s: float
    max_buffered_s: float
    idle_timeout_s: float


class AsrReady(Message):
    """The first message: the model is there, audio is taken."""

    type: Literal["ready"] = "ready"
    session: str
    limits: AsrLimits


class SpeechStarted(Message):
    """Somebody speaks; a new turn is open."""

    type: Literal["speech_started"] = "speech_started"
    turn: int
    at: float


class Partial(Message):
    """What follows the last final so far; `stable` characters of it will not change."""

    type: Literal["partial"] = "partial"
    turn: int
    revision: int
    text: str
    stable: int
    start: float
    end: float


class TurnEager(Message):
    """The turn may be over: all speech up to `end` is in `text`. Taken back by `turn_resumed`."""

    type: Literal["turn_eager"] = "turn_eager"
    turn: int
    revision: int
    text: str
    start: float
    end: float
    probability: float


class TurnResumed(Message):
    """The speaker went on: whatever was begun on `turn_eager` of this revision is void."""

    type: Literal["turn_resumed"] = "turn_resumed"
    turn: int
    revision: int
    at: float


class Final(Message):
    """Words that never change. The joined finals of a stream are its transcript."""

    type: Literal["final"] = "final"
    turn: int
    text: str
    start: float
    end: float


class TurnEnded(Message):
    """The speaker is done; `end` is where the speech ended, `at` (>= end) where this was decided."""

    type: Literal["turn_ended"] = "turn_ended"
    turn: int
    end: float
    at: float
    probability: float
    reason: EndReason


class Finalized(Message):
    """The answer to `Finalize`: everything received before it is final."""

    type: Literal["finalized"] = "finalized"


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


class AsrClosed(Message):
    """The last message, with the books of the stream in seconds of audio."""

    type: Literal["closed"] = "closed"
    received_s: float
    decoded_s: float
    silence_s: float
    dropped_s: float
    reason: str


AsrEvent = Annotated[
    AsrReady
    | SpeechStarted
    | Partial
    | TurnEager
    | TurnResumed
    | Final
    | TurnEnded
    | Finalized
    | SpeechWarning
    | SpeechError
    | AsrClosed,
    Field(discriminator="type"),
]

# --- ASR, to the service -----------------------------------------------------------------------------------------


class Finalize(Message):
    """Decode what is there now, as final; the stream goes on."""

    type: Literal["Finalize"] = "Finalize"


class CloseStream(Message):
    """Decode what is there, say `closed`, end."""

    type: Literal["CloseStream"] = "CloseStream"


class KeepAlive(Message):
    """No audio just now, but do not time out."""

    type: Literal["KeepAlive"] = "KeepAlive"


class Configure(Message):
    """Change what the end of a turn is expected to look like, from now on; absent fields stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["Configure"] = "Configure"
    patience: Patience | None = None
    min_silence_ms: int | None = Field(None, ge=100, le=5000)
    max_silence_ms: int | None = Field(None, ge=100, le=20000)
    turn_detection: TurnDetection | None = None
    slot_complete: bool | None = None


AsrCommand = Annotated[Finalize | CloseStream | KeepAlive | Configure, Field(discriminator="type")]


class AsrQuery(BaseModel):
    """The query string of `ws /v1/stream/asr`; unknown keys are answered with a `warning`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    encoding: Encoding = "linear16"
    sample_rate: Annotated[Literal[8000, 16000], BeforeValidator(_number)] = 16000
    language: str = Field("en", pattern=r"^[a-z]{2,3}$")
    interim_results: bool = False
    patience: Patience = "normal"
    min_silence_ms: int | None = Field(None, ge=100, le=5000)
    max_silence_ms: int | None = Field(None, ge=100, le=20000)
    turn_detection: TurnDetection = "smart_turn"


# --- TTS, to the service -----------------------------------------------------------------------------------------


class Speak(Message):
    """Text to be spoken in a context. Contexts are spoken one after the other, in the order of their first text.

    With `continue` more text follows in the same context; the last message has it false (its text may be empty).
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    text: str = Field(max_length=10_000)
    context_id: str = Field(min_length=1, max_length=64)
    continue_: bool = Field(False, alias="continue")


class CancelSpeech(Message):
    """Stop a context now; its `done` is the last that is heard of it."""

    cancel: str = Field(min_length=1, max_length=64)


class TtsQuery(BaseModel):
    """The query string of `ws /v1/stream/tts`; unknown keys are answered with a `warning`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    encoding: Encoding = "linear16"
    sample_rate: Annotated[Literal[8000, 16000, 22050, 24000], BeforeValidator(_number)] = 24000
    voice: str = Field("default", pattern=r"^[A-Za-z0-9_-]{1,64}$")


# --- TTS, from the service ---------------------------------------------------------------------------------------


class TtsReady(Message):
    """The first message: the voice is there, text is taken."""

    type: Literal["ready"] = "ready"
    session: str
    voice: str
    max_text: int


class TtsStarted(Message):
    """The binary messages from here to `done` are this context's."""

    type: Literal["started"] = "started"
    context_id: str


class Word(Message):
    """A word of the written text and where it sounds, in seconds from the context's first sample.

    `offset` is the index of its first character in the context's text, all its messages joined.
    """

    text: str
    offset: int
    start: float
    end: float


class Words(Message):
    """The words that end in the audio that follows; `exact` is false where their times are estimated."""

    type: Literal["words"] = "words"
    context_id: str
    words: list[Word]
    exact: bool


class TtsDone(Message):
    """A context is over: all its audio was sent, or it was cancelled."""

    type: Literal["done"] = "done"
    context_id: str
    audio_s: float
    cancelled: bool


TtsEvent = Annotated[TtsReady | TtsStarted | Words | TtsDone | SpeechWarning | SpeechError, Field(discriminator="type")]

# --- parsing -----------------------------------------------------------------------------------------------------

_asr_event: TypeAdapter[AsrEvent] = TypeAdapter(AsrEvent)
_asr_command: TypeAdapter[AsrCommand] = TypeAdapter(AsrCommand)
_tts_event: TypeAdapter[TtsEvent] = TypeAdapter(TtsEvent)
_tts_command: TypeAdapter[Speak | CancelSpeech] = TypeAdapter(Speak | CancelSpeech)


def parse_asr_event(text: str) -> AsrEvent | None:
    """A message of the ASR service; None for a type that we do not know (a later service's).

    Raises:
        ProtocolViolation: It is none.
    """
    return _parse_known(_asr_event, text)


def parse_asr_command(text: str) -> AsrCommand:
    """A message of an ASR client.

    Raises:
        ProtocolViolation: It is none.
    """
    return _parse(_asr_command, text)


def parse_tts_event(text: str) -> TtsEvent | None:
    """A message of the TTS service; None for a type that we do not know (a later service's).

    Raises:
        ProtocolViolation: It is none.
    """
    return _parse_known(_tts_event, text)


def parse_tts_command(text: str) -> Speak | CancelSpeech:
    """A message of a TTS client.

    Raises:
        ProtocolViolation: It is none.
    """
    return _parse(_tts_command, text)


def serialize(message: Message) -> str:
    """The JSON text of a message; fields without a value are left out."""
    return message.model_dump_json(exclude_none=True, by_alias=True)


def unknown_keys(query: AsrQuery | TtsQuery) -> list[str]:
    """The query keys that nobody knows."""
    return sorted(query.model_extra or {})


_T = TypeVar("_T")


def _parse(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ProtocolViolation(f"{place}: {first['msg']}" if place else first["msg"]) from None


def _parse_known(adapter: TypeAdapter[_T], text: str) -> _T | None:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "union_tag_invalid":
            return None
    return _parse(adapter, text)

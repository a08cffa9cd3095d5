"""The messages of `ws /v1/stream/tts`; see `speech` for what both streams have in common."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from media_server.protocol.speech import Message, SpeechError, SpeechWarning, number, parse, parse_known

Encoding = Literal["linear16", "mulaw", "alaw"]
SampleRate = Literal[8000, 16000, 22050, 24000, 44100, 48000]
"""Of every encoding: both laws of G.711 are maps sample by sample, and know no rate."""

LEAST_SPEED, MOST_SPEED = 0.5, 2.0


def _possible(speed: float) -> float:
    if not LEAST_SPEED <= speed <= MOST_SPEED:
        raise PydanticCustomError("speed", "it may be {least} to {most}", {"least": LEAST_SPEED, "most": MOST_SPEED})
    return speed


Speed = Annotated[float, AfterValidator(_possible)]
"""How many times as fast as the voice is by itself."""

# --- To the service -----------------------------------------------------------------------------------------


class Speak(Message):
    """Text to be spoken in a context. Contexts are spoken one after the other, in the order of their first text.

    With `continue` more text follows in the same context; the last message has it false (its text may be empty).
    With `flush` what is there is spoken now, without waiting for what would end a clause, and told by `flushed`; the
    context stays open unless `continue` is false, and the text may be left out. `speed`: the context's own, in its
    first message.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    text: str = Field("", max_length=10_000)
    context_id: str = Field(min_length=1, max_length=64)
    continue_: bool | None = Field(None, alias="continue")
    flush: bool = False
    speed: Speed | None = None

    @property
    def more(self) -> bool:
        """Whether the context stays open."""
        return self.flush if self.continue_ is None else self.continue_

    @model_validator(mode="after")
    def _says_something(self) -> "Speak":
        if not self.flush and "text" not in self.model_fields_set:
            raise PydanticCustomError("missing", "text: Field required")
        return self


class CancelSpeech(Message):
    """Stop a context now; its `done` is the last that is heard of it."""

    cancel: str = Field(min_length=1, max_length=64)


class TtsQuery(BaseModel):
    """The query string of `ws /v1/stream/tts`; unknown keys are answered with a `warning`."""

    model_config = ConfigDict(extra="allow", frozen=True)

    encoding: Encoding = "linear16"
    sample_rate: Annotated[SampleRate, BeforeValidator(number)] = 24000
    voice: str = Field("default", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    speed: Speed = 1.0


# --- From the service ---------------------------------------------------------------------------------------


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


class TtsFlushed(Message):
    """All audio of the text before a flush has been sent; one each."""

    type: Literal["flushed"] = "flushed"
    context_id: str


class TtsDone(Message):
    """A context is over: all its audio was sent, or it was cancelled.

    Of a cancelled one: `spoken` is its text up to the last word whose audio was sent, of which the last 50,000
    characters, and `remaining` is the rest of what was received.
    """

    type: Literal["done"] = "done"
    context_id: str
    audio_s: float
    cancelled: bool
    spoken: str | None = None
    remaining: str | None = None


TtsEvent = Annotated[
    TtsReady | TtsStarted | Words | TtsFlushed | TtsDone | SpeechWarning | SpeechError, Field(discriminator="type")
]

# --- parsing -----------------------------------------------------------------------------------------------------

_event: TypeAdapter[TtsEvent] = TypeAdapter(TtsEvent)
_command: TypeAdapter[Speak | CancelSpeech] = TypeAdapter(Speak | CancelSpeech)


def parse_tts_event(text: str) -> TtsEvent | None:
    """A message of the TTS service; None for a type that we do not know (a later service's).

    Raises:
        ProtocolViolation: It is none.
    """
    return parse_known(_event, text)


def parse_tts_command(text: str) -> Speak | CancelSpeech:
    """A message of a TTS client.

    Raises:
        ProtocolViolation: It is none.
    """
    return parse(_command, text)

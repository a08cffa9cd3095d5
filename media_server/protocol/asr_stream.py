"""The messages of `ws /v1/stream/asr`; see `speech` for what both streams have in common.

Times are seconds of the audio *received on this stream*, never of a clock.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import override

from media_server.protocol.speech import Message, SpeechError, SpeechWarning, parse, parse_known

Encoding = Literal["linear16", "mulaw", "alaw", "opus"]
KeyTerm = Annotated[str, Field(min_length=1, max_length=100)]
"""A name or term that is likely to be said."""
KeyTerms = Annotated[tuple[KeyTerm, ...], Field(max_length=50)]
DigitCount = Annotated[int, Field(ge=1, le=64)]
Patience = Literal["quick", "normal", "patient"]
TurnDetection = Literal["smart_turn", "silence", "none"]
EndReason = Literal["complete", "slot", "silence", "limit", "finalize", "close"]

# --- From the service ---------------------------------------------------------------------------------------


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
    """What follows the last final so far; its first `stable` characters are the same in all later ones."""

    type: Literal["partial"] = "partial"
    turn: int
    revision: int
    text: str
    stable: int
    start: float
    end: float
    confidence: float | None = None


class TurnEager(Message):
    """The turn may be over: all speech up to `end` is in `text`. Taken back by `turn_resumed`.

    `probability` that it is: Smart Turn's, or 0.5 where that has not answered yet.
    """

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


class HeardWord(Message):
    """A word, its punctuation with it, and where it sounds."""

    text: str
    start: float
    end: float
    confidence: float


class Final(Message):
    """Words that never change. The joined finals of a stream are its transcript.

    `confidence` is the mean over the recogniser's tokens; `words` are there with `word_timestamps`.
    With `ends_turn` the next message is the turn's end.
    """

    type: Literal["final"] = "final"
    turn: int
    text: str
    start: float
    end: float
    language: str | None = None
    confidence: float | None = None
    words: list[HeardWord] | None = None
    ends_turn: bool | None = None


class TurnEnded(Message):
    """The speaker is done; `end` is where the speech ended, `at` (>= end) where this was decided."""

    type: Literal["turn_ended"] = "turn_ended"
    turn: int
    end: float
    at: float
    probability: float
    reason: EndReason


class Quiet(Message):
    """Nobody has spoken for `quiet_ms` since the turn's speech ended at `end`; told with that option."""

    type: Literal["quiet"] = "quiet"
    turn: int
    end: float
    at: float


class Finalized(Message):
    """The answer to `Finalize`: everything received before it is final."""

    type: Literal["finalized"] = "finalized"


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
    | Quiet
    | Finalized
    | SpeechWarning
    | SpeechError
    | AsrClosed,
    Field(discriminator="type"),
]

# --- To the service -----------------------------------------------------------------------------------------


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
    """Change what is expected, from now on; absent fields stay as they are, `null` goes back to what the query said.

    `keyterm` and `digits` hold for what is decoded from now on. `digits`: a row of so many digits is said, at least and
    at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["Configure"] = "Configure"
    patience: Patience | None = None
    min_silence_ms: int | None = Field(None, ge=10, le=5000)
    max_silence_ms: int | None = Field(None, ge=100, le=20000)
    turn_detection: TurnDetection | None = None
    slot_complete: bool | None = None
    keyterm: KeyTerms | None = None
    digits: tuple[DigitCount, DigitCount] | None = None

    @property
    def changes(self) -> dict[str, object]:
        """The fields that are there."""
        return self.model_dump(exclude={"type"}, exclude_unset=True)

    @override
    def fields(self) -> dict[str, object]:
        """See `Message`; here a field without a value says something."""
        return {"type": self.type, **self.changes}


AsrCommand = Annotated[Finalize | CloseStream | KeepAlive | Configure, Field(discriminator="type")]


class AsrQuery(BaseModel):
    """The query string of `ws /v1/stream/asr`; unknown keys are answered with a `warning`.

    `opus` is a stream in a container, Ogg or WebM, whose own rate counts. `language=auto`: found anew for each `final`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    encoding: Encoding = "linear16"
    sample_rate: int = Field(16000, ge=8000, le=48000)
    language: str = Field("en", pattern=r"^(auto|[a-z]{2,3})$")
    keyterm: KeyTerms = ()
    interim_results: bool = False
    word_timestamps: bool = False
    patience: Patience = "normal"
    min_silence_ms: int | None = Field(None, ge=10, le=5000)
    max_silence_ms: int | None = Field(None, ge=100, le=20000)
    turn_detection: TurnDetection = "silence"
    quiet_ms: int | None = Field(None, ge=100, le=20000)


# --- parsing -----------------------------------------------------------------------------------------------------

_event: TypeAdapter[AsrEvent] = TypeAdapter(AsrEvent)
_command: TypeAdapter[AsrCommand] = TypeAdapter(AsrCommand)


def parse_asr_event(text: str) -> AsrEvent | None:
    """A message of the ASR service; None for a type that we do not know (a later service's).

    Raises:
        ProtocolViolation: It is none.
    """
    return parse_known(_event, text)


def parse_asr_command(text: str) -> AsrCommand:
    """A message of an ASR client.

    Raises:
        ProtocolViolation: It is none.
    """
    return parse(_command, text)

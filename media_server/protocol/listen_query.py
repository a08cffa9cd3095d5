"""The query string of `ws /v1/listen`: Deepgram's options, as far as they mean something here.

An option that is not supported is refused by its name, never ignored; only a switch that is off anyway may be said to
be off. Source: Deepgram's API reference, "Live Audio", and the types of its SDK (`listen/v1`).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from media_server.protocol.asr_stream import AsrQuery, Encoding, KeyTerms

ENDPOINTING_MS = 400
"""Where the client does not say; Deepgram's own default of 10 ms would end a turn in every breath."""

MODELS = frozenset(
    {"general", "phonecall"}
    | {family + kind for family in ("nova-3", "nova-2", "nova", "enhanced", "base") for kind in ("", "-general")}
    | {family + "-phonecall" for family in ("nova-2", "nova", "enhanced", "base")}
)
"""Deepgram's models for speech of all kinds: they all mean the one that is here. Those for a trade mean more."""

_SWITCHES = frozenset(
    {
        "detect_entities",
        "detect_language",
        "diarize",
        "dictation",
        "filler_words",
        "measurements",
        "multichannel",
        "numerals",
        "paragraphs",
        "profanity_filter",
        "summarize",
        "translate",
        "utterances",
    }
)
"""What is off here, and may be said to be."""

REPEATABLE = frozenset({"keyterm", "extra"})

_ENCODINGS: dict[str, Encoding] = {
    "linear16": "linear16",
    "mulaw": "mulaw",
    "alaw": "alaw",
    "opus": "opus",
    "ogg-opus": "opus",
}
_RAW = ("linear16", "mulaw", "alaw")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _milliseconds(value: object) -> object:
    """`true` is our own, `false` (None) never."""
    said = str(value).lower()
    return {"true": ENDPOINTING_MS, "false": None}.get(said, value)


def _primary(tag: str) -> str:
    """The language of a BCP 47 tag; `multi` is whatever is spoken."""
    if _TAG.fullmatch(tag) is None and tag != "multi":
        raise PydanticCustomError("language", "no language tag")
    return "auto" if tag == "multi" else tag.partition("-")[0].lower()


def _pair(text: str) -> str:
    if not all(text.partition(":")):
        raise PydanticCustomError("extra", "it is KEY:VALUE")
    return text


class ListenQuery(BaseModel):
    """What a client of `ws /v1/listen` asks for.

    Attributes:
        encoding: None: a container, Ogg or WebM, told by its content. `opus` is one too.
        language: As our own stream names it.
        endpointing: Milliseconds of silence that end a turn; None: no silence does.
        utterance_end_ms: Such a silence is told of by `UtteranceEnd`.
        punctuate: Whether words are told as they are written. By default they are, which Deepgram's are not.
        smart_format: The recogniser writes so by itself.
        no_delay: Nothing waits here for numbers to be formatted.
        mip_opt_out: Nothing is kept here.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    model: Annotated[str, Field(max_length=100)] | None = None
    version: Literal["latest"] = "latest"
    encoding: Literal["linear16", "mulaw", "alaw", "opus", "ogg-opus"] | None = None
    sample_rate: Annotated[int, Field(ge=8000, le=48000)] | None = None
    channels: Annotated[int, Field(ge=1, le=1)] = 1
    language: Annotated[str, AfterValidator(_primary)] = "en"
    interim_results: bool = False
    endpointing: Annotated[Annotated[int, Field(ge=10, le=5000)] | None, BeforeValidator(_milliseconds)] = (
        ENDPOINTING_MS
    )
    utterance_end_ms: Annotated[int, Field(ge=100, le=5000)] | None = None
    vad_events: bool = False
    punctuate: bool = True
    smart_format: bool = False
    no_delay: bool = False
    mip_opt_out: bool = False
    keyterm: KeyTerms = ()
    extra: tuple[Annotated[str, Field(max_length=2048), AfterValidator(_pair)], ...] = Field((), max_length=20)

    @model_validator(mode="after")
    def _supported(self) -> "ListenQuery":
        for option, value in sorted((self.model_extra or {}).items()):
            if option not in _SWITCHES or str(value).lower() != "false":
                raise PydanticCustomError("unsupported", "{option}: not supported here", {"option": option[:64]})
        return self

    @model_validator(mode="after")
    def _raw_sound_is_told(self) -> "ListenQuery":
        if self.encoding in _RAW and self.sample_rate is None:
            raise PydanticCustomError("sample_rate", "sample_rate: wanted with this encoding")
        if self.encoding is None and self.sample_rate is not None:
            raise PydanticCustomError("encoding", "encoding: wanted with a sample_rate; a container has its own")
        return self

    @property
    def punctuated(self) -> bool:
        """Whether transcripts are told as they are written."""
        return self.punctuate or self.smart_format

    @property
    def extras(self) -> dict[str, str]:
        """To be given back at the end."""
        return {key: value for key, _, value in (pair.partition(":") for pair in self.extra)}

    def for_stream(self) -> AsrQuery:
        """The same, asked of our own stream.

        Where no silence is to end a turn but one is to be told of, it ends it: else there were no words before it.
        """
        silence_ms = self.endpointing or self.utterance_end_ms
        return AsrQuery(
            encoding=_ENCODINGS[self.encoding] if self.encoding is not None else "opus",
            sample_rate=self.sample_rate or 16000,
            language=self.language,
            keyterm=self.keyterm,
            interim_results=self.interim_results,
            word_timestamps=True,
            min_silence_ms=silence_ms,
            turn_detection="none" if silence_ms is None else "silence",
            quiet_ms=self.utterance_end_ms,
        )

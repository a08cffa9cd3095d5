"""Deepgram's streaming messages, in the shapes of its SDK (`listen/v1/types`). What they mean here: `listener`."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from media_server.protocol import asr_stream
from media_server.protocol.speech import Message, parse

CHANNEL = [0, 1]
"""The first of one."""


class Word(Message):
    """A word, bare and as it is written."""

    word: str
    punctuated_word: str | None = None
    start: float
    end: float
    confidence: float
    language: str | None = None


class Alternative(Message):
    """What was heard; there is never another one."""

    transcript: str
    confidence: float
    languages: list[str] | None = None
    words: list[Word]


class Channel(Message):
    """The only one."""

    alternatives: list[Alternative]


class ModelInfo(Message):
    """What heard it."""

    name: str
    version: Literal["latest"] = "latest"
    arch: Literal["whisper"] = "whisper"


class ResultsMetadata(Message):
    """The same in all results of a stream."""

    request_id: str
    model_info: ModelInfo
    model_uuid: str


class Results(Message):
    """Words: interim, or final and never changed."""

    type: Literal["Results"] = "Results"
    channel_index: list[int] = CHANNEL
    duration: float
    start: float
    is_final: bool
    speech_final: bool
    from_finalize: bool
    channel: Channel
    metadata: ResultsMetadata


class SpeechStarted(Message):
    """Somebody speaks; told with `vad_events`."""

    type: Literal["SpeechStarted"] = "SpeechStarted"
    channel: list[int] = CHANNEL
    timestamp: float


class UtteranceEnd(Message):
    """Nobody has spoken since for `utterance_end_ms`."""

    type: Literal["UtteranceEnd"] = "UtteranceEnd"
    channel: list[int] = CHANNEL
    last_word_end: float


class Metadata(Message):
    """The last message of a stream that was closed."""

    type: Literal["Metadata"] = "Metadata"
    transaction_key: Literal["deprecated"] = "deprecated"
    request_id: str
    sha256: str
    created: str
    duration: float
    channels: int = 1
    extra: dict[str, str] | None = None


class Error(Message):
    """What is wrong; the stream ends."""

    type: Literal["Error"] = "Error"
    variant: str
    description: str


class ConfigureFailure(Message):
    """The answer to `Configure`; the stream goes on as it was."""

    type: Literal["ConfigureFailure"] = "ConfigureFailure"
    request_id: str
    code: Literal["CONFIGURE_KEYTERMS_NOT_SUPPORTED"] = "CONFIGURE_KEYTERMS_NOT_SUPPORTED"
    description: str = "This server takes key terms and features at the start of a stream only"


class Finalize(asr_stream.Finalize):
    """There is but one channel to finalize."""

    channel: Literal[0] | None = None


class Configure(Message):
    """Deepgram's: key terms or features from now on."""

    type: Literal["Configure"] = "Configure"


ListenCommand = Annotated[
    Finalize | asr_stream.CloseStream | asr_stream.KeepAlive | Configure, Field(discriminator="type")
]

_command: TypeAdapter[ListenCommand] = TypeAdapter(ListenCommand)


def parse_listen_command(text: str) -> ListenCommand:
    """A message of a client.

    Raises:
        ProtocolViolation: It is none.
    """
    return parse(_command, text)

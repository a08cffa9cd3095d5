"""Speech by HTTP, sent as it is made: `POST /v1/synthesize`, and OpenAI's `/v1/audio/speech` and `/v1/models`."""

import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.ports import TtsEngine
from engines.scheduler import Scheduler
from engines.tts.session import ContextAudio, ContextDone, ContextFailed, TtsSession
from media_server.audio.resample_parts import PartsResampler
from media_server.errors import EngineError, PeerError
from media_server.services.app import SessionLimit, admitted, complaint
from media_server.services.codecs import encoded
from media_server.services.openai import check_model, models_route, openai_errors
from media_server.services.voice_catalog import DEFAULT, VoiceCatalog

MAX_TEXT = 10_000
OPENAI_RATE = 24_000
ALIAS = "tts-1"
"""What OpenAI calls it: clients that know nothing else may; so with the voices."""
OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"}
)
CONTENT_TYPES = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
}
Format = Literal["wav", "pcm", "mp3", "opus", "flac"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Synthesize(_Options):
    """The body of `POST /v1/synthesize`."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    voice: str = "default"
    format: Format = "wav"
    sample_rate: Literal[8000, 16000, 22050, 24000, 48000] = 24000


class OpenAiSpeech(_Options):
    """The body of `POST /v1/audio/speech`."""

    model: str
    input: str = Field(min_length=1, max_length=MAX_TEXT)
    voice: str = "default"
    response_format: Format = "mp3"
    speed: float = Field(1.0, ge=1, le=1)
    instructions: Literal[""] = ""
    stream_format: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class SpeechService:
    """The routes, and what they share; engine, scheduler and voices are there once the service is ready."""

    engine: Callable[[], TtsEngine]
    scheduler: Callable[[], Scheduler]
    voices: Callable[[], VoiceCatalog]
    model: str
    limit: SessionLimit

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.post("/v1/synthesize", self.synthesize),
            web.post("/v1/audio/speech", openai_errors(self.openai_speech)),
            models_route(self.model, ALIAS),
        ]

    async def synthesize(self, request: web.Request) -> web.StreamResponse:
        """Our own."""
        asked = await _body(request, Synthesize)
        with admitted(request, self.limit):
            async with self.voices().speaking(asked.voice) as voice:
                return await self._send(request, asked.text, voice, asked.format, asked.sample_rate)

    async def openai_speech(self, request: web.Request) -> web.StreamResponse:
        """OpenAI's."""
        asked = await _body(request, OpenAiSpeech)
        check_model(asked.model, self.model, ALIAS)
        with admitted(request, self.limit):
            async with self.voices().speaking(DEFAULT if asked.voice in OPENAI_VOICES else asked.voice) as voice:
                return await self._send(request, asked.input, voice, asked.response_format, OPENAI_RATE)

    async def _send(self, request: web.Request, text: str, voice: str, kind: Format, rate: int) -> web.StreamResponse:
        """What fails before the first sound is an HTTP error yet."""
        sound = spoken(self.engine(), self.scheduler(), voice, text, rate)
        file = _file(sound, kind, rate)
        first = await anext(file, b"")
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPES[kind]})
        await response.prepare(request)
        await response.write(first)
        async for piece in file:
            await response.write(piece)
        await response.write_eof()
        return response


async def spoken(engine: TtsEngine, scheduler: Scheduler, voice: str, text: str, rate: int) -> AsyncIterator[bytes]:
    """The sound of a text, linear PCM at `rate`, clause by clause.

    Raises:
        PeerError: It cannot be spoken.
        EngineError: The engine failed.
    """
    session = TtsSession(engine, scheduler, voice)
    resampler = PartsResampler(engine.sample_rate, rate)
    try:
        session.speak("file", text, more=False)
        async for event in session.events():
            match event:
                case ContextAudio():
                    yield resampler.push(event.pcm.astype("<i2").tobytes(), more=event.more)
                case ContextDone():
                    yield resampler.flush()
                    return
                case ContextFailed():
                    raise EngineError(event.message) if event.retryable else PeerError(event.message)
                case _:
                    pass
    finally:
        session.close()


async def _file(sound: AsyncIterator[bytes], kind: Format, rate: int) -> AsyncIterator[bytes]:
    if kind == "wav":
        yield _wav_header(rate)
    pieces = sound if kind in ("wav", "pcm") else encoded(sound, kind=kind, rate=rate)
    async for piece in pieces:
        if piece:
            yield piece


def _wav_header(rate: int) -> bytes:
    """Of a file whose length is not known yet: the sizes are the most there can be, as players expect."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + form + b"data\xff\xff\xff\xff"


Options = TypeVar("Options", bound=_Options)


async def _body(request: web.Request, model: type[Options]) -> Options:
    """The JSON of a request.

    Raises:
        PeerError: It is none, or one of its fields is not known or does not fit.
    """
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise PeerError(complaint(error)) from None

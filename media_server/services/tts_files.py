"""Speech by HTTP, sent as it is made: `POST /v1/synthesize`, and OpenAI's `/v1/audio/speech` and `/v1/models`."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines.ports import TtsEngine
from engines.tts.session import ContextAudio, ContextDone, ContextFailed, TtsSession
from media_server.audio.resample_parts import PartsResampler
from media_server.errors import EngineError, PeerError
from media_server.protocol.tts_stream import SampleRate, Speed
from media_server.services.app import SessionLimit, admitted, complaint
from media_server.services.openai import check_model, models_route
from media_server.services.sending import send_file
from media_server.services.speech_formats import FileFormat, SpeechFormat, content_type, file_of
from media_server.services.voice_catalog import DEFAULT, VoiceCatalog
from media_server.telemetry.openai_errors import openai_errors

MAX_TEXT = 10_000
OPENAI_RATE = 24_000
ALIAS = "tts-1"
"""What OpenAI calls it: clients that know nothing else may; so with the voices."""
OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"}
)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Synthesize(_Options):
    """The body of `POST /v1/synthesize`."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    voice: str = "default"
    format: SpeechFormat = "wav"
    sample_rate: SampleRate = 24000
    speed: Speed = 1.0


class OpenAiSpeech(_Options):
    """The body of `POST /v1/audio/speech`."""

    model: str
    input: str = Field(min_length=1, max_length=MAX_TEXT)
    voice: str = "default"
    response_format: FileFormat = "mp3"
    speed: Speed = 1.0
    instructions: Literal[""] = ""
    stream_format: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class SpeechService:
    """The routes, and what they share; engine, sessions and voices are there once the service is ready."""

    engine: Callable[[], TtsEngine]
    session: Callable[[str, float], TtsSession]
    """A new one, of a voice and a speed."""
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
                session = self.session(voice, asked.speed)
                return await self._send(request, session, asked.text, asked.format, asked.sample_rate)

    async def openai_speech(self, request: web.Request) -> web.StreamResponse:
        """OpenAI's."""
        asked = await _body(request, OpenAiSpeech)
        check_model(asked.model, self.model, ALIAS)
        with admitted(request, self.limit):
            async with self.voices().speaking(DEFAULT if asked.voice in OPENAI_VOICES else asked.voice) as voice:
                session = self.session(voice, asked.speed)
                return await self._send(request, session, asked.input, asked.response_format, OPENAI_RATE)

    async def _send(
        self, request: web.Request, session: TtsSession, text: str, kind: SpeechFormat, rate: int
    ) -> web.StreamResponse:
        """What fails before the first sound is an HTTP error yet."""
        sound = spoken(session, text, self.engine().sample_rate, rate)
        return await send_file(request, file_of(sound, kind, rate), content_type(kind, rate))


async def spoken(session: TtsSession, text: str, engine_rate: int, rate: int) -> AsyncGenerator[bytes, None]:
    """The sound of a text, linear PCM at `rate`, as it is made; the session is closed at the end.

    Raises:
        PeerError: It cannot be spoken.
        EngineError: The engine failed.
    """
    resampler = PartsResampler(engine_rate, rate)
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

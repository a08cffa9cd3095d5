"""Whole recordings: `POST /v1/transcribe`, and OpenAI's `POST /v1/audio/transcriptions` and `GET /v1/models`."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engines.asr.files import RATE, FileBooks, Segment, recognise
from engines.asr.session import AsrEngines
from engines.ports import Listening
from media_server.errors import PeerError
from media_server.protocol.asr_stream import KeyTerms
from media_server.protocol.captions import Cue, srt, vtt
from media_server.services.app import SessionLimit, admitted, complaint
from media_server.services.asr_models import listening_for
from media_server.services.codecs import decoded
from media_server.services.openai import check_model, models_route
from media_server.services.uploads import body, form, pieces_of
from media_server.settings_sections import AsrSettings
from media_server.telemetry.openai_errors import openai_errors

CUE_S = 6.0
CUE_CHARACTERS = 84
"""Two lines of 42, as subtitles have."""
ALIAS = "whisper-1"
"""What OpenAI calls it: clients that know nothing else may."""

_log = structlog.get_logger(__name__)


def _none_for_auto(value: object) -> object:
    return None if value in ("auto", "") else value


Language = Annotated[str | None, BeforeValidator(_none_for_auto)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TranscribeOptions(_Options):
    """The query of `POST /v1/transcribe`; without a language it is found."""

    language: Language = None
    words: bool = False
    keyterm: KeyTerms = ()
    format: Literal["json", "text", "srt", "vtt"] = "json"


class OpenAiOptions(_Options):
    """The fields of `POST /v1/audio/transcriptions`."""

    model: str
    language: Language = None
    prompt: str = Field("", max_length=2000)
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    temperature: float = Field(0.0, ge=0, le=0)
    timestamp_granularities: tuple[Literal["word", "segment"], ...] = ()
    stream: bool = False


@dataclass(frozen=True, slots=True)
class FileService:
    """The routes, and what they share; `engines` are there once the service is ready."""

    engines: Callable[[], AsrEngines]
    settings: AsrSettings
    model: str
    limit: SessionLimit

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.post("/v1/transcribe", self.transcribe),
            web.post("/v1/audio/transcriptions", openai_errors(self.openai_transcriptions)),
            models_route(self.model, ALIAS),
        ]

    async def transcribe(self, request: web.Request) -> web.StreamResponse:
        """The recording is the body."""
        options = _validated(
            TranscribeOptions, {key: request.query.getall(key) for key in request.query}, lists=("keyterm",)
        )
        with_words = options.words or options.format in ("srt", "vtt")
        listening = listening_for(self.engines().models, options.language, words=with_words, keyterms=options.keyterm)
        books = FileBooks()
        with admitted(request, self.limit):
            file = body(request, self.settings.max_file_bytes)
            async with self._segments(file, listening, books) as found:
                segments = [segment async for segment in found]
        if options.format == "json":
            return web.json_response(_document(segments, books, words=options.words))
        return _plain(options.format, segments)

    async def openai_transcriptions(self, request: web.Request) -> web.StreamResponse:
        """The recording is the form's `file`."""
        with admitted(request, self.limit):
            fields, file = await form(request, self.settings.max_file_bytes)
            if file is None:
                raise PeerError("file: is wanted")
            with closing(file):
                options = _validated(OpenAiOptions, fields, lists=("timestamp_granularities",))
                check_model(options.model, self.model, ALIAS)
                words = "word" in options.timestamp_granularities or options.response_format in ("srt", "vtt")
                terms = (options.prompt,) if options.prompt else ()
                listening = listening_for(self.engines().models, options.language, words=words, keyterms=terms)
                books = FileBooks()
                async with self._segments(pieces_of(file), listening, books) as segments:
                    if options.stream:
                        return await _stream(request, segments)
                    done = [segment async for segment in segments]
        match options.response_format:
            case "json":
                return web.json_response({"text": _text(done)})
            case "verbose_json":
                return web.json_response(_verbose(done, books, words=words))
            case other:
                return _plain(other, done)

    @asynccontextmanager
    async def _segments(
        self, file: AsyncIterator[bytes], listening: Listening, books: FileBooks
    ) -> AsyncIterator[AsyncIterator[Segment]]:
        """The segments of a file; at the end, however it comes, its decoder and its jobs are gone."""
        async with (
            aclosing(decoded(file, rate=RATE, most_s=self.settings.max_file_s)) as sound,
            aclosing(recognise(self.engines(), sound, listening, books)) as segments,
        ):
            yield segments


Options = TypeVar("Options", bound=_Options)


def _validated(model: type[Options], given: Mapping[str, list[str]], *, lists: Sequence[str]) -> Options:
    """The options that were given; of a repeated one that is no list the first.

    Raises:
        PeerError: One is not known, or does not fit.
    """
    values = {key: value if key in lists else value[0] for key, value in given.items()}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise PeerError(complaint(error)) from None


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.heard.text for segment in segments)


def _document(segments: Sequence[Segment], books: FileBooks, *, words: bool) -> dict[str, object]:
    return {
        "text": _text(segments),
        "language": books.language,
        "duration_s": round(books.seconds, 3),
        "segments": [_segment(segment, words=words) for segment in segments],
    }


def _segment(segment: Segment, *, words: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.heard.text,
        "log_probability": round(segment.heard.log_probability, 3),
    }
    if words:
        told["words"] = [
            {
                "text": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.probability, 3),
            }
            for word in segment.heard.words
        ]
    return told


def _verbose(segments: Sequence[Segment], books: FileBooks, *, words: bool) -> dict[str, object]:
    """OpenAI's `verbose_json`."""
    told: dict[str, object] = {
        "task": "transcribe",
        "language": books.language,
        "duration": round(books.seconds, 3),
        "text": _text(segments),
        "segments": [
            {
                "id": segment.number,
                "seek": 0,
                "start": round(segment.start, 3),
                "end": round(segment.end, 3),
                "text": segment.heard.text,
                "tokens": [],
                "temperature": 0.0,
                "avg_logprob": segment.heard.log_probability,
                "compression_ratio": 1.0,
                "no_speech_prob": segment.heard.no_speech,
            }
            for segment in segments
        ],
    }
    if words:
        told["words"] = [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for segment in segments
            for word in segment.heard.words
        ]
    return told


def _plain(kind: str, segments: Sequence[Segment]) -> web.Response:
    match kind:
        case "srt":
            return web.Response(text=srt(_cues(segments)), content_type="application/x-subrip")
        case "vtt":
            return web.Response(text=vtt(_cues(segments)), content_type="text/vtt")
        case _:
            return web.Response(text=_text(segments) + "\n")


def _cues(segments: Sequence[Segment]) -> Iterator[Cue]:
    """A segment's words in lines that can be read; a new one begins where it would get too long."""
    for segment in segments:
        line: list[str] = []
        start = end = segment.start
        for word in segment.heard.words:
            full = line and (word.end - start > CUE_S or len(" ".join([*line, word.text])) > CUE_CHARACTERS)
            if full:
                yield Cue(start, end, " ".join(line))
                line = []
            if not line:
                start = word.start
            line.append(word.text)
            end = word.end
        if line:
            yield Cue(start, end, " ".join(line))
        elif not segment.heard.words:
            yield Cue(segment.start, segment.end, segment.heard.text)


async def _stream(request: web.Request, segments: AsyncIterator[Segment]) -> web.StreamResponse:
    """OpenAI's server-sent events, a delta for each segment. What fails before the first is an HTTP error yet."""
    first = await anext(segments, None)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    texts: list[str] = []

    async def tell(segment: Segment) -> None:
        delta = segment.heard.text if not texts else f" {segment.heard.text}"
        texts.append(delta)
        await response.write(_sse({"type": "transcript.text.delta", "delta": delta}))

    if first is not None:
        await tell(first)
    async for segment in segments:
        await tell(segment)
    await response.write(_sse({"type": "transcript.text.done", "text": "".join(texts)}))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _sse(event: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()

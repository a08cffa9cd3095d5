"""The asr role: its models, and its two streams, `ws /v1/stream/asr` and (in Deepgram's shape) `ws /v1/listen`.

One recogniser, one VAD and one turn detector serve all sessions; the order of their work is the scheduler's.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import structlog
from aiohttp import web

from engines import cores
from engines.asr.models import AsrModels
from engines.asr.session import AsrEngines, AsrSession, SessionOptions
from engines.ports import ASR_RATE, AsrEngine, Listening, Samples, Transcription
from engines.scheduler import Lane, Scheduler
from engines.turn.endpointing import MAX_TURN_S
from media_server.capacity import calls_at_once, shared
from media_server.config import Settings
from media_server.protocol.asr_stream import AsrLimits, AsrQuery
from media_server.services.app import LIMIT, STATE, SessionLimit, parse_query, service_app, session_socket
from media_server.services.asr_expectation import expectation_of
from media_server.services.asr_files import FileService
from media_server.services.asr_models import listening_for, load_asr_models, workers
from media_server.services.asr_sound import session_rate
from media_server.services.asr_stream import AsrStream, Dialect, OwnDialect
from media_server.services.listen import REQUEST_ID, ListenDialect, deepgram_errors, listen_query
from media_server.settings_sections import AsrSettings
from media_server.telemetry.metrics import ASR_DECODE_SECONDS, ASR_INGEST_SECONDS

LEAST_SESSIONS = 4
"""Whatever the machine: somebody who tries it out has a few calls."""

AUTO = "auto"
CPU_TOGETHER = 4
"""Measured on two hyperthreads: four sentences in one go take 0.8 of the time of four; eight no less."""
GPU_TOGETHER = 8
GPU_GATHER_S = 0.01
"""What the first of a batch waits for others on a GPU. It costs each of them this, on an idle one too."""

ENGINES = web.AppKey("engines", AsrEngines)
SETTINGS = web.AppKey("settings", AsrSettings)


def create_app(settings: Settings) -> web.Application:
    """The role's application; it loads its models when it starts.

    Starting raises `engines.errors.ModelError` where one is missing or corrupt.
    """
    app = service_app(
        settings,
        role="asr",
        max_sessions=settings.asr.max_sessions or LEAST_SESSIONS,
        most_wait_ms=settings.asr.max_queue_wait_ms,
    )
    app[SETTINGS] = settings.asr

    async def with_engines(app: web.Application) -> AsyncIterator[None]:
        models = await asyncio.to_thread(load_asr_models, settings)
        gpu = settings.asr.device == "cuda"
        together = settings.asr.together or (GPU_TOGETHER if gpu else CPU_TOGETHER)
        scheduler = app[STATE].new_scheduler(
            workers(settings), most_together=together, gather_s=GPU_GATHER_S if gpu else 0.0
        )
        detections = Scheduler(cores.share(settings.instances.asr)) if gpu else scheduler
        measured = replace(models, recogniser=_Measured(models.recogniser))
        app[ENGINES] = AsrEngines(measured, scheduler, detections, observe_ingest=ASR_INGEST_SECONDS.observe)
        decode_s = await scheduler.run(Lane.FINAL, _warm_up, models)
        app[STATE].figures["decode_ms"] = round(1000 * decode_s)
        if settings.asr.max_sessions is None:
            machine = max(LEAST_SESSIONS, calls_at_once(decode_s, cores.available()))
            app[LIMIT].max_sessions = shared(machine, settings.instances.asr)
        app[STATE].ready = True
        yield
        await asyncio.to_thread(scheduler.close)
        await asyncio.to_thread(detections.close)

    app.cleanup_ctx.append(with_engines)
    app.router.add_get("/v1/stream/asr", _stream)
    app.router.add_get("/v1/listen", _listen)
    files = SessionLimit("asr-files", settings.asr.max_files)
    service = FileService(lambda: app[ENGINES], settings.asr, Path(settings.asr.model).name, files)
    app.add_routes(service.routes())
    return app


async def _stream(request: web.Request) -> web.StreamResponse:
    """One session.

    Raises:
        PeerError: The query does not fit; before the upgrade.
        Overloaded: Likewise, when there is no room.
    """
    return await _serve(request, parse_query(request, AsrQuery), uuid4().hex, OwnDialect())


@deepgram_errors
async def _listen(request: web.Request) -> web.StreamResponse:
    """One session of a client of Deepgram's; the errors are the same."""
    model, name = Path(request.app[SETTINGS].model).name, str(uuid4())
    query = listen_query(request, model)
    return await _serve(request, query.for_stream(), name, ListenDialect(name, model, query), {REQUEST_ID: name})


async def _serve(
    request: web.Request, query: AsrQuery, name: str, dialect: Dialect, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    language = None if query.language == AUTO else query.language
    listening = listening_for(
        request.app[ENGINES].models, language, words=query.word_timestamps, keyterms=query.keyterm
    )
    async with session_socket(request, headers) as socket:
        settings = request.app[SETTINGS]
        limits = AsrLimits(
            max_turn_s=MAX_TURN_S, max_buffered_s=settings.max_buffered_s, idle_timeout_s=settings.idle_timeout_s
        )
        session = AsrSession(request.app[ENGINES], _options(query, listening, settings))
        with structlog.contextvars.bound_contextvars(session=name):
            await AsrStream(socket, session, query, limits, name=name, dialect=dialect).run()
    return socket


def _options(query: AsrQuery, listening: Listening, settings: AsrSettings) -> SessionOptions:
    return SessionOptions(
        sample_rate=session_rate(query),
        listening=listening,
        interim_results=query.interim_results,
        expectation=expectation_of(query),
        max_buffered_s=settings.max_buffered_s,
        quiet_ms=query.quiet_ms,
    )


class _Measured:
    """An `AsrEngine` whose decodes are in the metrics."""

    def __init__(self, engine: AsrEngine) -> None:
        self._engine = engine

    @property
    def languages(self) -> frozenset[str]:
        return self._engine.languages

    def warm_up(self) -> float:
        return self._engine.warm_up()

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        with ASR_DECODE_SECONDS.time():
            return self._engine.transcribe(samples, listening)

    def bucket(self, seconds: float) -> Hashable:
        return self._engine.bucket(seconds)

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> Sequence[Transcription]:
        with ASR_DECODE_SECONDS.time():
            return self._engine.transcribe_together(batch, listening)


def _warm_up(models: AsrModels) -> float:
    """Touch all memory; the seconds that the decode of a short utterance takes on this machine."""
    models.turn_detector.probability(np.zeros(ASR_RATE, dtype=np.float32))
    return models.recogniser.warm_up()

"""The tts role: `ws /v1/stream/tts`, messages as in `media_server.protocol.tts_stream`, and speech by HTTP.

One reader (here) and one writer (`tts_sender`) a stream. A client that reads slowly slows its own session down; one
that does not read at all is cut off after `SEND_TIMEOUT_S`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from secrets import token_hex

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from engines.errors import InputError
from engines.ports import TtsEngine
from engines.scheduler import Scheduler
from engines.tts.cache import PhraseCache
from engines.tts.session import TtsSession
from media_server.config import Settings
from media_server.errors import ProtocolViolation
from media_server.protocol.speech import Message, SpeechError, SpeechWarning, serialize, unknown_keys
from media_server.protocol.tts_stream import Speak, TtsQuery, TtsReady, parse_tts_command
from media_server.services import pronunciation
from media_server.services.app import LIMIT, STATE, Inbox, parse_query, service_app, session_socket
from media_server.services.cloning import load_kept
from media_server.services.tts_files import SpeechService
from media_server.services.tts_sender import TtsSender
from media_server.services.voice import jobs_at_once, load_voice, measure, phrase_cache
from media_server.services.voice_catalog import VoiceCatalog
from media_server.services.voices import VoiceService

PATH = "/v1/stream/tts"
MAX_TEXT = 10_000
"""Characters of one message."""

ENGINE = web.AppKey("engine", TtsEngine)
SCHEDULER = web.AppKey("scheduler", Scheduler)
CACHE: web.AppKey[PhraseCache | None] = web.AppKey("cache")
VOICES = web.AppKey("voices", VoiceCatalog)
SETTINGS = web.AppKey("settings", Settings)
LEXICONS = web.AppKey("lexicons", pronunciation.Lexicons)

_log = structlog.get_logger(__name__)


def create_app(settings: Settings, load: Callable[[], TtsEngine] | None = None) -> web.Application:
    """The tts role. It loads, warms up and measures its voice before it listens; `load`: another than the settings'.

    Raises:
        ConfigError: The file of pronunciations does not fit; on start-up, the folder of the voices cannot be had.
        ModelError: On start-up, when the voice or its runtime is missing or corrupt.
    """
    app = service_app(
        settings,
        role="tts",
        max_sessions=settings.tts.max_sessions,
        most_wait_ms=settings.tts.max_queue_wait_ms,
    )
    app[SETTINGS] = settings
    app[LEXICONS] = pronunciation.load(settings.tts.pronounce)
    load = load or partial(load_voice, settings.tts.voice, settings.models_dir, settings.tts.device)
    app.cleanup_ctx.append(partial(_voices, load))
    app.router.add_get(PATH, stream)
    model = Path(settings.tts.voice).name
    speech = SpeechService(
        lambda: app[ENGINE], lambda voice, speed: _session(app, voice, speed), lambda: app[VOICES], model, app[LIMIT]
    )
    app.add_routes(speech.routes())
    app.add_routes(VoiceService(lambda: app[VOICES], lambda: app[ENGINE].sample_rate).routes())
    return app


async def stream(request: web.Request) -> web.StreamResponse:
    """`ws /v1/stream/tts`."""
    query = parse_query(request, TtsQuery)
    engine = request.app[ENGINE]
    async with request.app[VOICES].speaking(query.voice) as voice, session_socket(request) as socket:
        session = _session(request.app, voice, query.speed)
        await _send(socket, TtsReady(session=token_hex(8), voice=voice, max_text=MAX_TEXT))
        for key in unknown_keys(query):
            await _send(socket, SpeechWarning(code="unknown_key", message=f"{key[:64]} is not known"))
        writer = asyncio.create_task(TtsSender(session, socket, query, engine.sample_rate).run())
        writer.add_done_callback(lambda _: _cut(request, writer))
        try:
            await _read(session, socket, request.app[SETTINGS].tts.idle_timeout_s)
        finally:
            session.close()
            writer.cancel()
            await asyncio.wait({writer})
            if socket.close_code == WSCloseCode.ABNORMAL_CLOSURE and request.transport is not None:
                request.transport.abort()  # no heartbeat: what is not sent yet would wait for ever
    return socket


def _session(app: web.Application, voice: str, speed: float) -> TtsSession:
    lexicon = app[LEXICONS].of(voice)
    return TtsSession(app[ENGINE], app[SCHEDULER], voice, speed=speed, lexicon=lexicon, cache=app[CACHE])


async def _read(session: TtsSession, socket: web.WebSocketResponse, idle_timeout_s: float) -> None:
    """Obey the client until it leaves, breaks the protocol or says nothing for too long."""
    try:
        inbox = Inbox(socket)
        while (text := await _receive(inbox, idle_timeout_s)) is not None:
            command = parse_tts_command(text)
            if not isinstance(command, Speak):
                session.cancel(command.cancel)
                continue
            try:
                session.speak(
                    command.context_id, command.text, more=command.more, flush=command.flush, speed=command.speed
                )
            except InputError as error:
                refused = SpeechError(
                    code=error.code, message=str(error), retryable=True, context_id=command.context_id
                )
                await _send(socket, refused)
    except ProtocolViolation as error:
        await _refuse(socket, error.code, error.message, WSCloseCode.POLICY_VIOLATION)
    except TimeoutError:
        await _refuse(socket, "idle", f"No message for {idle_timeout_s:.0f} s", WSCloseCode.OK)


async def _receive(inbox: Inbox, timeout_s: float) -> str | None:
    """The next message's text; None when the client is gone."""
    message = await inbox.receive(timeout_s)
    if message.type is WSMsgType.TEXT:
        text: str = message.data
        return text
    if message.type is WSMsgType.BINARY:
        raise ProtocolViolation("This stream takes text messages only")
    return None


async def _refuse(socket: web.WebSocketResponse, code: str, message: str, close: WSCloseCode) -> None:
    with suppress(ConnectionError):  # gone already
        await _send(socket, SpeechError(code=code, message=message, retryable=False))
        await socket.close(code=close, message=code.encode())


async def _send(socket: web.WebSocketResponse, message: Message) -> None:
    await socket.send_str(serialize(message))


def _cut(request: web.Request, writer: "asyncio.Task[None]") -> None:
    """When the writer failed, end the connection, and with it the reader."""
    if writer.cancelled() or (failure := writer.exception()) is None:
        return
    if isinstance(failure, TimeoutError):
        _log.warning("tts.stream_cut", code="slow_reader")
    elif not isinstance(failure, ConnectionError):
        _log.error("tts.stream_cut", code="internal", exc_info=failure)
    if request.transport is not None:
        request.transport.abort()


async def _voices(load: Callable[[], TtsEngine], app: web.Application) -> AsyncIterator[None]:
    """Load, warm up, measure, find the cloned voices; ready from then on."""
    settings = app[SETTINGS]
    engine = await asyncio.to_thread(load)
    app[CACHE] = cache = await asyncio.to_thread(phrase_cache, settings)
    kept = await asyncio.to_thread(load_kept, engine, settings, cache)
    figures = await asyncio.to_thread(measure, engine)
    _log.debug("tts.ready", voice=engine.voices[0], **figures)
    app[ENGINE] = engine
    workers = settings.tts.workers or jobs_at_once(engine, settings.instances.tts)
    app[SCHEDULER] = scheduler = app[STATE].new_scheduler(workers)
    app[STATE].figures.update(voice=engine.voices[0], **figures)
    app[VOICES] = VoiceCatalog(engine, scheduler, kept)
    async with app[VOICES].kept_up():
        app[STATE].ready = True
        yield
        app[STATE].ready = False
    await asyncio.to_thread(scheduler.close)
    if cache is not None:
        await asyncio.to_thread(cache.close)

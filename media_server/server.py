"""The media role: calls, dialplans, the call API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.resources import files
from pathlib import Path

import structlog
from aiohttp import web
from pydantic import SecretStr

from media_server.admission import Load, check
from media_server.api.calls import calls_routes
from media_server.api.twilio import add_twilio
from media_server.api.twilio_calls import IncomingCall
from media_server.audio.echo import EchoGuard
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.phrases import OWN_PHRASES, Phrases
from media_server.call.registry import Registry, Reservation
from media_server.config import Settings
from media_server.console import Console, Terminal
from media_server.dialplan.call import Call
from media_server.dialplan.loader import LoadedPlan
from media_server.dialplan.router import Router
from media_server.errors import EngineError, Overloaded
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines
from media_server.speech.room import RoomWatch
from media_server.telemetry import metrics
from media_server.telemetry.guard import guard_middleware
from media_server.telemetry.health import DRAIN, add_health_routes
from media_server.telemetry.loop_lag import LoopLag
from media_server.telemetry.problems import problem_middleware
from media_server.transports.port import MediaPort
from media_server.transports.twilio import StreamLimits

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024
LINGER_S = 1.0
"""After the last call the network asks once more what comes next, and wants an answer."""
RETRY_S = 0.3
"""How often the engines are asked again while they are not there yet."""
WARN_EVERY = 50
"""Attempts between two warnings that they are not there."""


class MediaServer:
    """The parts of the role, wired together. It is the gate through which calls come in."""

    def __init__(self, settings: Settings, router: Router) -> None:
        self._router = router
        self._ready = False
        key, media = _secret(settings.api_key), settings.media
        self._asr = Engines(settings.engine_urls("asr"), key)
        self._tts = Engines(settings.engine_urls("tts"), key)
        self._speech = Speech(
            asr=self._asr,
            tts=self._tts,
            phrases=Phrases(TtsQuery(encoding="linear16", sample_rate=8000)),
            query=AsrQuery(
                sample_rate=8000, language=media.language, patience=media.patience, turn_detection="smart_turn"
            ),
            no_input_s=media.no_input_s,
            max_call_s=media.max_call_s,
            engine_gone_s=media.engine_gone_s,
            echo=EchoGuard,
        )
        self._asr_room, self._tts_room = RoomWatch(self._asr), RoomWatch(self._tts)
        self._lag = LoopLag()
        self._media = media
        self._terminal = Terminal()
        console = Console(self._terminal.write)
        self.registry = Registry(self._speech, console.receive, max_calls=media.max_calls, now=time.monotonic)

    # --- the gate ------------------------------------------------------------------------------------------------

    async def admit(self, call: IncomingCall) -> Reservation:
        """Keep a place for a call.

        Raises:
            Overloaded: There is none, or we are not ready.
        """
        loaded = self._router.route(call.called)
        try:
            self._check_load()
            return self.registry.reserve(
                provider_id=call.call_sid,
                transport="twilio",
                caller=call.caller,
                called=call.called,
                dialplan=loaded.name,
                plan=plan_of(loaded),
            )
        except Overloaded as refusal:
            metrics.REFUSED.labels(reason=refusal.reason).inc()
            raise

    def _check_load(self) -> None:
        if not self._ready:
            raise Overloaded("the engines are not ready yet", reason="starting")
        load = Load(self._lag.seconds, self._asr_room.room, self._tts_room.room, self.registry.unsettled)
        check(load, max_queue_wait_ms=self._media.max_queue_wait_ms)

    async def connect(self, reservation: Reservation, port: MediaPort) -> None:
        """Run a call to its end.

        Raises:
            CallFailed: A fault of ours cut it off.
            NotFound: Its place has lapsed.
            Overloaded: It came so late that its place was given up, and there is none now.
        """
        if reservation.expires_at <= time.monotonic():
            self._check_load()
        await self.registry.connect(reservation, port)

    # --- life ----------------------------------------------------------------------------------------------------

    def report(self) -> tuple[bool, Mapping[str, object]]:
        """For `/readyz`."""
        rooms = {"asr": self._asr_room.room, "tts": self._tts_room.room}
        ready = self._ready and not self.registry.draining and all(room.ready for room in rooms.values())
        free = min(self._media.max_calls - self.registry.live, *(room.free for room in rooms.values()))
        engines = {name: room.state for name, room in rooms.items()}
        return ready, {"role": "media", "calls": self.registry.live, "free": max(0, free), "engines": engines}

    async def drain(self, tell: Callable[[int], None]) -> None:
        """No new calls; the live ones are let finish."""
        live = self.registry.live
        if live:
            tell(live)
        await self.registry.drain(self._media.drain_timeout_s)
        if live:
            await asyncio.sleep(LINGER_S)

    async def lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        """Connections to the engines, while the application runs."""
        async with self._asr, self._tts:
            parts = (self._prepare(), self._asr_room.run(), self._tts_room.run(), self._lag.run())
            tasks = [asyncio.create_task(part) for part in parts]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def shut_down(self, _app: web.Application) -> None:
        """No new calls; the live ones end and their books are closed."""
        self._ready = False
        await self.registry.end_all("shutdown")

    async def _prepare(self) -> None:
        """Be ready once the engines have their models and our own phrases are made."""
        attempts = 0
        while not self._ready:
            try:
                await self._asr_room.look()
                await self._speech.phrases.make(self._speech.tts, [*OWN_PHRASES, *self._router.phrases])
            except EngineError as error:
                attempts += 1
                if attempts % WARN_EVERY == 0:
                    log.warning("engines_not_ready", error=error.message)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("phrases_not_made")
                raise
            else:
                await self._tts_room.look()
                self._ready = True


def plan_of(loaded: LoadedPlan) -> Plan:
    """A dialplan as the call's engine room runs it."""

    async def perform(conversation: Conversation) -> None:
        await loaded.plan(Call(conversation))

    return perform


def dialplan_folders(own: Path | None) -> list[Path]:
    """Where dialplans are looked for: the operator's folder wins over the shipped one."""
    shipped = Path(str(files("dialplans")))
    return [shipped] if own is None else [own, shipped]


def create_app(settings: Settings) -> web.Application:
    """The application of the media role.

    Raises:
        ConfigError: A route or a dialplan is broken.
    """
    router = Router(dialplan_folders(settings.dialplans))
    app = web.Application(
        middlewares=[
            problem_middleware,
            guard_middleware(_secret(settings.api_key), loopback_only=settings.open_to_all),
        ],
        client_max_size=MAX_BODY,
    )
    server = MediaServer(settings, router)
    add_health_routes(app, server.report)
    app[DRAIN] = server.drain
    app.add_routes(calls_routes(server.registry))
    twilio = settings.twilio
    add_twilio(
        app,
        server,
        public_base=settings.base_url,
        auth_token=_secret(twilio.auth_token),
        token_ttl_s=twilio.token_ttl_s,
        limits=StreamLimits(
            media_initial_s=twilio.media_timeout_initial_s,
            media_s=twilio.media_timeout_s,
            lead_s=twilio.lead_ms / 1000,
        ),
    )
    app.cleanup_ctx.append(server.lifetime)
    app.on_shutdown.append(server.shut_down)
    return app


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None

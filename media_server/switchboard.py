"""The switchboard: lets calls in, runs them, and has what they need, from the engines to the records."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import structlog
from aiohttp import web
from pydantic import SecretStr

from media_server.admission import Load, check
from media_server.api.call_stream import CallStream
from media_server.api.relaying import Door
from media_server.api.twilio_calls import IncomingCall
from media_server.audio.echo import EchoGuard
from media_server.audio.frame import BROWSER_RATE, TELEPHONE_RATE
from media_server.call.chronicle import Direction
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.phrases import Phrases
from media_server.call.record import CallRecord, EventSink, all_of
from media_server.call.recorder import Recording
from media_server.call.registry import RESERVED_S, Registry, Reservation
from media_server.call.sound_files import FileThread
from media_server.call.speech_profiles import SpeechProfiles
from media_server.config import Settings
from media_server.console import Console, Terminal
from media_server.desk import Desk
from media_server.dialplan.agent.llm import Llm, llm_of
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.call import Call
from media_server.dialplan.loader import LoadedPlan
from media_server.dialplan.reload import LivePlans
from media_server.dialplan.router import LoadedRoute, Router
from media_server.dialplan.routes import Incoming
from media_server.errors import EngineError, MediaServerError, Overloaded
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.records.archive import Archive
from media_server.settings_sections import LlmSettings
from media_server.speech.connection import Engines
from media_server.speech.room import RoomWatch
from media_server.speech.spare_room import SpareRoom
from media_server.telemetry import metrics
from media_server.telemetry.blocked_by import BlockWatch
from media_server.telemetry.loop_lag import LoopLag
from media_server.transports.port import MediaPort

log = structlog.get_logger(__name__)

LINGER_S = 1.0
"""After the last call the network asks once more what comes next, and wants an answer."""
RETRY_S = 0.3
"""How often the engines are asked again while they are not there yet."""
WARN_EVERY = 50
"""Attempts between two warnings that they are not there."""


class Switchboard:
    """The parts of the role, wired together. It is the gate through which calls come in."""

    def __init__(self, settings: Settings, plans: LivePlans) -> None:
        self._plans = plans
        self._ready = False
        key, media = _secret(settings.api_key), settings.media
        self._asr = Engines(settings.engine_urls("asr"), key)
        self._tts = Engines(settings.engine_urls("tts"), key)
        self._speech = Speech(
            asr=self._asr,
            tts=self._tts,
            phrases=Phrases(TtsQuery(encoding="linear16", sample_rate=BROWSER_RATE), [TELEPHONE_RATE]),
            query=AsrQuery(
                sample_rate=TELEPHONE_RATE,
                language=media.language,
                patience=media.patience,
                turn_detection="smart_turn",
            ),
            no_input_s=media.no_input_s,
            max_call_s=media.max_call_s,
            engine_gone_s=media.engine_gone_s,
            allowed_destinations=settings.twilio.allowed_destinations,
            echo=EchoGuard,
        )
        self._profiles = SpeechProfiles(self._speech)
        self._asr_room, self._tts_room = RoomWatch(self._asr), RoomWatch(self._tts)
        self._http = HookHttp(Guard(settings.hooks.allow_hosts))
        self._agents = AgentPool(model_of(settings.llm))
        self._lag = LoopLag()
        self._media = media
        self._terminal = Terminal()
        console = Console(self._terminal.write)
        self._desk = Desk(self._terminal.write, plans.folders, shown=settings.develop or settings.open_to_all)
        self._blocks = BlockWatch(self._desk.is_authors, self._desk.blocked)
        plans.prepare, plans.tell = self._make_phrases, self._desk.tell
        self.stream = CallStream()
        self.archive = Archive(settings.data_dir, keep_days=settings.records.keep_days, find=self._live_record)
        self._recording = Recording(
            folder=self.archive.recordings.folder,
            thread=FileThread(),
            calls=settings.records_calls,
            consent=settings.records.consent,
        )
        self.registry = Registry(
            self._speech,
            all_of(console.receive, self.archive.receive, self.stream.receive),
            max_calls=media.max_calls,
            now=time.monotonic,
            recording=self._recording,
        )

        self.recogniser = self._door("recogniser", self._asr, self._asr_room)
        self.voice = self._door("voice", self._tts, self._tts_room)

    def _door(self, name: str, engines: Engines, watch: RoomWatch) -> Door:
        spare = SpareRoom(name, lambda: watch.room, self.registry.unsettled, now=time.monotonic)
        return Door(engines, spare)

    # --- the gate ------------------------------------------------------------------------------------------------

    async def admit(self, call: IncomingCall) -> Reservation:
        """Keep a place for a call.

        Raises:
            Overloaded: There is none, or we are not ready.
        """
        route = self._plans.router.route(Incoming(call.called, call.caller))
        return self.keep_place(route, provider_id=call.call_sid, caller=call.caller, called=call.called)

    def keep_place(
        self,
        route: LoadedRoute,
        *,
        provider_id: str,
        caller: str,
        called: str,
        direction: Direction = "inbound",
        transport: str = "twilio",
        for_s: float = RESERVED_S,
    ) -> Reservation:
        """Keep a place for a call that this route answers.

        Raises:
            Overloaded: There is none, or we are not ready.
        """
        try:
            self.check_load()
            return self.registry.reserve(
                provider_id=provider_id,
                transport=transport,
                caller=caller,
                called=called,
                dialplan=route.plan.name,
                plan=self.plan_of(route.plan),
                settings=route.settings,
                language=route.language,
                voice=route.voice,
                folder=self._folder_of(route.plan),
                speech=self._profiles.of(route.language, route.voice),
                direction=direction,
                for_s=for_s,
            )
        except Overloaded as refusal:
            metrics.REFUSED.labels(reason=refusal.reason).inc()
            raise

    def _folder_of(self, plan: LoadedPlan) -> Path | None:
        """Where a dialplan's files are: beside it; those of a shipped one in the operator's folder, if there is one."""
        folder = plan.path.parent if plan.path is not None else None
        return self._plans.folders[0] if folder == self._plans.folders[-1] else folder

    def check_load(self) -> None:
        """Whether one more call would be served well.

        Raises:
            Overloaded: It would not.
        """
        if not self._ready:
            raise Overloaded("the engines are not ready yet", reason="starting")
        load = Load(self._lag.seconds, self._asr_room.room, self._tts_room.room, self.registry.unsettled)
        check(load, max_queue_wait_ms=self._media.max_queue_wait_ms)

    @property
    def router(self) -> Router:
        """The routes of now."""
        return self._plans.router

    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        """Run a call to its end. `watch` is told all that happens on it, live events too.

        Raises:
            CallFailed: A fault of ours cut it off.
            NotFound: Its place has lapsed.
            Overloaded: It came so late that its place was given up, and there is none now.
        """
        if reservation.expires_at <= time.monotonic():
            self.check_load()
        await self.registry.connect(reservation, port, watch)

    def give_up(self, reservation: Reservation, reason: str) -> None:
        """A call for which there was a place never came about."""
        self.registry.give_up(reservation, reason)

    def plan_of(self, loaded: LoadedPlan) -> Plan:
        """A dialplan as the call's engine room runs it; an error of it is shown to who develops."""

        async def perform(conversation: Conversation) -> None:
            try:
                await loaded.plan(Call(conversation, self._http, self._agents))
            except MediaServerError:
                raise
            except Exception as error:
                self._desk.failed(conversation.facts.id, error)
                raise

        return perform

    def _live_record(self, call: str) -> CallRecord:
        return self.registry.record(call)

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
        await self.archive.open()
        async with self._asr, self._tts, self._http, self._agents:
            parts = (
                *(self._prepare(), self._asr_room.run(), self._tts_room.run(), self._lag.run()),
                *(self._plans.run(), self._blocks.run()),
            )
            tasks = [asyncio.create_task(part) for part in parts]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.archive.aclose()

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
                await self._make_phrases(self._plans.router)
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

    async def _make_phrases(self, router: Router) -> None:
        """Make what is said before anybody calls, and forget what nobody says any more.

        Raises:
            EngineError: An engine is not there, or failed.
        """
        consent = (self._recording.consent,) if self._recording.consent else ()
        phrases = {voice: (*texts, *consent) for voice, texts in router.phrases.items()}
        await self._profiles.make(phrases, [route.language for route in router.routes])
        self._profiles.keep(phrases)


def model_of(settings: LlmSettings) -> Llm | None:
    """The language model of agents whose route names none, if there is one.

    Raises:
        ConfigError: It is no address.
    """
    if settings.url is None:
        return None
    key = {"key": settings.key.get_secret_value()} if settings.key is not None else {}
    return llm_of(settings.model_dump(exclude={"key"}) | key)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None

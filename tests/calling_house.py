"""The media role's calls on a free port, with Twilio's emulation before it and quick fake engines behind it."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from aiohttp import web
from typing_extensions import override

from media_server.api.calls import Calls
from media_server.api.calls_out import calls_out_routes
from media_server.api.hang_up import hang_up_routes
from media_server.api.pace import Pace
from media_server.api.twilio import add_twilio
from media_server.api.twilio_calls import IncomingCall
from media_server.api.twilio_outgoing import Outgoing
from media_server.call.chronicle import Direction
from media_server.call.conversation import Conversation, Plan, Speech
from media_server.call.events import CallEvent
from media_server.call.phrases import Phrases
from media_server.call.record import CallRecord
from media_server.call.registry import Registry, Reservation
from media_server.calling import CallingGate
from media_server.dialplan import Call
from media_server.dialplan.loader import LoadedPlan
from media_server.dialplan.reload import LivePlans
from media_server.dialplan.router import LoadedRoute
from media_server.dialplan.routes import Incoming
from media_server.errors import NotFound, Overloaded
from media_server.protocol.asr_stream import AsrClosed, AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.records.archive import Archive
from media_server.speech.connection import Engines
from media_server.telemetry.problems import problem_middleware
from media_server.transports.port import MediaPort
from media_server.transports.twilio_handover import HandoverLimits
from media_server.transports.twilio_rest import TwilioAccount, TwilioRest
from tests.call.stage import FakeEngines, FakeSocket, FakeVoice
from tests.peers.twilio_emulation import EmulatedCall, Twilio, twilio

Dialplan = Callable[[Call], Awaitable[None]]
ALLOWED = ("+1555*", "sip:*@example.com")


class QuickEars(FakeSocket):
    """A recogniser that hears nothing, and closes at once."""

    @override
    async def send_text(self, text: str) -> None:
        if "CloseStream" in text:
            self.tell(AsrClosed(received_s=0, decoded_s=0, silence_s=0, dropped_s=0, reason="close"))


@dataclass(slots=True)
class CallingHouse:
    """A server: its registry is the gate for calls that come in."""

    registry: Registry
    plan: Plan
    events: list[CallEvent]
    ears: FakeEngines
    voice: FakeEngines
    twilio: Twilio
    url: str = ""
    full: bool = False
    records: list[CallRecord] = field(default_factory=list)

    async def admit(self, call: IncomingCall) -> Reservation:
        return self.registry.reserve(
            provider_id=call.call_sid,
            transport="twilio",
            caller=call.caller,
            called=call.called,
            dialplan="test",
            plan=self.plan,
        )

    def keep_place(
        self, route: LoadedRoute, *, provider_id: str, caller: str, called: str, direction: Direction, for_s: float
    ) -> Reservation:
        if self.full:
            raise Overloaded("full")
        return self.registry.reserve(
            provider_id=provider_id,
            transport="twilio",
            caller=caller,
            called=called,
            dialplan=route.plan.name,
            plan=self.plan if route.plan.name == "test" else _plan_of(route.plan),
            settings=route.settings,
            direction=direction,
            for_s=for_s,
        )

    async def connect(self, reservation: Reservation, port: MediaPort) -> None:
        await self.registry.connect(reservation, port)

    async def ring(self) -> EmulatedCall:
        return await self.twilio.ring(self.url)

    async def record(self, call_id: str = "") -> CallRecord:
        """The record of a call that is over, or soon will be; without an id, of the only one."""
        async with asyncio.timeout(5):
            while True:
                found = [each for each in self.registry.records() if call_id in ("", each.id)]
                if found and found[0].state == "ended":
                    break
                await asyncio.sleep(0.01)
        assert call_id or len(found) == 1
        assert found[0].ledger.balances
        return found[0]

    def kinds(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def sentences(self) -> list[str]:
        """What was said, and heard."""
        return [line.text for line in self.registry.records()[0].transcript if line.who == "agent"]


@dataclass(frozen=True, slots=True)
class OneRoute:
    """The routes: one, for every number."""

    plan: LoadedPlan

    def route(self, _incoming: Incoming) -> LoadedRoute:
        return LoadedRoute(self.plan)

    def named(self, _name: str) -> LoadedRoute:
        raise NotFound


@asynccontextmanager
async def own_archive() -> AsyncIterator[Archive]:
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder), keep_days=1, find=_nobody)
        await archive.open()
        try:
            yield archive
        finally:
            await archive.aclose()


def _nobody(_call: str) -> CallRecord:
    raise NotFound


@asynccontextmanager
async def calling_house(
    dialplan: Dialplan,
    *,
    limits: HandoverLimits | None = None,
    rest_deadline_s: float = 1.0,
    with_rest: bool = True,
    allowed: Sequence[str] = ALLOWED,
    per_s: float = 50.0,
    max_calls: int = 5,
    folders: Sequence[Path] = (),
    from_number: str = "+15550100",
    public: bool = True,
) -> AsyncIterator[CallingHouse]:
    async with twilio() as network, own_archive() as archive:
        ears, voice = FakeEngines(QuickEars), FakeEngines(lambda: FakeVoice(0.01))
        phrases = Phrases(TtsQuery(sample_rate=8000))
        speech = Speech(
            cast("Engines", ears),
            cast("Engines", voice),
            phrases,
            AsrQuery(sample_rate=8000),
            8.0,
            60.0,
            5.0,
            tuple(allowed),
        )
        events: list[CallEvent] = []

        async def plan(conversation: Conversation) -> None:
            await dialplan(Call(conversation))

        registry = Registry(speech, events.append, max_calls=max_calls, now=time.monotonic)
        house = CallingHouse(registry, plan, events, ears, voice, network)
        listener = socket.create_server(("127.0.0.1", 0))
        house.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        account = TwilioAccount(network.account, network.account, network.token, network.url)
        async with TwilioRest(account, deadline_s=rest_deadline_s) as rest:
            plans = SimpleNamespace(folders=folders, router=OneRoute(LoadedPlan("test", dialplan, ())))
            gate = CallingGate(registry, cast("LivePlans", plans), house.keep_place, from_number=from_number)
            outgoing = Outgoing(
                gate,
                rest if with_rest else None,
                Pace(per_s, now=time.monotonic),
                public_base=house.url if public else "",
                from_number=from_number,
                allowed=allowed,
            )
            app = web.Application(middlewares=[problem_middleware])
            add_twilio(
                app,
                house,
                public_base=house.url,
                auth_token=network.token,
                rest=rest if with_rest else None,
                outgoing=outgoing,
                handover_limits=limits,
            )
            app.add_routes(Calls(registry, archive).routes())
            app.add_routes(calls_out_routes(outgoing, registry, now=time.monotonic))
            app.add_routes(hang_up_routes(registry, archive, cancel=outgoing.cancel))
            runner = web.AppRunner(app, shutdown_timeout=1.0)
            await runner.setup()
            await web.SockSite(runner, listener).start()
            try:
                yield house
            finally:
                await network.aclose()
                async with asyncio.timeout(10):
                    await registry.end_all("shutdown")
                await outgoing.cancel_all()
                await runner.cleanup()


def _plan_of(loaded: LoadedPlan) -> Plan:
    async def perform(conversation: Conversation) -> None:
        await loaded.plan(Call(conversation))

    return perform

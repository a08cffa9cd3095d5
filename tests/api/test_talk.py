"""`GET /v1/talk`: who gets a call, which one, and what who gets none is told."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import pytest
from typing_extensions import override

from media_server.audio.frame import BROWSER_RATE, TELEPHONE_RATE
from media_server.call.conversation import Conversation, Speech
from media_server.call.events import CallEvent
from media_server.call.phrases import Phrases
from media_server.call.record import EventSink
from media_server.call.registry import Registry, Reservation
from media_server.dialplan import Call
from media_server.dialplan.router import LoadedRoute
from media_server.errors import CallFailed, MediaServerError, Overloaded
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines
from media_server.testing.doubles import FakeEngines, FakeVoice
from media_server.testing.sound import Lexicon
from media_server.transports.port import MediaPort
from tests.browser_rig import PIECE, EchoGate, Page, page, serve
from tests.calling_house import QuickEars


@pytest.mark.parametrize(
    ("query", "dialplan", "caller"),
    [("", "parrot", ""), ("?dialplan=echo", "echo", ""), ("?from=Zo%C3%AB&dialplan=echo", "echo", "Zoë")],
)
async def test_a_page_says_which_dialplan_and_who_calls(query: str, dialplan: str, caller: str) -> None:
    gate = EchoGate()
    async with serve(gate) as server, page(server, query) as me:
        await me.say()
        assert await me.hear() == PIECE
    (facts,) = gate.places
    assert (facts.dialplan, facts.caller, facts.called, facts.transport) == (dialplan, caller, "", "websocket")


async def test_who_a_caller_claims_to_be_chooses_no_route() -> None:
    gate = EchoGate()
    async with serve(gate) as server, page(server, "?from=Zo%C3%AB"):
        pass
    assert [(each.called, each.caller) for each in gate.routes.asked] == [("", "browser")]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?dialplan=nowhere", "not_found"),
        ("?dialplan=..%2f..%2fetc%2fpasswd", "not_found"),
        ("?dialplan=%00", "bad_request"),
        ("?dialplan=" + "x" * 101, "bad_request"),
        ("?from=" + "x" * 65, "bad_request"),
        ("?from=a%0Ab", "bad_request"),
        ("?from=%2B15550100", "bad_request"),
        ("?from=(555)%20010-0123", "bad_request"),
        ("?key=secret", "bad_request"),
    ],
)
async def test_a_page_that_asks_for_what_there_is_not_is_told_so(query: str, code: str) -> None:
    gate = EchoGate()
    async with serve(gate) as server, page(server, query) as me:
        told = await me.read()
        assert (told["type"], told["code"], told["retryable"]) == ("error", code, False)
        assert await me.closed() == 1008
    assert gate.places == []


@pytest.mark.parametrize(
    ("refusal", "failure", "told", "closed"),
    [
        (Overloaded("5 calls at once is the limit"), None, ("overloaded", "5 calls at once is the limit", True), 1013),
        (None, CallFailed("KeyError: secrets"), ("call_failed", "Something went wrong here", False), 1011),
    ],
)
async def test_a_page_reads_why_it_has_no_call(
    refusal: MediaServerError | None, failure: Exception | None, told: tuple[str, str, bool], closed: int
) -> None:
    async def nothing(_port: MediaPort, _arrived: list[Any]) -> None:
        """Over at once."""

    gate = EchoGate(nothing, refusal=refusal, failure=failure)
    async with serve(gate) as server, page(server) as me:
        message = await me.read()
        assert (message["code"], message["title"], message["retryable"]) == told
        assert await me.closed() == closed


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("{own}", 101),
        ("https://www.example.com", 101),
        ("https://evil.example", 403),
        ("https://www.example.com.evil.example", 403),
        ("http://www.example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_only_pages_of_ours_and_of_listed_origins_may_call(origin: str | None, status: int) -> None:
    gate = EchoGate()
    async with serve(gate, origins=("https://www.example.com",)) as server:
        headers = {} if origin is None else {"Origin": origin.format(own=server.url)}
        try:
            async with page(server, headers=headers):
                reached = 101
        except aiohttp.WSServerHandshakeError as error:
            reached = error.status
    assert reached == status
    assert len(gate.places) == (status == 101)


@pytest.mark.parametrize("protocols", [(), ("media-server.talk.2",), ("graphql-ws", "x")])
async def test_another_protocol_is_refused_before_the_upgrade(protocols: tuple[str, ...]) -> None:
    gate = EchoGate()
    async with serve(gate) as server:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with page(server, protocols=protocols):
                pass
    assert refused.value.status == 400
    assert gate.places == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_what_is_no_websocket_holds_no_place(method: str) -> None:
    gate = EchoGate()
    headers = {"Sec-WebSocket-Protocol": "media-server.talk.1"}
    async with (
        serve(gate) as server,
        server.http.request(method, f"{server.url}/v1/talk", headers=headers) as answer,
    ):
        assert answer.status in (400, 405)
    assert gate.places == []


async def test_many_that_connect_and_go_at_once_leave_nothing_behind() -> None:
    gate = EchoGate()
    async with serve(gate) as server:

        async def come_and_go(number: int) -> None:
            async with page(server) as me:
                if number % 2:
                    await me.say()
                connection = me.ws._response.connection
                if number % 3 == 0 and connection is not None and connection.transport is not None:
                    connection.transport.abort()

        await asyncio.gather(*(come_and_go(number) for number in range(60)))
        for _ in range(60):
            assert await gate.over() in ("caller_hangup", "connection_lost")


@dataclass(slots=True)
class WholeGate(EchoGate):
    """A gate with a registry behind it: its dialplan answers what is typed, and hangs up."""

    registry: Registry | None = None

    @override
    def keep_place(
        self, route: LoadedRoute, *, provider_id: str, caller: str, called: str, transport: str
    ) -> Reservation:
        assert self.registry is not None
        return self.registry.reserve(
            provider_id=provider_id,
            transport=transport,
            caller=caller,
            called=called,
            dialplan=route.plan.name,
            plan=_answers_once,
        )

    @override
    async def connect(self, reservation: Reservation, port: MediaPort, watch: EventSink | None = None) -> None:
        assert self.registry is not None
        await self.registry.connect(reservation, port, watch)
        self.ended.put_nowait(self.registry.record(reservation.facts.id).ended_reason or "")


async def _answers_once(conversation: Conversation) -> None:
    call = Call(conversation)
    await call.say("Yes?")
    async for turn in call.turns():
        await call.say(f"You typed {turn.text}.")
        return


def _speech() -> Speech:
    ears, voice = FakeEngines(QuickEars), FakeEngines(lambda: FakeVoice(0.01, Lexicon(sample_rate=BROWSER_RATE)))
    return Speech(
        cast("Engines", ears),
        cast("Engines", voice),
        Phrases(TtsQuery(sample_rate=BROWSER_RATE), [TELEPHONE_RATE]),
        AsrQuery(sample_rate=TELEPHONE_RATE),
        8.0,
        60.0,
        5.0,
    )


async def _microphone(me: Page) -> None:
    while True:
        await me.say(bytes(640))
        await asyncio.sleep(0.02)


async def test_a_page_hears_its_call_and_reads_what_happens_to_the_end() -> None:
    events: list[CallEvent] = []
    registry = Registry(_speech(), events.append, max_calls=1, now=time.monotonic)
    heard, told = bytearray(), list[dict[str, Any]]()
    async with serve(WholeGate(registry=registry)) as server, page(server) as me:
        microphone = asyncio.create_task(_microphone(me))
        async with asyncio.timeout(8):
            async for message in me.ws:
                if message.type is aiohttp.WSMsgType.BINARY:
                    heard += message.data
                    continue
                said = message.json()
                told.append(said)
                if said["type"] == "mark":
                    await me.tell(**said)
                elif said["type"] == "agent_said" and said["text"] == "Yes?":
                    await me.tell(type="text", text="book a table")
        microphone.cancel()
        await asyncio.gather(microphone, return_exceptions=True)
        assert me.ws.close_code == 1000
    kinds = [each["type"] for each in told]
    assert kinds[0] == "call_started"
    assert kinds[-1] == "call_ended"
    assert told[-1]["reason"] == "completed"
    assert told[-1]["balances"]
    [turn] = [each for each in told if each["type"] == "caller_said"]
    assert (turn["text"], turn["reason"]) == ("book a table", "typed")
    [_, answer] = [each for each in told if each["type"] == "agent_said"]
    assert (answer["heard"], answer["complete"]) == ("You typed book a table.", True)
    assert any(heard)
    assert [each["call"] for each in told if "call" in each] == [events[0].call] * len([e for e in told if "call" in e])


async def test_a_second_call_where_one_is_the_limit_is_told_to_come_again() -> None:
    registry = Registry(_speech(), lambda _event: None, max_calls=1, now=time.monotonic)
    gate = WholeGate(registry=registry)
    async with serve(gate) as server, page(server) as first:
        assert (await first.read())["type"] == "call_started"
        async with page(server) as second:
            told = await second.read()
            assert (told["code"], told["retryable"]) == ("overloaded", True)
            assert await second.closed() == 1013
        await first.ws.close()
        assert await gate.over() == "caller_hangup"
    [record] = registry.records()
    assert record.transport == "websocket"

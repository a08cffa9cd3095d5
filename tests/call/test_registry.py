import asyncio

import pytest

from media_server.call.conversation import Conversation, Speech
from media_server.call.events import CallEvent
from media_server.call.phrases import Phrases
from media_server.call.registry import FORGOTTEN_S, RESERVED_S, Registry, Reservation
from media_server.errors import CallFailed, NotFound, Overloaded
from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.tts_stream import TtsQuery
from media_server.speech.connection import Engines
from media_server.transports.loopback import LoopbackPort


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Registry:
    engines = Engines(["http://127.0.0.1:1"])
    speech = Speech(engines, engines, Phrases(TtsQuery(sample_rate=8000)), AsrQuery(sample_rate=8000), 8.0, 7200.0, 5.0)
    events: list[CallEvent] = []
    return Registry(speech, events.append, max_calls=2, now=clock)


async def hang_up(conversation: Conversation) -> None:
    conversation.end("completed")


def reserve(registry: Registry, number: int = 1) -> Reservation:
    return registry.reserve(
        provider_id=f"CA{number}", transport="loopback", caller="+1", called="+2", dialplan="test", plan=hang_up
    )


async def test_places_are_counted_and_lapse(registry: Registry, clock: Clock) -> None:
    reserve(registry, 1)
    reserve(registry, 2)
    with pytest.raises(Overloaded):
        reserve(registry, 3)
    clock.now += RESERVED_S
    reserve(registry, 3)


async def test_a_call_wants_engine_sessions_from_its_announcement_until_the_engines_count_them(
    registry: Registry, clock: Clock
) -> None:
    async def stay(_conversation: Conversation) -> None:
        await asyncio.Event().wait()

    place = registry.reserve(
        provider_id="CA1", transport="loopback", caller="+1", called="+2", dialplan="test", plan=stay
    )
    assert registry.unsettled(clock.now) == 1
    call = asyncio.create_task(registry.connect(place, LoopbackPort()))
    await asyncio.sleep(0)
    answered = clock.now
    clock.now += 10
    assert registry.unsettled(answered) == 1  # the engines were asked too early to know of it
    assert registry.unsettled(answered + 1) == 0
    clock.now += RESERVED_S
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_a_late_stream_takes_what_is_free(registry: Registry, clock: Clock) -> None:
    late = reserve(registry, 1)
    clock.now += RESERVED_S + 1
    reserve(registry, 2)
    other = reserve(registry, 3)
    with pytest.raises(Overloaded):
        await registry.connect(late, LoopbackPort())
    await registry.connect(other, LoopbackPort())


async def test_a_place_is_for_one_call_once(registry: Registry, clock: Clock) -> None:
    place = reserve(registry)
    await registry.connect(place, LoopbackPort())
    with pytest.raises(NotFound):
        await registry.connect(place, LoopbackPort())
    lapsed = reserve(registry)
    clock.now += FORGOTTEN_S + 1
    reserve(registry, 2)
    with pytest.raises(NotFound):
        await registry.connect(lapsed, LoopbackPort())


async def test_an_ended_call_is_found_by_its_unguessable_id(registry: Registry) -> None:
    place = reserve(registry)
    await registry.connect(place, LoopbackPort())
    assert len(place.facts.id) == 32
    record = registry.record(place.facts.id)
    assert (record.state, record.ended_reason) == ("ended", "completed")
    assert [each.id for each in registry.records()] == [place.facts.id]
    with pytest.raises(NotFound):
        registry.record("0" * 32)


async def test_a_fault_of_ours_ends_its_own_call_only(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    port = LoopbackPort()

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(port, "events", broken)
    place = reserve(registry)
    with pytest.raises(CallFailed):
        await registry.connect(place, port)
    assert registry.record(place.facts.id).ended_reason == "internal_error"
    await registry.connect(reserve(registry, 2), LoopbackPort())


async def test_going_down_refuses_new_calls(registry: Registry) -> None:
    await registry.end_all("shutdown")
    with pytest.raises(Overloaded):
        reserve(registry)


async def test_whoever_is_told_of_a_call_that_never_came_about_finds_its_record(clock: Clock) -> None:
    engines = Engines(["http://127.0.0.1:1"])
    speech = Speech(engines, engines, Phrases(TtsQuery(sample_rate=8000)), AsrQuery(sample_rate=8000), 8.0, 7200.0, 5.0)
    found: list[str] = []

    def look_up(event: CallEvent) -> None:
        found.append(calls.record(event.call).ended_reason or "")

    calls = Registry(speech, look_up, max_calls=2, now=clock)
    place = reserve(calls)
    calls.ring(place)
    calls.give_up(place, "no_answer")
    assert found == ["no_answer", "no_answer"]

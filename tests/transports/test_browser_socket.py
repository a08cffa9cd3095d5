import asyncio
import json
from collections import Counter

import aiohttp
import pytest

from media_server.transports import socket_messages
from media_server.transports.browser_socket import BrowserLimits
from media_server.transports.port import (
    AudioArrived,
    AudioDropped,
    DigitArrived,
    MarkReturned,
    MediaPort,
    PortEvent,
    TextArrived,
)
from media_server.transports.socket_messages import MESSAGES_AT_ONCE
from tests.browser_rig import PIECE, EchoGate, echo, page, serve, told


async def test_sound_keys_texts_and_marks_go_through_both_ways() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        assert (port.sample_rate, port.lead_s, port.marks) == (16000, 0.2, True)
        await port.send_mark("g1.0")
        await port.clear()
        told(port, '{"type":"call_started"}')
        await echo(port, arrived)

    gate = EchoGate(talk)
    async with serve(gate) as client, page(client) as me:
        assert me.ws.protocol == "media-server.talk.1"
        both = [await me.read() for _ in range(3)]
        assert [each for each in both if each["type"] != "call_started"] == [
            {"type": "mark", "name": "g1.0"},
            {"type": "clear"},
        ]
        assert {"type": "call_started"} in both
        await me.tell(type="mark", name="g1.0")
        await me.tell(type="digit", digit="#")
        await me.tell(type="text", text="for four, please")
        await me.say()
        await me.say(PIECE[:128])
        assert await me.hear() == PIECE
        assert await me.hear() == PIECE[:128]
        await me.ws.close()
        assert await gate.over() == "caller_hangup"
    mark, digit, text, first, second = gate.arrived
    assert (mark, digit, text) == (MarkReturned("g1.0"), DigitArrived("#"), TextArrived("for four, please"))
    assert isinstance(first, AudioArrived)
    assert isinstance(second, AudioArrived)
    assert (first.frame.pcm, first.frame.position, first.filled) == (PIECE, 0, False)
    assert (second.frame.position, second.frame.sample_rate) == (320, 16000)


async def test_bad_messages_are_dropped_and_counted_and_the_call_lives() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        for data in (b"", b"\0", b"\0" * 641, b"\0" * 6402, b"\0" * 16_000):
            await me.say(data)
        for text in ("", "[]", "{" * 1000, '{"type":"digit","digit":"x"}', '{"type":"new"}', '{"type":"text"}'):
            await me.ws.send_str(text)
        await me.say()
        assert await me.hear() == PIECE
        await me.ws.close()
        assert await gate.over() == "caller_hangup"
    dropped: Counter[str] = Counter()
    for event in gate.arrived:
        if isinstance(event, AudioDropped):
            dropped[event.reason] += event.samples
    assert dropped == {"odd_length": 320, "too_long": 3201 + 8000}
    assert sum(isinstance(event, AudioArrived) for event in gate.arrived) == 1
    assert len(gate.arrived) == 5


async def test_a_message_over_16_kib_closes_with_1009() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        await me.say(bytes(100_000))
        assert await me.closed() == 1009
        assert await gate.over() == "protocol_error"


async def test_a_message_that_is_no_utf8_closes_with_1007() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        await me.ws._writer.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
        assert await me.closed() == 1007
        assert await gate.over() == "protocol_error"


async def test_a_flood_of_messages_ends_the_call_with_1008() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        for _ in range(3 * MESSAGES_AT_ONCE):
            if me.ws.closed:
                break
            await me.ws.ping()
            await asyncio.sleep(0)
        assert await me.closed() == 1008
        assert await gate.over() == "too_many_messages"


async def test_a_flood_of_sound_ends_the_call_with_1008() -> None:
    async def listen(port: MediaPort, arrived: list[PortEvent]) -> None:
        arrived.extend([event async for event in port.events()])

    gate = EchoGate(listen)
    async with serve(gate) as client, page(client) as me:
        for _ in range(150):
            await me.say(bytes(6400))
        assert await me.closed() == 1008
        assert await gate.over() == "too_much_sound"
    taken = sum(event.frame.samples for event in gate.arrived if isinstance(event, AudioArrived))
    assert 2.8 * 16000 <= taken <= 6 * 16000


async def test_time_goes_on_while_a_page_is_in_the_background() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        await me.say()
        await me.hear()
        await asyncio.sleep(1.25)
        await me.say()
        assert await me.hear() == PIECE
        await me.ws.close()
        await gate.over()
    frames = [event for event in gate.arrived if isinstance(event, AudioArrived)]
    filled = [event for event in frames if event.filled]
    assert 1.0 <= sum(event.frame.samples for event in filled) / 16000 <= 1.6
    position = 0
    for event in frames:
        assert event.frame.position == position
        position = event.frame.end


async def test_no_sound_at_all_ends_the_call() -> None:
    gate = EchoGate()
    async with serve(gate, limits=BrowserLimits(media_initial_s=0.1)) as client, page(client) as me:
        assert await gate.over() == "media_timeout"
        assert await me.closed() == 1000


async def test_sound_that_stops_ends_the_call_and_typing_is_no_sound() -> None:
    gate = EchoGate()
    async with serve(gate, limits=BrowserLimits(media_initial_s=60, media_s=0.2)) as client, page(client) as me:
        await me.say()
        while gate.ended.empty():
            await me.tell(type="mark", name="still here")
            await asyncio.sleep(0.02)
        assert await gate.over() == "media_timeout"


async def test_a_socket_that_drops_ends_the_call_at_once() -> None:
    gate = EchoGate()
    async with serve(gate) as client, page(client) as me:
        await me.say()
        await me.hear()
        connection = me.ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()
        assert await gate.over() == "connection_lost"


async def test_a_page_that_answers_no_ping_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_messages, "HEARTBEAT_S", 0.1)
    gate = EchoGate()
    async with serve(gate) as client, page(client, autoping=False):
        assert await gate.over() == "connection_lost"


async def test_a_page_that_does_not_read_its_sound_ends_the_call() -> None:
    async def flood(port: MediaPort, _arrived: list[PortEvent]) -> None:
        async with asyncio.timeout(10):
            while port.ended_reason == "closed":
                await port.send(bytes(64_000))

    gate = EchoGate(flood)
    async with serve(gate, limits=BrowserLimits(send_s=0.2)) as client, page(client):
        assert await gate.over() == "peer_not_reading"


@pytest.mark.parametrize(("size", "times"), [(20, 20_000), (200_000, 100)])
async def test_a_page_that_does_not_read_its_events_ends_the_call(size: int, times: int) -> None:
    async def flood(port: MediaPort, arrived: list[PortEvent]) -> None:
        for _ in range(times):
            told(port, json.dumps({"type": "x" * size}))
        await echo(port, arrived)

    gate = EchoGate(flood)
    async with serve(gate) as client, page(client):
        assert await gate.over() == "peer_not_reading"


async def test_what_is_told_after_the_sound_has_ended_reaches_the_page_before_the_close() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(echo(port, arrived))
            await asyncio.sleep(0.05)
            await port.aclose()
        await port.send(PIECE)
        await port.send_mark("late")
        await port.clear()
        for number in range(100):
            told(port, json.dumps({"number": number}))

    gate = EchoGate(talk)
    async with serve(gate) as client, page(client) as me:
        assert await gate.over() == "closed"
        assert [(await me.read())["number"] for _ in range(100)] == list(range(100))
        assert await me.closed() == 1000


async def test_a_call_that_is_over_waits_for_no_message_of_the_page() -> None:
    ports: list[MediaPort] = []

    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        ports.append(port)
        await echo(port, arrived)

    gate = EchoGate(talk)
    async with serve(gate) as client, page(client) as me:
        await me.say()
        await me.hear()
        await ports[0].aclose()
        await ports[0].aclose()
        async with asyncio.timeout(0.5):
            assert await gate.over() == "closed"
        assert await me.closed() == 1000


@pytest.mark.parametrize("calls", [8])
async def test_one_bad_page_does_not_disturb_the_others(calls: int) -> None:
    gate = EchoGate()
    async with serve(gate) as client:

        async def well_behaved() -> int:
            async with page(client) as me:
                for _ in range(10):
                    await me.say()
                    assert await me.hear() == PIECE
                await me.ws.close()
                return me.ws.close_code or 0

        async def bad() -> int:
            async with page(client) as me:
                for _ in range(50):
                    await me.ws.send_str('{"type":' * 1500)
                await me.say(bytes(100_000))
                return await me.closed() or 0

        codes = await asyncio.gather(bad(), *(well_behaved() for _ in range(calls)))
    assert codes == [1009] + [1000] * calls

import asyncio
import base64
import json
from collections import Counter

import aiohttp
import pytest

from media_server.audio.g711 import encode_mulaw
from media_server.protocol.twilio_far_end import FarEnd
from media_server.transports import socket_messages
from media_server.transports.port import AudioArrived, AudioDropped, DigitArrived, MarkReturned, MediaPort, PortEvent
from media_server.transports.socket_messages import MESSAGES_AT_ONCE
from media_server.transports.twilio import StreamLimits
from tests.twilio_rig import ACCOUNT, EchoGate, Stream, echo, new_sid, serve

TONE = bytes(range(0x90, 0xA0)) * 10


async def ended(gate: EchoGate) -> str:
    async with asyncio.timeout(5):
        return await gate.ended.get()


async def hang_up(stream: Stream, gate: EchoGate) -> None:
    await stream.ws.send_str(stream.far_end.stop())
    assert await ended(gate) == "caller_hangup"


async def test_audio_digits_and_marks_go_through_both_ways() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        assert (port.sample_rate, port.lead_s) == (8000, 0.2)
        await port.send_mark("1:0")
        await port.clear()
        await echo(port, arrived)

    gate = EchoGate(talk)
    async with serve(gate) as server, server.stream() as stream:
        assert (await stream.hear())["mark"] == {"name": "1:0"}
        assert (await stream.hear())["event"] == "clear"
        await stream.ws.send_str(stream.far_end.mark("1:0"))
        await stream.ws.send_str(stream.far_end.dtmf("#"))
        await stream.say(0, TONE)
        heard = await stream.hear()
        assert base64.b64decode(heard["media"]["payload"]) == TONE
        await hang_up(stream, gate)
        assert await stream.closed() == 1000
    mark, digit, audio = gate.arrived
    assert mark == MarkReturned("1:0")
    assert digit == DigitArrived("#")
    assert isinstance(audio, AudioArrived)
    assert encode_mulaw(audio.frame.pcm) == TONE
    assert (audio.frame.position, audio.filled) == (0, False)


async def test_a_lost_frame_is_heard_as_silence() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        await stream.say(0, TONE)
        await stream.say(40, TONE)
        for _ in range(3):
            await stream.hear()
        await hang_up(stream, gate)
    frames = [event for event in gate.arrived if isinstance(event, AudioArrived)]
    assert [(event.frame.position, event.filled) for event in frames] == [(0, False), (160, True), (320, False)]
    assert frames[1].frame.pcm == bytes(320)


async def test_bad_frames_are_dropped_and_counted_and_the_call_lives() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        good = json.loads(stream.far_end.media(TONE, 0))
        spoilt = [{**good, "media": {**good["media"], "payload": payload}} for payload in ("%%%", "", "/", None)]
        for frame in spoilt:
            await stream.ws.send_str(json.dumps(frame))
        for text in ("", "[]", "{", '{"event": 1}', json.dumps({**good, "streamSid": "MZother"}), '{"event": "new"}'):
            await stream.ws.send_str(text)
        await stream.ws.send_bytes(TONE)
        await stream.say(0, TONE)
        await stream.say(0, TONE)
        await stream.say(20, TONE)
        await stream.hear()
        await stream.hear()
        await hang_up(stream, gate)
    dropped: Counter[str] = Counter()
    for event in gate.arrived:
        if isinstance(event, AudioDropped):
            dropped[event.reason] += event.samples or 1
    assert dropped == {"bad_payload": 4, "late": 160}
    assert sum(isinstance(event, AudioArrived) for event in gate.arrived) == 2


async def test_a_message_over_64_kib_closes_with_1009() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        await stream.say(0, b"\xff" * 1_000_000)
        assert await stream.closed() == 1009
        assert await ended(gate) == "protocol_error"


async def test_a_flood_of_messages_ends_the_call_with_1008() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        for _ in range(3 * MESSAGES_AT_ONCE):
            if stream.ws.closed:
                break
            await stream.ws.ping()
            await asyncio.sleep(0)
        assert await stream.closed() == 1008
        assert await ended(gate) == "too_many_messages"


async def test_a_message_that_is_no_utf8_ends_the_call() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        writer = stream.ws._writer
        await writer.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
        assert await stream.closed() == 1007
        assert await ended(gate) == "protocol_error"


async def test_no_media_at_all_ends_the_call() -> None:
    gate = EchoGate()
    limits = StreamLimits(media_initial_s=0.1)
    async with serve(gate, limits=limits) as server, server.stream() as stream:
        assert await ended(gate) == "media_timeout"
        assert await stream.closed() == 1000


async def test_media_that_stops_ends_the_call_and_marks_are_no_media() -> None:
    gate = EchoGate()
    limits = StreamLimits(media_initial_s=60, media_s=0.2)
    async with serve(gate, limits=limits) as server, server.stream() as stream:
        await stream.say(0)
        while gate.ended.empty():
            await stream.ws.send_str(stream.far_end.mark("still here"))
            await asyncio.sleep(0.02)
        assert await ended(gate) == "media_timeout"


async def test_a_socket_that_drops_without_stop_ends_the_call_at_once() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        await stream.say(0)
        await stream.hear()
        connection = stream.ws._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()
        async with asyncio.timeout(1):
            assert await gate.ended.get() == "connection_lost"


async def test_a_socket_that_is_closed_without_stop_ends_the_call_at_once() -> None:
    gate = EchoGate()
    async with serve(gate) as server, server.stream() as stream:
        await stream.ws.close()
        async with asyncio.timeout(1):
            assert await gate.ended.get() == "connection_lost"


async def test_a_peer_that_answers_no_ping_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_messages, "HEARTBEAT_S", 0.1)
    gate = EchoGate()
    async with serve(gate) as server:
        answer = await server.ring(call_sid := new_sid("CA"))
        far_end = FarEnd(new_sid("MZ"), call_sid, ACCOUNT)
        async with server.http.ws_connect(answer.url, autoping=False) as ws:
            await ws.send_str(far_end.connected())
            await ws.send_str(far_end.start(answer.parameters))
            assert await ended(gate) == "connection_lost"


async def test_a_peer_that_does_not_read_ends_the_call() -> None:
    async def flood(port: MediaPort, _arrived: list[PortEvent]) -> None:
        async with asyncio.timeout(10):
            while port.ended_reason == "closed":
                await port.send(bytes(64_000))

    gate = EchoGate(flood)
    limits = StreamLimits(send_s=0.2)
    async with serve(gate, limits=limits) as server, server.stream() as _stream:
        assert await ended(gate) == "peer_not_reading"


async def test_after_the_end_sending_goes_nowhere_and_closing_twice_is_one() -> None:
    ports: list[MediaPort] = []

    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        ports.append(port)
        await echo(port, arrived)

    gate = EchoGate(talk)
    async with serve(gate) as server, server.stream() as stream:
        await hang_up(stream, gate)
        (port,) = ports
        await port.send(bytes(320))
        await port.send_mark("late")
        await port.clear()
        await port.aclose()
        await port.aclose()
        assert port.ended_reason == "caller_hangup"
        assert await stream.closed() == 1000


async def test_hanging_up_from_our_side_ends_the_events() -> None:
    async def talk(port: MediaPort, arrived: list[PortEvent]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(echo(port, arrived))
            await asyncio.sleep(0)
            tasks.create_task(port.aclose())

    gate = EchoGate(talk)
    async with serve(gate) as server, server.stream() as stream:
        assert await stream.closed() == 1000
        assert await ended(gate) == "closed"


@pytest.mark.parametrize("calls", [8])
async def test_one_bad_caller_does_not_disturb_the_others(calls: int) -> None:
    gate = EchoGate()
    async with serve(gate) as server:

        async def well_behaved() -> int:
            async with server.stream() as stream:
                for number in range(10):
                    await stream.say(20 * number, TONE)
                    assert base64.b64decode((await stream.hear())["media"]["payload"]) == TONE
                await stream.ws.send_str(stream.far_end.stop())
                return await stream.closed() or 0

        async def bad() -> int:
            async with server.stream() as stream:
                for _ in range(50):
                    await stream.ws.send_str('{"event":' * 3000)
                await stream.say(0, b"\xff" * 100_000)
                return await stream.closed() or 0

        codes = await asyncio.gather(bad(), *(well_behaved() for _ in range(calls)))
    assert codes == [1009] + [1000] * calls

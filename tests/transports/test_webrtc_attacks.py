"""Hostile peers, and strangers from another address of the loopback, against the ports of WebRTC calls."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aioice import stun
from aiortc.rtp import RtpPacket

from media_server.audio.levels import rms
from media_server.phone.twilio_phone import CallRefused
from media_server.phone.webrtc_phone import WebrtcLine, Wire
from media_server.transports.port import AudioArrived
from tests.webrtc_rig import (
    PeerGate,
    connected,
    ports_of,
    serve,
    sockets,
    speaking,
    still_heard,
    stranger,
    until,
)

CLIENT_HELLO = bytes.fromhex("16fefd0000000000000000003b0100002f000000000000002ffefd") + bytes(41)
ALERT = bytes.fromhex("15fefd000000000000000000020228")


async def spray(mine: socket.socket, ports: list[tuple[str, int]], datagrams: list[bytes]) -> None:
    """Send these there, over and over, as fast as others are let run in between."""
    loop = asyncio.get_running_loop()
    while True:
        for each in datagrams:
            for port in ports:
                with contextlib.suppress(OSError):  # nobody is there any more
                    await loop.sock_sendto(mine, each, port)
        await asyncio.sleep(0.002)


async def test_calls_connect_while_handshakes_and_alerts_rain_on_every_port() -> None:
    calls = 20
    gate = PeerGate()
    async with serve(gate) as server, stranger() as mine:

        async def call() -> None:
            raining: list[asyncio.Task[None]] = []

            def answered(sdp: str) -> str:
                raining.append(asyncio.create_task(spray(mine, ports_of(sdp), [CLIENT_HELLO, ALERT, b"\x16"])))
                return sdp

            try:
                async with connected(server, Wire(answered=answered)) as (line, answer):
                    async with speaking(line):
                        await until(lambda: rms(line.heard()) > 200)
                    assert await server.whip.end(answer) == 200
            finally:
                for each in raining:
                    each.cancel()
                await asyncio.wait(raining)

        for _ in range(calls // 5):
            await asyncio.gather(*(call() for _ in range(5)))
    assert gate.given_up == []
    assert gate.ended.qsize() == calls


@pytest.mark.parametrize("who", ["stranger", "peer"])
async def test_datagrams_of_any_size_do_not_hurt_a_call(who: str) -> None:
    chance = random.Random(6)
    junk = [b"", b"", b"\0", b"\x01", b"\x16", b"\x80", b"\xff", bytes(65_507), b"\x80" * 65_507, b"\x16" * 65_507]
    junk += [chance.randbytes(chance.randrange(1, 1500)) for _ in range(200)]
    junk += [CLIENT_HELLO, ALERT] * 20
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, answer), speaking(line), stranger() as mine:
        await still_heard(gate, line)
        (port,) = ports_of(answer.sdp)
        for each in junk:
            if who == "stranger":
                await asyncio.get_running_loop().sock_sendto(mine, each, port)
            else:
                sockets(line)[0].sendto(each, port)
            await asyncio.sleep(0)
        await still_heard(gate, line)
        assert len(gate.talking) == 1


async def test_sealed_packets_that_nobody_sealed_are_counted_and_no_more() -> None:
    chance = random.Random(7)
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, answer), speaking(line):
        await still_heard(gate, line)
        (port,) = ports_of(answer.sdp)
        for number in range(400):
            head = bytes((0x80, 96)) + number.to_bytes(2, "big")
            sockets(line)[0].sendto(head + chance.randbytes(80), port)
            sockets(line)[0].sendto(b"\x80\xc8" + chance.randbytes(60), port)
            if number % 20 == 0:
                await asyncio.sleep(0.001)
        await still_heard(gate, line)


def _reseal(line: WebrtcLine, change: Callable[[RtpPacket], None]) -> None:
    """From now on each packet of the phone's is changed before it is sealed, with the right key."""
    transport = line._transceiver.sender.transport
    send = transport._send_rtp

    async def changed(data: bytes) -> None:
        if 192 <= data[1] <= 223:  # a report
            await send(data)
            return
        packet = RtpPacket.parse(data)
        change(packet)
        await send(packet.serialize())

    transport._send_rtp = changed  # type: ignore[method-assign]


def _leap_sequence(packet: RtpPacket) -> None:
    packet.sequence_number = (packet.sequence_number + 32_000) % 65_536


def _leap_timestamp(packet: RtpPacket) -> None:
    packet.timestamp = (packet.timestamp + (1 << 31)) % (1 << 32)


def _flip_source(packet: RtpPacket) -> None:
    packet.ssrc ^= 0xFFFF_FFFF


def _run_fast(packet: RtpPacket) -> None:
    packet.timestamp = packet.timestamp * 3 % (1 << 32)


LEAPS = (_leap_sequence, _leap_timestamp, _flip_source, _run_fast)


@pytest.mark.parametrize("change", LEAPS)
async def test_a_stream_that_leaps_is_heard_again(change: Callable[[RtpPacket], None]) -> None:
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, _), speaking(line):
        await still_heard(gate, line)
        _reseal(line, change)
        await asyncio.sleep(0.06)
        clock = asyncio.get_running_loop().time
        begun = clock()
        await still_heard(gate, line)
        assert clock() - begun < 1.0
        frames = [event.frame for event in gate.arrived if isinstance(event, AudioArrived)]
        places = [frame.position for frame in frames]
        assert places == [sum(each.samples for each in frames[:number]) for number in range(len(frames))]
        # No more was made of it than time has passed: a leap of a timestamp is no hour of silence.
        assert sum(each.samples for each in frames) < 16_000 * (line._now() - line._start + 0.5)


async def test_another_payload_type_is_not_heard_and_the_right_one_is_again() -> None:
    gate = PeerGate()
    other = 0

    def change(packet: RtpPacket) -> None:
        packet.payload_type = (packet.payload_type + other) % 128

    async with serve(gate) as server, connected(server) as (line, _), speaking(line):
        _reseal(line, change)
        await still_heard(gate, line)
        other = 1
        await asyncio.sleep(0.3)
        since = len(gate.arrived)
        await asyncio.sleep(0.2)
        later = [event for event in gate.arrived[since:] if isinstance(event, AudioArrived)]
        assert all(rms(event.frame.pcm) < 200 for event in later)
        other = 0
        await still_heard(gate, line)


def _binding(username: str | None, password: str | None, role: str | None = None) -> bytes:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    if username is not None:
        request.attributes["USERNAME"] = username
    request.attributes["PRIORITY"] = 1
    if role is not None:
        request.attributes[role] = random.randrange(1 << 63)
    if password is not None:
        request.add_message_integrity(password.encode())
    return bytes(request)


async def test_a_flood_of_questions_is_not_answered_with_more_and_the_call_lives() -> None:
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, answer), speaking(line), stranger() as mine:
        await still_heard(gate, line)
        (port,) = ports_of(answer.sdp)
        names = [None, "x:y", "x" * 500]
        asked = [_binding(name, password) for name in names for password in (None, "wrong")]
        asked += [_binding("x:y", "wrong", role) for role in ("ICE-CONTROLLING", "ICE-CONTROLLED")]
        sent = got = 0
        for _ in range(400):
            for each in asked:
                await asyncio.get_running_loop().sock_sendto(mine, each, port)
                sent += len(each)
            await asyncio.sleep(0)
        await still_heard(gate, line)
        with contextlib.suppress(BlockingIOError):
            while True:
                got += len(mine.recv(65_536))
        assert got <= 1.5 * sent
        assert got < 0.1 * sent, "who is not known is not answered"
        assert len(gate.talking) == 1


async def test_a_peer_with_another_certificate_is_no_call() -> None:
    gate = PeerGate()

    def other(sdp: str) -> str:
        lines = [line for line in sdp.split("\r\n") if "a=fingerprint:sha-384" not in line and "sha-512" not in line]
        wrong = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
        return "\r\n".join(wrong if line.startswith("a=fingerprint") else line for line in lines)

    async with serve(gate) as server:
        with contextlib.suppress(CallRefused):  # the phone may see a connection before it is refused
            async with connected(server, Wire(offered=other)):
                await until(lambda: server.sessions == 0)
        await until(lambda: server.sessions == 0)
    assert gate.given_up == ["not_connected"]
    assert gate.arrived == []


async def test_a_channel_that_floods_ends_its_call_and_one_of_junk_does_not() -> None:
    gate = PeerGate()
    async with serve(gate) as server:
        async with connected(server) as (line, _), speaking(line):
            await until(lambda: line.channel.readyState == "open")
            for junk in ("", "{", "[]", '{"type":"digit","digit":"55"}', b"\0\1\2", "\ud7ff" * 100, "x" * 16_000):
                line.channel.send(junk)
            line.connection.createDataChannel("events")
            line.connection.createDataChannel("other").on("message", lambda _: None)
            await still_heard(gate, line)
        async with connected(server) as (line, _), speaking(line):
            await until(lambda: line.channel.readyState == "open")
            for _ in range(500):
                line.channel.send('{"type":"digit","digit":"5"}')
            await until(lambda: not gate.talking)
    assert [await gate.over() for _ in range(2)][1] == "too_many_messages"


async def test_sealed_packets_of_another_call_are_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither from a stranger who knows the port, nor from the peer's own address."""
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, answer), connected(server) as (other, _):
        (port,) = ports_of(answer.sdp)
        captured: list[bytes] = []
        transport = sockets(other)[0]
        send = transport.sendto

        def capture(data: bytes, addr: Any = None) -> None:
            captured.append(data)
            send(data, addr)

        monkeypatch.setattr(transport, "sendto", capture)
        async with speaking(other):
            await until(lambda: len(captured) > 30)
        async with speaking(line), stranger() as mine:
            for each in captured:
                await asyncio.get_running_loop().sock_sendto(mine, each, port)
                sockets(line)[0].sendto(each, port)
            await still_heard(gate, line)
        assert len(gate.talking) == 2

"""Hostile peers, and strangers from another address of the loopback, against `/v1/webrtc` and the ports it opens."""

import asyncio
import contextlib
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aioice import stun
from aiortc.rtp import RtpPacket

from media_server.audio.levels import rms
from media_server.phone.twilio_phone import CallRefused
from media_server.phone.webrtc_phone import WebrtcLine, Wire
from media_server.transports.port import AudioArrived
from media_server.transports.webrtc import PeerLimits
from tests.phone.tones import tone
from tests.soak.sdp_offers import open_files, settled, shoot, spoilt, whole_offers
from tests.webrtc_rig import PeerGate, Server, connected, ports_of, serve, sockets

STRANGER = "127.0.0.2"
CLIENT_HELLO = bytes.fromhex("16fefd0000000000000000003b0100002f000000000000002ffefd") + bytes(41)
ALERT = bytes.fromhex("15fefd000000000000000000020228")
SOON_S = 5.0


@asynccontextmanager
async def stranger() -> AsyncIterator[socket.socket]:
    """A socket that is no peer of anybody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.setblocking(False)
        mine.bind((STRANGER, 0))
        yield mine


@asynccontextmanager
async def speaking(line: WebrtcLine) -> AsyncIterator[None]:
    """The phone makes a tone, in real time."""

    async def run() -> None:
        clock = asyncio.get_running_loop().time
        begun, sound = clock(), tone(0.02)
        for number in range(10_000):
            await asyncio.sleep(max(0.0, begun + number / 50 - clock()))
            line.say(sound)

    talking = asyncio.create_task(run())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.wait({talking})


async def until(done: Callable[[], bool], within_s: float = SOON_S) -> None:
    async with asyncio.timeout(within_s):
        while not done():  # noqa: ASYNC110 - of another side
            await asyncio.sleep(0.01)


async def still_heard(gate: PeerGate, line: WebrtcLine, within_s: float = SOON_S) -> None:
    """The caller is heard, and hears the answer: from now on, not from before."""
    since, played = len(gate.arrived), len(line.heard())
    voiced = lambda: [e for e in gate.arrived[since:] if isinstance(e, AudioArrived) and rms(e.frame.pcm) > 1000]  # noqa: E731
    await until(lambda: len(voiced()) >= 5, within_s)
    await until(lambda: rms(line.heard()[played:]) > 500, within_s)


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


async def test_offers_that_never_connect_are_refused_beyond_the_cap_and_all_sockets_come_back() -> None:
    gate = PeerGate()
    before = open_files()
    (offer, _) = await whole_offers()
    async with serve(gate, limits=PeerLimits(setup_s=1.0)) as server:

        async def post(number: int) -> int:
            # This machine's proxy says for whom it asks.
            headers = {"Content-Type": "application/sdp", "X-Forwarded-For": f"192.0.2.{number % 10}"}
            async with server.http.post(f"{server.url}/v1/webrtc", data=offer, headers=headers) as response:
                await response.read()
                return response.status

        statuses = Counter([await post(0) for _ in range(20)])
        assert set(statuses) == {201, 429}
        assert statuses[201] <= 8, "of one address"
        statuses = Counter(await asyncio.gather(*(post(number) for number in range(200))))
        assert set(statuses) == {201, 429}
        assert server.sessions <= 32, "of all"
        async with asyncio.timeout(SOON_S):
            while server.sessions:  # noqa: ASYNC110 - of another side
                await asyncio.sleep(0.05)
        assert set(gate.given_up) == {"not_connected"}
        assert await post(0) == 201
    assert await settled(before, SOON_S) <= before


async def test_spoilt_offers_are_refused_or_taken_and_nothing_is_left_of_them() -> None:
    chance = random.Random(20_000)
    before = open_files()
    whole = await whole_offers()
    async with serve(PeerGate()) as server:
        statuses = await shoot(server, [spoilt(whole, chance) for _ in range(300)])
        assert set(statuses) <= {201, 400, 413, 415, 429}
        assert statuses[400] > 100
        assert server.sessions == 0
    assert await settled(before, SOON_S) <= before


async def _refusal(server: Server, offer: str) -> int:
    headers = {"Content-Type": "application/sdp"}
    async with server.http.post(f"{server.url}/v1/webrtc", data=offer, headers=headers) as response:
        problem = await response.json()
    assert server.sessions == 0
    assert problem["status"] == response.status, "a problem document"
    return response.status


def _media(offer: str, kind: str) -> str:
    """Only this medium of an offer."""
    head, *media = offer.split("m=")
    return head + "".join("m=" + each for each in media if each.startswith(kind))


async def test_an_offer_without_sound_of_ours_is_no_call() -> None:
    _, whole = await whole_offers()
    audio, data = _media(whole, "audio"), _media(whole, "application")
    head = whole[: whole.index("m=")]
    async with serve(PeerGate()) as server:
        for offer in (
            data,
            audio.replace("m=audio", "m=video"),
            audio.replace("a=sendrecv", "a=inactive"),
            audio.replace("opus/48000/2", "speex/48000").replace("PCMU", "x").replace("PCMA", "y"),
            audio.replace("m=audio 9", "m=audio 0"),
        ):
            assert await _refusal(server, offer) == 415
        for offer in (
            head,
            "",
            audio.replace("a=fingerprint", "a=no"),
            audio.replace("a=ice-pwd", "a=no"),
            audio.replace("a=setup:actpass", "a=setup:holdconn"),
            audio.replace("sha-256 7B", "md5 7B"),
        ):
            assert await _refusal(server, offer) in {400, 415}


async def test_an_offer_beyond_any_measure_is_refused_at_once() -> None:
    _, whole = await whole_offers()
    clock = asyncio.get_running_loop().time
    section = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n"
    async with serve(PeerGate()) as server:
        for offer in (
            whole + "a=x:" + "y" * 1_000_000 + "\r\n",
            whole + section * 10_000,
            whole + section * 100,
            whole + "a=x\r\n" * 100_000,
        ):
            begun = clock()
            assert await _refusal(server, offer) in {400, 413}
            assert clock() - begun < 2.0


async def test_of_ten_thousand_candidates_few_are_tried_and_no_name_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *host, **_: asked.append(host) or [])
    (ours, _) = await whole_offers()
    more = [f"a=candidate:{number} 1 udp 2130706431 127.0.3.{number} 9 typ host" for number in range(1, 200)]
    more += [f"a=candidate:n{number} 1 udp 2130706431 n{number}.local 9 typ host" for number in range(50)]
    more += ["a=candidate:i 1 udp 2130706431 internal.example.invalid 9 typ host"]
    more += [f"a=candidate:m 1 udp 2130706431 {address} 9 typ host" for address in ("224.0.0.1", "0.0.0.0", "::")]
    offer = ours.replace("a=end-of-candidates\r\n", "\r\n".join(more) + "\r\na=end-of-candidates\r\n", 1)
    async with serve(PeerGate(), limits=PeerLimits(setup_s=0.5)) as server:
        answer = await server.whip.offer(offer)
        session = server.calls._sessions[answer.session]
        assert 1 <= len(session.port._ice.remote_candidates) <= 20
        assert all(each.host.startswith("127.0.") for each in session.port._ice.remote_candidates)
        assert await server.whip.end(answer) == 200
    assert [host for host in asked if "n1" in str(host) or "invalid" in str(host)] == []


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


async def test_an_offer_of_one_call_is_no_way_into_another() -> None:
    """Ids are not guessed; a session is not renegotiated; a trickle for another offer is a conflict; floods end."""
    gate = PeerGate()
    good = "a=candidate:1 1 udp 1 127.0.0.9 9 typ host\r\n"
    fragment = "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" + good
    headers = {"Content-Type": "application/trickle-ice-sdpfrag"}
    async with serve(gate) as server, connected(server) as (line, answer), speaking(line):
        url = f"{server.url}/v1/webrtc"

        async def ask(method: str, path: str, data: str = "", **more: str) -> int:
            async with server.http.request(method, url + path, data=data, headers={**headers, **more}) as response:
                await response.read()
                return response.status

        for stranger_id in ("x", answer.session[:-1], answer.session + "x", "a" * 500, "%00", "..%2f"):
            assert await ask("PATCH", "/" + stranger_id, fragment.format("abcd", "x" * 22)) == 404
            assert await ask("DELETE", "/" + stranger_id) == 404
        session = "/" + answer.session
        assert await ask("PATCH", session, fragment.format("other", "x" * 22)) == 409
        assert await ask("PATCH", session, "nonsense") == 400
        assert await ask("PATCH", session, "a=" + "x" * 1_000_000) == 413
        assert await ask("PATCH", session, line.connection.localDescription.sdp) == 400
        assert await ask("POST", session, line.connection.localDescription.sdp) == 405
        assert await ask("PATCH", session, "v=0", **{"Content-Type": "application/sdp"}) == 415
        statuses = [await ask("PATCH", session, good) for _ in range(100)]
        assert set(statuses) == {204, 429}
        await still_heard(gate, line)
        assert await ask("DELETE", session) == 200
        await until(lambda: server.sessions == 0)
        assert await ask("DELETE", session) == 404


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


async def test_peers_and_strangers_are_told_apart_by_the_socket_too() -> None:
    """A stranger that knows the ports of both sides and sends sealed packets of another call's is not heard."""
    gate = PeerGate()
    async with serve(gate) as server, connected(server) as (line, answer), connected(server) as (other, _):
        (port,) = ports_of(answer.sdp)
        captured: list[bytes] = []
        transport = sockets(other)[0]
        send = transport.sendto
        transport.sendto = lambda data, addr=None: (captured.append(data), send(data, addr))[1]  # type: ignore[assignment,func-returns-value]
        async with speaking(other):
            await until(lambda: len(captured) > 30)
        async with speaking(line), stranger() as mine:
            for each in captured:
                await asyncio.get_running_loop().sock_sendto(mine, each, port)
                sockets(line)[0].sendto(each, port)
            await still_heard(gate, line)
        assert len(gate.talking) == 2

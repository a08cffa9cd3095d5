"""A port against a stock peer of aiortc's, over real sockets of the loopback."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from fractions import Fraction

import numpy as np
import pytest
from aioice.ice import StunProtocol
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport
from av import AudioFrame
from typing_extensions import override

from media_server.errors import PeerError
from media_server.protocol.webrtc_sdp import parse_offer
from media_server.transports.port import AudioArrived, DigitArrived, PortEvent, TextArrived
from media_server.transports.webrtc import PeerLimits, WebRtcPort
from media_server.transports.webrtc_ice import IceSettings
from media_server.transports.webrtc_secure import Certificate

LOOPBACK = IceSettings(addresses=("127.0.0.1",))
CERTIFICATE = Certificate.generateCertificate()


class Tone(MediaStreamTrack):
    """440 Hz, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._n = 0
        self._begun = asyncio.get_running_loop().time()

    @override
    async def recv(self) -> AudioFrame:
        await asyncio.sleep(self._begun + self._n * 0.02 - asyncio.get_running_loop().time())
        t = (np.arange(960) + self._n * 960) / 48_000
        frame = AudioFrame.from_ndarray((np.sin(2 * np.pi * 440 * t) * 8000).astype(np.int16)[None, :], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._n * 960, Fraction(1, 48_000)
        self._n += 1
        return frame


class Peer:
    """A stock peer: it makes a tone, and keeps what it hears and is told."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(Tone())
        self.channel = self.connection.createDataChannel("events")
        self.told: list[object] = []
        self.peaks: list[int] = []
        self.news = asyncio.Event()
        self.channel.on("message", self._message)
        self.connection.on("track", self._track)
        self._tasks: list[asyncio.Task[None]] = []

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():
                self.news.clear()
                await self.news.wait()

    async def aclose(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _message(self, message: str) -> None:
        self.told.append(json.loads(message))
        self.news.set()

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._hear(track)))

    async def _hear(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                self.peaks.append(int(np.abs(frame.to_ndarray()).max()))
                self.news.set()


class Heard:
    """Reads a port as a leg does."""

    def __init__(self, port: WebRtcPort) -> None:
        self.port = port
        self.events: list[PortEvent] = []
        self.news = asyncio.Event()
        self.task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for event in self.port.events():
            self.events.append(event)
            self.news.set()

    async def until(self, done: Callable[[list[PortEvent]], bool]) -> None:
        async with asyncio.timeout(10):
            while not done(self.events):
                self.news.clear()
                await self.news.wait()

    @property
    def sound(self) -> list[AudioArrived]:
        return [event for event in self.events if isinstance(event, AudioArrived)]


@asynccontextmanager
async def connected(
    limits: PeerLimits | None = None, *, longest: int = 65_536
) -> AsyncIterator[tuple[WebRtcPort, Peer, Heard]]:
    peer = Peer()
    offer = re.sub("(?<=a=max-message-size:)[0-9]+", str(longest), await peer.offer())
    port = WebRtcPort(parse_offer(offer), LOOPBACK, CERTIFICATE, limits or PeerLimits())
    await peer.answered(await port.answer())
    await port.connect()
    heard = Heard(port)
    try:
        yield port, peer, heard
    finally:
        await port.release()
        await heard.task
        await peer.aclose()


async def test_sound_goes_both_ways() -> None:
    async with connected() as (port, peer, heard):
        await heard.until(lambda _: len(heard.sound) > 40)
        frame = heard.sound[-1].frame
        spectrum = np.abs(np.fft.rfft(np.frombuffer(b"".join(e.frame.pcm for e in heard.sound[-25:]), "<i2")))
        assert frame.sample_rate == 16_000
        assert np.argmax(spectrum) / 0.5 == pytest.approx(440, abs=4)
        assert [e.frame.position for e in heard.sound] == [n * 320 for n in range(len(heard.sound))]
        for _ in range(20):
            await port.send((np.sin(np.arange(320) / 10) * 8000).astype("<i2").tobytes())
            await asyncio.sleep(0.02)
        await peer.until(lambda: max(peer.peaks) > 4000)


async def test_keys_and_text_come_over_the_channel_and_events_go() -> None:
    async with connected() as (port, peer, heard):
        port.send_text('{"type": "hello"}')
        await peer.until(lambda: {"type": "hello"} in peer.told)
        for message in ('{"type":"digit","digit":"7"}', "{", '{"type":"text","text":"good morning"}', '{"type":"x"}'):
            peer.channel.send(message)
        await heard.until(lambda events: TextArrived("good morning") in events)
        assert DigitArrived("7") in heard.events
        assert port._channel.irregular["bad_message"] >= 1


async def test_what_is_told_before_the_channel_is_open_is_not_lost() -> None:
    async with connected() as (port, peer, _):
        for n in range(20):
            port.send_text(json.dumps({"n": n}))
        await peer.until(lambda: len(peer.told) == 20)
        assert peer.told == [{"n": n} for n in range(20)]


async def test_what_is_longer_than_a_page_takes_is_left_out_and_the_call_goes_on() -> None:
    async with connected(longest=1000) as (port, peer, _):
        port.send_text("{}")
        await peer.until(lambda: {} in peer.told)
        port.send_text(json.dumps({"text": "x" * 1000}))
        port.send_text(json.dumps({"n": 1}))
        await peer.until(lambda: {"n": 1} in peer.told)
        assert port._channel.irregular["too_long"] == 1


async def test_a_peer_that_closes_has_hung_up() -> None:
    async with connected() as (port, peer, heard):
        await peer.connection.close()
        await asyncio.wait_for(heard.task, 10)
        assert port.ended_reason == "caller_hangup"


async def test_a_peer_that_vanishes_is_given_up() -> None:
    async with connected(PeerLimits(media_s=0.5)) as (port, peer, heard):
        for transceiver in peer.connection.getTransceivers():
            for protocol in transceiver.receiver.transport.transport._connection._protocols:
                protocol.transport.abort()
        await asyncio.wait_for(heard.task, 10)
        assert port.ended_reason == "media_timeout"


async def test_after_the_end_of_sound_events_can_still_be_told() -> None:
    async with connected() as (port, peer, heard):
        await peer.until(lambda: len(peer.peaks) > 5)
        await port.aclose()
        await heard.task
        await port.send(bytes(640))
        port.send_text('{"type": "call_ended"}')
        await port.release()
        await peer.until(lambda: {"type": "call_ended"} in peer.told)


async def test_who_never_connects_is_given_up_and_every_socket_comes_back() -> None:
    peer = Peer()
    port = WebRtcPort(parse_offer(await peer.offer()), LOOPBACK, CERTIFICATE, PeerLimits(setup_s=0.2))
    await port.answer()
    with pytest.raises(PeerError, match="not connected within"):
        await port.connect()
    await port.release()
    assert port._ice._protocols == []
    await peer.aclose()


async def test_who_hangs_up_before_it_is_connected_does_not_wait() -> None:
    peer = Peer()
    port = WebRtcPort(parse_offer(await peer.offer()), LOOPBACK, CERTIFICATE, PeerLimits())
    await port.answer()
    connecting = asyncio.ensure_future(port.connect())
    await asyncio.sleep(0.05)
    port.hang_up()
    with pytest.raises(PeerError, match="gone"):
        await asyncio.wait_for(connecting, 1)
    await port.release()
    await peer.aclose()


async def test_a_certificate_that_was_not_announced_is_no_peer() -> None:
    peer = Peer()
    offer = (await peer.offer()).split("\r\n")
    other = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
    wrong = [other if "a=fingerprint:sha-256" in line else line for line in offer]
    lines = [line for line in wrong if "sha-384" not in line and "sha-512" not in line]
    port = WebRtcPort(parse_offer("\r\n".join(lines)), LOOPBACK, CERTIFICATE, PeerLimits(setup_s=3))
    await peer.answered(await port.answer())
    with pytest.raises(PeerError, match="handshake"):
        await port.connect()
    await port.release()
    await peer.aclose()


def test_the_private_parts_that_are_leaned_on_are_there() -> None:
    for owner, names in {
        RTCDtlsTransport: ("_set_role", "_setup_srtp", "_send_data"),
        RTCSctpTransport: (
            *("_handle_data", "_abort", "_set_state", "_receive_data_chunk"),
            *("_receive_sack_chunk", "_receive_forward_tsn_chunk"),
        ),
        StunProtocol: ("datagram_received",),
    }.items():
        assert all(hasattr(owner, name) for name in names)


async def test_a_goodbye_is_believed_only_where_nothing_follows() -> None:
    async with connected() as (port, peer, heard):
        await heard.until(lambda _: len(heard.sound) > 5)
        ssrc = port.session._reception.ssrc if port.session._reception is not None else 0
        port.session.receive_rtcp(b"\x81\xcb\0\x01" + ssrc.to_bytes(4, "big"), asyncio.get_running_loop().time())
        assert port.session.left_at is not None
        heard.events.clear()
        await heard.until(lambda _: len(heard.sound) > 10)
        assert port.session.left_at is None
        assert not port.over.is_set()
        await peer.connection.getSenders()[0].stop()
        await asyncio.wait_for(heard.task, 10)
        assert port.ended_reason == "caller_hangup"

"""What a peer that has every right to call can have us do: little. All that is sent is sealed with its own keys."""

import asyncio
import gc
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import structlog.testing
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aioice import stun
from aiortc.rtcdtlstransport import RTCCertificate, SRTPProtectionProfile
from aiortc.rtcsctptransport import DataChunk, ForwardTsnChunk, RTCSctpTransport, SackChunk
from aiortc.rtp import RtpPacket
from cryptography.hazmat.primitives.serialization import Encoding
from multidict import CIMultiDict
from OpenSSL import SSL, crypto
from typing_extensions import override

from media_server.api.webrtc import _address_of
from media_server.errors import PeerError
from media_server.protocol.webrtc_sdp import Candidate, parse_offer
from media_server.transports.webrtc import PeerLimits, WebRtcPort
from media_server.transports.webrtc_ice import MAX_REMOTE, IceConnection
from media_server.transports.webrtc_secure import MAX_SOURCES
from tests.transports.test_webrtc import CERTIFICATE, LOOPBACK, Heard, Peer, connected
from tests.webrtc_rig import PeerGate, serve

SOON_S = 5.0


def sctp_of(peer: Peer) -> RTCSctpTransport:
    assert peer.connection.sctp is not None
    return peer.connection.sctp


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not done():  # noqa: ASYNC110 - of another side
            await asyncio.sleep(0.01)


async def longest_turn(seconds: float) -> float:
    """How long others waited for their turn, at most."""
    worst, end = 0.0, time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - begun)
    return worst


async def send_rtp(peer: Peer, data: bytes) -> None:
    transport = sctp_of(peer).transport
    await transport.transport._send(transport._tx_srtp.protect(data))


async def still_heard(heard: Heard) -> None:
    heard.events.clear()
    await heard.until(lambda _: len(heard.sound) > 10)


@asynccontextmanager
async def in_touch() -> AsyncIterator[tuple[WebRtcPort, Peer, Heard]]:
    """A call in which a message has come over the channel."""
    async with connected() as (port, peer, heard):
        port.send_text("{}")
        await peer.until(lambda: {} in peer.told)
        yield port, peer, heard


@asynccontextmanager
async def nothing_unheard_of() -> AsyncIterator[None]:
    """No task or callback of the loop ends with an exception that nobody takes."""
    gc.collect()  # of others
    loop = asyncio.get_running_loop()
    seen: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: seen.append(context))
    try:
        yield
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    assert seen == []


async def test_gaps_in_what_was_never_sent_are_not_counted_through() -> None:
    async with in_touch() as (port, peer, heard):
        sctp = sctp_of(peer)
        chunk = SackChunk()
        chunk.cumulative_tsn = sctp._last_received_tsn or 0
        chunk.gaps = [(1, 65_535)] * 40
        await sctp._send_chunk(chunk)
        assert await longest_turn(0.5) < 0.25
        assert port._data is not None
        assert port._data.state == "closed"
        await still_heard(heard)


@pytest.mark.parametrize("kind", ["fragments", "gaps", "streams", "forward"])
async def test_what_costs_the_peer_nothing_is_not_kept_without_end(kind: str) -> None:
    async with in_touch() as (port, peer, heard):
        sctp = sctp_of(peer)
        for n in range(600):
            chunk = DataChunk(flags=3 if kind == "streams" else 2 if n == 0 else 0)
            chunk.tsn = (sctp._local_tsn + n * (2 if kind == "gaps" else 1)) % (1 << 32)
            chunk.stream_id, chunk.stream_seq, chunk.protocol = n if kind == "streams" else 9, 0, 51
            chunk.user_data = b""
            await sctp._send_chunk(chunk)
            if kind == "forward":
                forward = ForwardTsnChunk()
                forward.cumulative_tsn, forward.streams = sctp._local_tsn, [(m, 1) for m in range(250)]
                await sctp._send_chunk(forward)
                break
        assert port._data is not None
        await until(lambda: port._data is not None and port._data.state == "closed")
        assert len(port._data._inbound_streams) < 50
        await still_heard(heard)


async def test_sources_without_end_are_not_kept() -> None:
    async with connected() as (port, peer, heard):
        await still_heard(heard)
        for n in range(2 * MAX_SOURCES):
            packet = RtpPacket(payload_type=96, sequence_number=1, timestamp=0, ssrc=n + 1, payload=b"\xf8\xff\xfe")
            await send_rtp(peer, packet.serialize())
        await until(lambda: port._ice.irregular["too_many_sources"] >= MAX_SOURCES)
        await still_heard(heard)


async def test_packets_that_no_buffer_holds_are_counted_and_raise_nothing() -> None:
    async with nothing_unheard_of(), connected() as (port, peer, heard):
        for size in (1501, 2048, 4096):
            await sctp_of(peer).transport.transport._send(b"\x80" + bytes(size - 1))
        await until(lambda: port._ice.irregular["bad_srtp"] == 3)
        await still_heard(heard)


async def test_a_peer_that_floods_is_heard_as_much_as_a_peer_may_say() -> None:
    async with connected() as (port, peer, _):
        packet = RtpPacket(payload_type=50, sequence_number=1, timestamp=0, ssrc=7, payload=bytes(20)).serialize()
        for _ in range(4000):
            await send_rtp(peer, packet)
            await asyncio.sleep(0)
            if port._ice.irregular["packet_flood"]:
                break
        assert port._ice.irregular["packet_flood"]


async def test_of_addresses_told_and_seen_so_many_are_taken() -> None:
    ice = IceConnection(LOOPBACK)
    await ice.gather_candidates()
    ice.remote_username, ice.remote_password = "abcd", "p" * 22
    for n in range(500):
        await ice.add(Candidate(f"127.1.{n // 250}.{n % 250}", 9, n + 1, "host"))
    assert len(ice.remote_candidates) == MAX_REMOTE == len(ice._check_list)
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["PRIORITY"] = 1
    ice.check_incoming(message, ("127.3.0.1", 9), ice._protocols[0])
    assert len(ice._check_list) == MAX_REMOTE
    assert ice.irregular == {"candidate_unused": 500 - MAX_REMOTE, "too_many_addresses": 1}
    await ice.close()


async def test_a_peer_that_is_gone_is_sent_nothing_and_nobody_stumbles_over_that() -> None:
    async with nothing_unheard_of(), in_touch() as (port, peer, heard):
        await sctp_of(peer).transport.stop()  # as a browser that closes: no word of it over the channel
        await asyncio.wait_for(heard.task, SOON_S)
        port.send_text('{"type":"call_ended"}')
        await asyncio.sleep(0.05)
        await port.release()


async def test_what_a_peer_that_vanished_never_took_is_not_sent_again_for_ever() -> None:
    async with in_touch() as (port, peer, _):
        for protocol in sctp_of(peer).transport.transport._connection._protocols:
            protocol.transport.abort()
        port.send_text('{"type":"call_ended"}')
        await asyncio.sleep(0.05)
        assert port._data is not None
        assert port._data._t3_handle is not None
        await port.release()
        assert port._data._t3_handle is None
        assert port._secure.state != "connected"


async def test_what_is_no_text_shuts_the_channel_and_is_written_into_no_log() -> None:
    async with in_touch() as (port, peer, heard):
        with structlog.testing.capture_logs() as logs:
            assert peer.channel.id is not None
            await sctp_of(peer)._send(peer.channel.id, 51, b"my card is 4111\xff")
            await until(lambda: port._data is not None and port._data.state == "closed")
        assert [each["event"] for each in logs] == ["webrtc.data_channel_shut"]
        assert "4111" not in str(logs)
        await still_heard(heard)


async def test_hanging_up_where_the_path_is_gone_raises_nothing() -> None:
    async with connected() as (port, _, heard):
        port._ice._nominated.clear()
        await port.aclose()
        await heard.task


def test_who_asks_is_what_the_nearest_proxy_says() -> None:
    headers = CIMultiDict([("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9, 192.0.2.7")])
    transport = SimpleNamespace(get_extra_info=lambda _: ("127.0.0.1", 1))
    request = make_mocked_request("POST", "/v1/webrtc", headers=headers, transport=transport)
    assert _address_of(request) == "192.0.2.7"


async def test_the_place_of_a_call_that_never_came_about_is_another_s_when_the_server_ends_too() -> None:
    gate = PeerGate()
    async with serve(gate) as server:
        peer = Peer()
        await server.whip.offer(await peer.offer())
        await server.calls.shut_down(web.Application())
        assert gate.given_up == ["not_connected"]
        await peer.aclose()


class OfVersion2(RTCCertificate):
    """One that OpenSSL reads, and `cryptography` does not."""

    @override
    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        der = self._cert.public_bytes(Encoding.DER)
        der = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.use_certificate(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
        return context


async def test_a_certificate_that_cannot_be_read_is_no_peer() -> None:
    async with nothing_unheard_of():
        peer = Peer()
        transport = peer.connection.getTransceivers()[0].sender.transport
        vars(transport)["_RTCDtlsTransport__local_certificate"] = OfVersion2.generateCertificate()
        port = WebRtcPort(parse_offer(await peer.offer()), LOOPBACK, CERTIFICATE, PeerLimits(setup_s=3))
        await peer.answered(await port.answer())
        with pytest.raises(PeerError, match="handshake"):
            await port.connect()
        await port.release()
        await peer.aclose()

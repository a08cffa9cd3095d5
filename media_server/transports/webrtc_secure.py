"""DTLS-SRTP (RFC 5764) and data channels (RFC 8831) by aiortc, on our own ICE and with our own media path.

aiortc's receiver decodes behind a jitter buffer in which one lost packet costs 320 ms of silence and 200 ms of delay
for good. So nothing of aiortc sees the sound: packets are decrypted here, where they come out of the socket, with the
keys of its handshake.
A data channel that does not keep to its bounds, or sends what SCTP's parser stumbles over, is shut; the call goes on.

Private parts of aiortc that this leans on: of `RTCDtlsTransport` its SRTP sessions and its role; of the transport below
it `_recv`, `_send`, `role`; of `RTCSctpTransport` what takes data in, its window, channels and queues.
The version is pinned, and `tests/transports/test_webrtc.py` fails where they are not as they were.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is named like a variable
from typing import Final, cast

import pylibsrtp
import structlog
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from OpenSSL import SSL
from typing_extensions import override

from media_server.protocol.webrtc_sdp import SCTP_PORT, Offer
from media_server.transports.webrtc_ice import IceConnection

RTCP: Final = range(192, 224)
"""Second bytes of it, where it shares a path with RTP (RFC 5761)."""
DTLS_1_2: Final = 0xFEFD
MAX_CHANNELS: Final = 4
FLUSH_STEP_S: Final = 0.02
MAX_REASSEMBLY: Final = 128 * 1024
"""Bytes of unfinished messages that are kept."""

_log = structlog.get_logger(__name__)


class Certificate(RTCCertificate):
    """Of this process; nothing older than DTLS 1.2 is spoken with it."""

    @override
    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_min_proto_version(DTLS_1_2)
        return context

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 digest, as SDP has it."""
        return next(each.value for each in self.getFingerprints() if each.algorithm == "sha-256")


@dataclass(frozen=True, slots=True)
class _Below:
    """What DTLS sees of ICE."""

    connection: IceConnection

    @property
    def role(self) -> str:
        return "controlled"

    async def _recv(self) -> bytes:
        return await self.connection.recv()

    async def _send(self, data: bytes) -> None:
        await self.connection.send(data)


class SecureTransport(RTCDtlsTransport):
    """What is decrypted goes to `on_rtp` and `on_rtcp`."""

    def __init__(
        self,
        connection: IceConnection,
        certificate: Certificate,
        *,
        on_rtp: Callable[[bytes], None],
        on_rtcp: Callable[[bytes], None],
    ) -> None:
        super().__init__(cast("RTCIceTransport", _Below(connection)), [certificate])
        self._connection = connection
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp

    async def shake_hands(self, offer: Offer) -> bool:
        """The handshake; whether it came to a connection with the one who made the offer."""
        self._set_role("client" if offer.setup == "active" else "server")
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in offer.fingerprints]
        await self.start(RTCDtlsParameters(fingerprints=fingerprints))
        if self.state == "connected":
            self._connection.on_media = self._receive
        return self.state == "connected"

    def send_rtp(self, packet: bytes) -> None:
        """Send a packet; it waits for nothing.

        Raises:
            ConnectionError: There is no connection any more.
        """
        self._check_connected()
        self._connection.send_now(self._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Send a report.

        Raises:
            ConnectionError: There is no connection any more.
        """
        self._check_connected()
        self._connection.send_now(self._tx_srtp.protect_rtcp(packet))

    def _check_connected(self) -> None:
        if self.state != "connected":
            raise ConnectionError("not connected")

    def _receive(self, data: bytes) -> None:
        try:
            if len(data) > 1 and data[1] in RTCP:
                self._on_rtcp(self._rx_srtp.unprotect_rtcp(data))
            else:
                self._on_rtp(self._rx_srtp.unprotect(data))
        except pylibsrtp.Error:
            self._connection.irregular["bad_srtp"] += 1


class DataTransport(RTCSctpTransport):
    """SCTP with bounds."""

    def __init__(self, transport: SecureTransport) -> None:
        super().__init__(transport, SCTP_PORT)
        self._shut = False
        self._room = self._advertised_rwnd

    async def begin(self, offer: Offer) -> None:
        """Set up the association."""
        capabilities = offer.data.first("max-message-size") if offer.data is not None else None
        size = int(capabilities[:9]) if capabilities and capabilities.isascii() and capabilities.isdigit() else 65_536
        await self.start(RTCSctpCapabilities(maxMessageSize=size), offer.sctp_port)

    async def flushed(self) -> None:
        """Until the peer has what was sent."""
        while (self._outbound_queue or self._sent_queue or self._data_channel_queue) and not self._shut:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(FLUSH_STEP_S)

    @override
    async def _handle_data(self, data: bytes) -> None:
        if self._shut:
            return
        try:
            await super()._handle_data(data)
        except (AssertionError, ValueError, KeyError, IndexError, AttributeError, StructError) as error:
            await self._shut_down(repr(error))
        if self._room - self._advertised_rwnd > MAX_REASSEMBLY or len(self._data_channels) > MAX_CHANNELS:
            await self._shut_down("more than is taken")

    async def _shut_down(self, reason: str) -> None:
        _log.warning("webrtc.data_channel_shut", reason=reason)
        self._shut = True
        await self._abort()
        self._set_state(self.State.CLOSED)

"""DTLS-SRTP (RFC 5764) by aiortc, on our own ICE and with our own media path.

aiortc's receiver decodes behind a jitter buffer in which one lost packet costs 320 ms of silence and 200 ms of delay
for good. So nothing of aiortc sees the sound: packets are decrypted here, where they come out of the socket, with the
keys of its handshake.
The data channels beside it are in `webrtc_data.py`.

Private parts of aiortc that this leans on: of `RTCDtlsTransport` its SRTP sessions, its role, and how SCTP sends; of
the transport below it `_recv`, `_send`, `role`. The version is pinned, and `tests/transports/test_webrtc.py` fails
where they are not as they were.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

import pylibsrtp
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from aiortc.rtcicetransport import RTCIceTransport
from cryptography.x509 import InvalidVersion
from OpenSSL import SSL
from typing_extensions import override

from media_server.protocol.webrtc_sdp import Offer
from media_server.transports.webrtc_ice import IceConnection

RTCP: Final = range(192, 224)
"""Second bytes of it, where it shares a path with RTP (RFC 5761)."""
DTLS_1_2: Final = 0xFEFD
MAX_SOURCES: Final = 32
"""Of one peer, in a call. libsrtp keeps the state of each for good, in a list that it goes through for every packet."""


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
        self._sources: set[bytes] = set()

    async def shake_hands(self, offer: Offer) -> bool:
        """The handshake; whether it came to a connection with the one who made the offer."""
        self._set_role("client" if offer.setup == "active" else "server")
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in offer.fingerprints]
        try:
            await self.start(RTCDtlsParameters(fingerprints=fingerprints))
        except (InvalidVersion, ValueError, SSL.Error, pylibsrtp.Error):
            # A certificate that OpenSSL takes and `cryptography` does not; keys that cannot be exported.
            return False
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
        """Send a report; where there is no connection any more, nobody misses it."""
        with suppress(ConnectionError):
            self._check_connected()
            self._connection.send_now(self._tx_srtp.protect_rtcp(packet))

    def _check_connected(self) -> None:
        if self.state != "connected":
            raise ConnectionError("not connected")

    @override
    async def _send_data(self, data: bytes) -> None:
        """What SCTP sends. After the end it goes nowhere: the tasks and timers that send it are nobody's to await."""
        if self.state == "connected":
            with suppress(ConnectionError, SSL.Error):
                await super()._send_data(data)

    def _receive(self, data: bytes) -> None:
        is_rtcp = len(data) > 1 and data[1] in RTCP
        source = data[4:8] if is_rtcp else data[8:12]
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            self._connection.irregular["too_many_sources"] += 1
            return
        try:
            plain = self._rx_srtp.unprotect_rtcp(data) if is_rtcp else self._rx_srtp.unprotect(data)
        except (pylibsrtp.Error, ValueError):  # not sealed by the peer, or longer than libsrtp's buffer
            self._connection.irregular["bad_srtp"] += 1
            return
        self._sources.add(source)
        if is_rtcp:
            self._on_rtcp(plain)
        else:
            self._on_rtp(plain)

"""RTCP (RFC 3550, section 6): what we report of a stream each way, and what we read of reports. Pure.

We send compound packets: a sender report with a reception report in it, our CNAME, and at the end a goodbye. Of what
comes we read goodbyes and when the other side's latest sender report was; all else is read over.
"""

import struct
from dataclasses import dataclass
from typing import Final

from media_server.errors import ProtocolViolation
from media_server.protocol.rtp import MAX_SEQUENCE, sequence_delta

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203
INTERVAL_S: Final = 5.0
"""Between two reports of ours."""
NTP_EPOCH_S: Final = 2_208_988_800
"""From 1900 to 1970."""

_HEADER = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!LQLLL")
_REPORT = struct.Struct("!LLLLLL")
_MAX_LOST = 0x7F_FFFF
_MAX_PACKETS = 32


@dataclass(frozen=True, slots=True)
class Sent:
    """What we sent so far. `ntp`: wall-clock time in 1/2^32 s since 1900, at which `timestamp` was due."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What an RTCP packet told."""

    goodbye: bool = False
    ssrc: int = 0
    report_ntp_middle: int | None = None
    """The middle 32 bits of the time of a sender report."""


class Reception:
    """The statistics of one incoming stream (RFC 3550, appendix A.3 and A.8). Timestamps are in `clock_rate`."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.jitter = 0.0
        """In units of the clock rate."""
        self._rate = clock_rate
        self._first: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._before = (0, 0)
        self._report: tuple[int, float] | None = None

    def receive(self, sequence: int, timestamp: int, now: float) -> None:
        """A packet of sound came."""
        self.count(sequence)
        transit = now * self._rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < self._rate:  # a jump of the timestamp is no jitter
                self.jitter += (difference - self.jitter) / 16
        self._transit = transit

    def count(self, sequence: int) -> None:
        """A packet came, of whatever payload: keys have their place in the sequence, and one timestamp for many."""
        self.received += 1
        if self._first is None:
            self._first = self._highest = sequence
        else:
            self._highest += max(0, sequence_delta(sequence, self._highest % MAX_SEQUENCE))

    def reported(self, ntp_middle: int, now: float) -> None:
        """A sender report came."""
        self._report = (ntp_middle, now)

    @property
    def expected(self) -> int:
        """Packets that were sent to us, as far as we know."""
        return 0 if self._first is None else self._highest - self._first + 1

    @property
    def lost(self) -> int:
        """Packets that did not come."""
        return max(0, self.expected - self.received)

    def report(self, now: float) -> bytes:
        """One report block; the fraction lost is of the time since the last one."""
        expected, received = self.expected - self._before[0], self.received - self._before[1]
        self._before = (self.expected, self.received)
        fraction = 0 if expected <= 0 else min(255, max(0, expected - received) * 256 // expected)
        middle, since = self._report or (0, now)
        return _REPORT.pack(
            self.ssrc,
            fraction << 24 | min(self.lost, _MAX_LOST),
            self._highest & 0xFFFF_FFFF,
            round(self.jitter) & 0xFFFF_FFFF,
            middle,
            min(0xFFFF_FFFF, int((now - since) * 65536)),
        )


def serialize_report(sent: Sent, reception: bytes | None, cname: str, *, goodbye: bool = False) -> bytes:
    """A compound packet: a sender report, our name, and whether we leave."""
    body = _SENDER_INFO.pack(sent.ssrc, sent.ntp, sent.timestamp, sent.packets, sent.octets) + (reception or b"")
    name = cname.encode()[:255]
    chunk = struct.pack("!LBB", sent.ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    packets = [(SENDER_REPORT, int(reception is not None), body), (SOURCE_DESCRIPTION, 1, chunk)]
    if goodbye:
        packets.append((GOODBYE, 1, struct.pack("!L", sent.ssrc)))
    return b"".join(_HEADER.pack(0x80 | count, kind, len(body) // 4) + body for kind, count, body in packets)


def parse_rtcp(data: bytes) -> list[Heard]:
    """Read a compound packet.

    Raises:
        ProtocolViolation: It is none.
    """
    heard: list[Heard] = []
    at = packets = 0
    while at < len(data):
        packets += 1
        if len(data) - at < _HEADER.size or packets > _MAX_PACKETS:
            raise ProtocolViolation("no RTCP packet")
        first, kind, words = _HEADER.unpack_from(data, at)
        body = data[at + 4 : at + 4 + 4 * words]
        at += 4 + 4 * words
        if first >> 6 != 2 or at > len(data):  # noqa: PLR2004 - the version
            raise ProtocolViolation("no RTCP packet")
        if kind == SENDER_REPORT and len(body) >= _SENDER_INFO.size:
            ssrc, ntp, *_ = _SENDER_INFO.unpack_from(body)
            heard.append(Heard(ssrc=ssrc, report_ntp_middle=ntp >> 16 & 0xFFFF_FFFF))
        elif kind == GOODBYE and len(body) >= 4:  # noqa: PLR2004 - one source
            heard.append(Heard(goodbye=True, ssrc=struct.unpack_from("!L", body)[0]))
    return heard


def ntp_of(unix_s: float) -> int:
    """Wall-clock time as RTCP has it."""
    return int((unix_s + NTP_EPOCH_S) * (1 << 32))

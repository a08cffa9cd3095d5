"""RTP packets (RFC 3550, section 5.1) and the arithmetic of their counters. Pure."""

import struct
from dataclasses import dataclass
from typing import Final

from media_server.errors import ProtocolViolation

_HEADER = struct.Struct("!BBHLL")
_EXTENSION = struct.Struct("!HH")
_VERSION = 2
MAX_SEQUENCE: Final = 1 << 16
MAX_TIMESTAMP: Final = 1 << 32


def sequence_delta(later: int, earlier: int) -> int:
    """How far one sequence number is behind another, around the corner too: -32768 to 32767."""
    return (later - earlier + 0x8000) % MAX_SEQUENCE - 0x8000


def timestamp_delta(later: int, earlier: int) -> int:
    """How far one timestamp is behind another, around the corner too."""
    return (later - earlier + 0x8000_0000) % MAX_TIMESTAMP - 0x8000_0000


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet; header extensions and contributing sources are read over."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def serialize(self) -> bytes:
        """As it goes over the wire."""
        second = self.payload_type | (self.marker << 7)
        return _HEADER.pack(_VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse_rtp(data: bytes) -> RtpPacket:
    """Read a packet.

    Raises:
        ProtocolViolation: It is none.
    """
    if len(data) < _HEADER.size:
        raise ProtocolViolation("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != _VERSION:
        raise ProtocolViolation("not version 2 of RTP")
    begin = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < begin + _EXTENSION.size:
            raise ProtocolViolation("the header extension is cut off")
        begin += _EXTENSION.size + 4 * _EXTENSION.unpack_from(data, begin)[1]
    end = len(data) - data[-1] if first & 0x20 else len(data)
    if begin > end or (first & 0x20 and not data[-1]):
        raise ProtocolViolation("the packet is cut off")
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, data[begin:end], bool(second & 0x80))

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.rtp import RtpPacket, parse_rtp, sequence_delta, timestamp_delta
from media_server.protocol.telephone_event import TelephoneEvents

packets = st.builds(
    RtpPacket,
    st.integers(0, 127),
    st.integers(0, 65_535),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 32) - 1),
    st.binary(max_size=200),
    st.booleans(),
)


@given(packets)
def test_what_is_written_is_read(packet: RtpPacket) -> None:
    assert parse_rtp(packet.serialize()) == packet


@given(st.binary(max_size=100))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_rtp(data)


def test_sources_extensions_and_padding_are_read_over() -> None:
    head = struct.pack("!BBHLL", 0x80 | 0x20 | 0x10 | 2, 0x80 | 111, 7, 8, 9)
    extension = struct.pack("!HH", 0xBEDE, 1) + b"\x10\xff\0\0"
    data = head + bytes(8) + extension + b"sound" + b"\0\0\x03"
    assert parse_rtp(data) == RtpPacket(111, 7, 8, 9, b"sound", marker=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(11),
        b"\x40" + bytes(11),
        b"\x8f" + bytes(11),
        b"\x90" + bytes(11) + b"\0\0\0\xff",
        b"\xa0" + bytes(11),
        b"\xa0" + bytes(11) + b"\xff",
    ],
)
def test_what_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_rtp(data)


def test_counters_go_around_the_corner() -> None:
    assert sequence_delta(3, 65_533) == 6
    assert sequence_delta(65_533, 3) == -6
    assert timestamp_delta(100, (1 << 32) - 60) == 160


def test_a_key_is_told_once_at_its_first_packet() -> None:
    events = TelephoneEvents()
    first, end = bytes([5, 0x0A, 0, 160]), bytes([5, 0x8A, 3, 32])
    assert [events.receive(1000, payload) for payload in (first, first, end, end, end)] == ["5", None, None, None, None]
    assert events.receive(9000, bytes([11, 0x8A, 0, 0])) == "#"
    assert events.receive(9100, bytes([16, 0, 0, 0])) is None
    assert events.receive(9200, b"\x01") is None

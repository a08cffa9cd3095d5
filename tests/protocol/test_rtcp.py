import contextlib
import struct

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpSdesPacket, RtcpSrPacket
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.rtcp import Heard, Reception, Sent, ntp_of, parse_rtcp, serialize_report

SENT = Sent(ssrc=0x1234, ntp=ntp_of(1_700_000_000.5), timestamp=4_000_000_000, packets=50, octets=8000)


def reception(losing: tuple[int, ...] = (), first: int = 65_500) -> Reception:
    stream = Reception(99, 8000)
    for n in range(100):
        if n not in losing:
            stream.receive((first + n) % 65_536, n * 160, n * 0.02)
    return stream


def test_another_implementation_reads_our_report() -> None:
    stream = reception(losing=(10, 11, 50))
    stream.reported(0xABCD1234, now=1.0)
    read = RtcpPacket.parse(serialize_report(SENT, stream.report(now=3.5), "me", goodbye=True))
    sender, name, bye = read
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(name, RtcpSdesPacket)
    assert isinstance(bye, RtcpByePacket)
    assert (sender.ssrc, sender.sender_info.packet_count, sender.sender_info.octet_count) == (0x1234, 50, 8000)
    assert sender.sender_info.ntp_timestamp == SENT.ntp
    [report] = sender.reports
    assert (report.ssrc, report.packets_lost, report.fraction_lost) == (99, 3, 3 * 256 // 100)
    assert report.highest_sequence == 65_500 + 99, "a cycle is counted"
    assert (report.lsr, report.dlsr) == (0xABCD1234, round(2.5 * 65_536))
    assert name.chunks[0].items == [(1, b"me")]
    assert bye.sources == [0x1234]


def test_the_fraction_lost_is_of_the_time_since_the_last_report() -> None:
    stream = reception(losing=(5,))
    stream.report(now=2.0)
    sender = RtcpPacket.parse(serialize_report(SENT, stream.report(now=4.0), ""))[0]
    assert isinstance(sender, RtcpSrPacket)
    [report] = sender.reports
    assert report.fraction_lost == 0
    assert report.packets_lost == 1


def test_jitter_is_that_of_the_arrivals() -> None:
    steady, shaky = Reception(1, 8000), Reception(1, 8000)
    for n in range(500):
        steady.receive(n, n * 160, n * 0.02)
        shaky.receive(n, n * 160, n * 0.02 + 0.01 * (n % 2))
    assert steady.jitter == pytest.approx(0, abs=0.01)
    assert shaky.jitter == pytest.approx(80, rel=0.05)


def test_we_read_reports_and_goodbyes() -> None:
    heard = parse_rtcp(serialize_report(SENT, None, "name", goodbye=True))
    assert heard == [
        Heard(ssrc=0x1234, report_ntp_middle=SENT.ntp >> 16 & 0xFFFF_FFFF),
        Heard(goodbye=True, ssrc=0x1234),
    ]


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_rtcp(data)


@pytest.mark.parametrize(
    "data", [b"\x80", b"\x40\xc8\0\0", b"\x80\xc8\0\x09", struct.pack("!BBH", 0x80, 201, 0) * 33], ids=repr
)
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_rtcp(data)

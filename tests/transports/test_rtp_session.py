"""Our side of a stream, in virtual time."""

import itertools

import pytest
from typing_extensions import override

from media_server.audio.codec import G711, Codec, Opus
from media_server.audio.opus import OpusEncoder
from media_server.errors import Undecodable
from media_server.protocol.rtcp import Heard, parse_rtcp
from media_server.protocol.rtp import RtpPacket, parse_rtp
from media_server.transports.port import AudioArrived, AudioDropped, DigitArrived, PortEvent
from media_server.transports.rtp_session import RtpSession
from tests.audio.test_opus import loudness, packets_of, voice_like

PTIME = 0.02


def session(codec: Codec, payload_type: int = 111) -> RtpSession:
    return RtpSession(codec, payload_type=payload_type, keys=110, cname="us", now=0.0, wall=lambda: 1_700_000_000.0)


def packet(n: int, payload: bytes, ticks: int = 960, payload_type: int = 111) -> bytes:
    return RtpPacket(payload_type, n % 65_536, n * ticks, 5, payload).serialize()


def heard(events: list[PortEvent]) -> list[AudioArrived]:
    return [event for event in events if isinstance(event, AudioArrived)]


def check_positions(events: list[PortEvent]) -> int:
    at = 0
    for event in heard(events):
        assert event.frame.position == at
        at = event.frame.end
    return at


def test_speech_with_losses_stays_in_its_place_and_nearly_as_loud() -> None:
    sound = voice_like(2.0, 16_000)
    ours, events = session(Opus()), []
    for n, payload in enumerate(packets_of(sound, 16_000)):
        while (due := ours.next_deadline()) is not None and due <= n * PTIME:
            events += ours.on_deadline(due)
        if n % 10 != 4:
            events += ours.receive_rtp(packet(n, payload), n * PTIME)
    assert check_positions(events) == 32_000
    assert sum(event.filled for event in heard(events)) == 10
    whole = b"".join(event.frame.pcm for event in heard(events))
    assert loudness(whole) == pytest.approx(loudness(sound), rel=0.1)


def test_a_broken_payload_is_dropped_and_its_time_filled() -> None:
    class Broken(Opus):
        @override
        def decode(self, payload: bytes) -> bytes:
            raise Undecodable

    ours = session(Broken())
    events = ours.receive_rtp(packet(0, OpusEncoder(16_000).encode(bytes(640))), 0.0)
    assert events[0] == AudioDropped(320, "bad_payload")
    assert [(event.filled, event.frame.samples) for event in heard(events)] == [(True, 320)]


@pytest.mark.parametrize("payload", [b"", b"\xff\xff\xff", bytes(9000)])
def test_what_is_no_payload_is_counted(payload: bytes) -> None:
    ours = session(Opus())
    assert ours.receive_rtp(packet(0, payload), 0.0) == [AudioDropped(0, "bad_payload")]
    assert ours.receive_rtp(packet(1, b"x", payload_type=9), 0.0) == [AudioDropped(0, "bad_payload")]
    assert ours.receive_rtp(b"\x80", 0.0) == []
    assert ours.irregular == {"bad_payload": 2, "bad_rtp": 1}


def test_g711_is_heard_at_its_own_rate_and_a_loss_is_silence() -> None:
    ours, events = session(G711(), 0), []
    for n in (0, 1, 3, 4, 5, 6, 7):
        while (due := ours.next_deadline()) is not None and due <= n * PTIME:
            events += ours.on_deadline(due)
        events += ours.receive_rtp(packet(n, b"\x00" * 160, 160, 0), n * PTIME)
    assert [event.filled for event in heard(events)] == [False, False, True, False, False, False, False, False]
    assert heard(events)[2].frame.pcm == bytes(320)
    assert check_positions(events) == 8 * 160


def test_keys_in_the_stream_are_told() -> None:
    ours = session(Opus())
    assert ours.receive_rtp(packet(3, bytes([7, 10, 0, 160]), payload_type=110), 0.0) == [DigitArrived("7")]


def test_what_follows_a_loss_may_be_broken_and_the_loss_is_filled_all_the_same() -> None:
    good, broken = b"\xf8\xff\xfe", b"\x02"  # the head of two frames, and neither of them
    ours, events = session(Opus()), []
    events += ours.receive_rtp(packet(0, good), 0.0)
    events += ours.receive_rtp(packet(2, broken), 0.04)
    events += ours.on_deadline(0.2)
    events += ours.receive_rtp(packet(3, good), 0.2)
    assert AudioDropped(320, "bad_payload") in events
    assert check_positions(events) >= 4 * 320


def test_keys_are_no_loss_and_come_once_and_not_without_end() -> None:
    ours = session(Opus())
    ours.receive_rtp(packet(0, b"\xf8\xff\xfe"), 0.0)
    told: list[PortEvent] = []
    for n, (key, begun) in enumerate([(1, 960), (1, 960), (2, 1920), (1, 960), (2, 1920)], 1):
        data = RtpPacket(110, n, begun, 5, bytes([key, 0x8A, 0, 160])).serialize()
        told += ours.receive_rtp(data, n * PTIME)
    assert told == [DigitArrived("1"), DigitArrived("2")]
    assert ours.lost == 0
    flood = [RtpPacket(110, n, 960 * n, 5, bytes([3, 10, 0, 160])).serialize() for n in range(10, 1000)]
    assert len([event for each in flood for event in ours.receive_rtp(each, 1.0)]) < 100
    assert ours.irregular["too_many_keys"] > 900


def test_a_late_packet_is_dropped_with_its_samples() -> None:
    ours, events = session(G711(), 0), []
    events += ours.receive_rtp(packet(0, bytes(160), 160, 0), 0.0)
    events += ours.receive_rtp(packet(2, bytes(160), 160, 0), 0.04)
    events += ours.on_deadline(0.2)
    events += ours.receive_rtp(packet(1, bytes(160), 160, 0), 0.2)
    assert events[-1] == AudioDropped(160, "late")


def test_what_is_said_has_one_sequence_and_follows_the_clock() -> None:
    ours = session(Opus())
    sent = [parse_rtp(ours.be_silent(n * PTIME)) for n in range(10)]
    sent += [parse_rtp(ours.speak(bytes(640), 0.2 + n * PTIME)) for n in range(5)]
    assert [(b.sequence - a.sequence) % 65_536 for a, b in itertools.pairwise(sent)] == [1] * 14
    assert [(b.timestamp - a.timestamp) % (1 << 32) for a, b in itertools.pairwise(sent)] == [960] * 14
    assert [each.marker for each in sent] == [False] * 10 + [True] + [False] * 4
    again = parse_rtp(ours.be_silent(5.0))
    assert (again.timestamp - sent[0].timestamp) % (1 << 32) == 48_000 * 5


def test_reports_tell_of_both_streams() -> None:
    ours = session(G711(), 0)
    for n in range(10):
        if n != 5:
            ours.receive_rtp(packet(n, bytes(160), 160, 0), n * PTIME)
        ours.be_silent(n * PTIME)
    assert ours.lost == 1
    [heard_of_us, bye] = parse_rtcp(ours.report(0.2, goodbye=True))
    assert heard_of_us.ssrc == ours.ssrc
    assert bye == Heard(goodbye=True, ssrc=ours.ssrc)


def test_the_other_sides_goodbye_is_heard_and_a_strangers_is_not() -> None:
    ours = session(G711(), 0)
    ours.receive_rtp(packet(0, bytes(160), 160, 0), 0.0)
    ours.receive_rtcp(b"\x81\xcb\0\x01\0\0\0\x09", 0.1)
    assert ours.left_at is None
    ours.receive_rtcp(b"\x81\xcb\0\x01\0\0\0\x05", 0.1)
    assert ours.left_at == 0.1
    ours.receive_rtcp(b"nonsense", 0.2)
    assert ours.irregular["bad_rtcp"] == 1

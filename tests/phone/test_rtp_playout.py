"""What a WebRTC phone plays; of mu-law, so that each packet is 160 samples and what is played is what was sent."""

from media_server.audio.g711 import encode_mulaw
from media_server.phone.playout_buffer import Span
from media_server.phone.rtp_playout import RtpPlayout
from media_server.phone.webrtc_sound import MulawSound, OpusSound
from tests.phone.tones import quiet, tone

VOICED = encode_mulaw(tone(0.02))
SILENT = encode_mulaw(quiet(0.02))
DEPTH_S = 0.1


def playout() -> RtpPlayout:
    return RtpPlayout(0.0, MulawSound(), depth_s=DEPTH_S)


def first_voiced(played: RtpPlayout) -> int:
    return next(at for at in range(0, len(played.played), 2) if played.played[at : at + 2] != b"\0\0") // 2


def feed(played: RtpPlayout, packets: list[tuple[int, float]], payload: bytes = VOICED, timestamp: int = 0) -> None:
    for number, at in packets:
        played.receive(number % 65536, (timestamp + 160 * number) % (1 << 32), payload, at)


def test_a_packet_sounds_where_it_arrived_and_is_known_a_depth_later() -> None:
    played = playout()
    feed(played, [(number, 1.0 + number / 50) for number in range(5)])
    played.advance(1.0 + DEPTH_S)
    assert not played.voiced
    played.advance(1.02 + DEPTH_S)
    assert played.voiced
    feed(played, [(number, 1.0 + number / 50) for number in range(6, 10)])
    played.advance(1.2 + DEPTH_S)
    assert 8000 <= first_voiced(played) <= 8002
    assert (played.underruns, played.lost, played.late) == ([], 1, 0)


def test_numbers_and_timestamps_wrap_around() -> None:
    played = playout()
    feed(played, [(65530 + number, 1.0 + number / 50) for number in range(20)], timestamp=(1 << 32) - 65535 * 160)
    played.advance(1.4 + DEPTH_S)
    assert (played.packets, played.lost, played.underruns) == (20, 0, [])


def test_what_comes_out_of_order_is_played_in_order() -> None:
    played = playout()
    feed(played, [(0, 0.0), (2, 0.04), (1, 0.05), (1, 0.05), (3, 0.06), (5, 0.1), (4, 0.11)])
    played.advance(0.12 + DEPTH_S)
    assert (played.lost, played.late, played.underruns) == (0, 1, [])
    assert len(played.played) == 6 * 320


def test_a_lost_packet_is_concealed_and_several_are_a_hole() -> None:
    played = playout()
    feed(played, [(number, number / 50) for number in range(30) if number not in {5, 10, 11, 12, 13, 14, 15}])
    played.advance(0.6 + DEPTH_S)
    assert played.lost == 7
    assert played.underruns == [Span(1600, 2560)]


def test_where_the_server_stood_still_the_rest_sounds_when_it_comes() -> None:
    played = playout()
    late = [(number, number / 50 + (0.4 if number >= 5 else 0)) for number in range(10)]
    feed(played, late)
    played.advance(0.6 + DEPTH_S)
    assert played.lost == 0
    assert played.underruns == [Span(800, 4000)], "0.1 s to 0.5 s"


def test_a_hole_after_comfort_noise_is_a_pause() -> None:
    played = RtpPlayout(0.0, OpusSound(), depth_s=DEPTH_S)
    sound = OpusSound()
    for number in range(5):
        played.receive(number, 960 * number, sound.encode(tone(0.02)), number / 50)
    played.receive(5, 4800, b"\x08", 0.1)
    played.receive(6, 4800 + 48000, sound.encode(tone(0.02)), 1.1)
    played.advance(1.15 + DEPTH_S)
    assert played.underruns == []


def test_after_a_pause_nothing_sounds_before_it_arrived() -> None:
    played = playout()
    feed(played, [(number, 0.06 + number / 50) for number in range(5)])
    feed(played, [(number, 0.12 + number / 50) for number in range(50, 55)])  # 60 ms later than the first ones were
    played.advance(1.3 + DEPTH_S)
    assert first_voiced(played) // 80 == 6
    assert played.underruns[0].end == round(1.12 * 8000)


def test_where_only_the_first_packet_was_late_its_lateness_is_left_out_in_silence() -> None:
    played = playout()
    played.receive(0, 0, SILENT, 0.05)  # 50 ms late
    feed(played, [(number, max(0.05, number / 50)) for number in range(1, 60)], SILENT)
    feed(played, [(number, number / 50) for number in range(60, 70)])
    played.advance(1.4 + DEPTH_S)
    assert abs(first_voiced(played) - 1.2 * 8000) <= 16
    assert played.underruns == []


def test_a_timestamp_that_leaps_is_followed() -> None:
    played = playout()
    feed(played, [(number, number / 50) for number in range(10)])
    feed(played, [(number, number / 50) for number in range(10, 20)], timestamp=1 << 30)
    played.advance(0.4 + DEPTH_S)
    assert (played.lost, played.underruns, len(played.played)) == (0, [], 20 * 320)


def test_a_server_that_sends_hours_ahead_is_not_kept() -> None:
    played = playout()
    feed(played, [(number, 0.0) for number in range(1000)])
    assert played.discarded > 0
    assert len(played._waiting) <= 500

import pytest

from media_server.evaluation.service_watch import ServiceUse
from media_server.evaluation.tts_load_figures import SpokenSentence, VoiceResult, tts_figures, tts_report
from media_server.phone.bench_figures import Spread


def spoken(asked_at: float, *arrivals: tuple[float, float], done_at: float | None = None) -> SpokenSentence:
    return SpokenSentence(asked_at, list(arrivals), done_at)


EVEN = spoken(10.0, (10.1, 1.0), (11.0, 1.0), done_at=11.0)
LATE = spoken(10.0, (10.3, 0.5), (11.0, 0.5), (11.2, 1.0), done_at=12.0)


def test_sound_that_comes_before_it_is_due_leaves_no_gap() -> None:
    assert EVEN.gaps_ms == []
    assert EVEN.first_ms == pytest.approx(100)
    assert EVEN.played_until == pytest.approx(12.1)


def test_sound_that_comes_after_it_was_due_leaves_a_gap_and_moves_what_follows() -> None:
    assert LATE.gaps_ms == pytest.approx([200])
    assert LATE.played_until == pytest.approx(12.5)
    assert spoken(10.0).gaps_ms == []


def test_the_slowest_stream_and_all_together_are_told() -> None:
    figures = tts_figures([VoiceResult([EVEN]), VoiceResult([LATE])], 1, ServiceUse())
    assert (figures.sentences, figures.lost, figures.audio_s, figures.good) == (2, 0, 4.0, True)
    assert figures.first == Spread(200, 290, 298, 300)
    assert (figures.slowest, figures.made) == (1.0, 2.0)
    assert (figures.gaps, figures.gap_worst_ms) == (1, 200)
    assert list(tts_report(figures)) == [
        "streams          2",
        "sentences        2, 0 lost; 4.0 s of sound",
        "first sound      p50 200 ms   p95 290   worst 300",
        "made a second    1.00 s for the slowest stream, 2.00 s for all together",
        "gaps             1, 200 ms at most, if played from the first sound on",
        "service          it does not tell what it uses (/metrics)",
    ]


def test_a_sentence_that_was_not_spoken_to_its_end_is_lost() -> None:
    broken = VoiceResult([EVEN, spoken(12.0, (12.1, 0.5))], failed="the service went away")
    figures = tts_figures([broken, VoiceResult(refused_ms=5.0)], 3, ServiceUse())
    assert (figures.sentences, figures.lost, figures.good, figures.refused) == (3, 2, False, 1)
    assert not tts_figures([VoiceResult([spoken(1.0, done_at=1.1)])], 1, ServiceUse()).good, "without a sound"

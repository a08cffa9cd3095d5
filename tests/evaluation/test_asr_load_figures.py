from media_server.evaluation.asr_load_figures import StreamResult, asr_figures, asr_report
from media_server.evaluation.asr_script import HeardFinal, StreamScript, Utterance
from media_server.evaluation.service_watch import ServiceUse
from media_server.phone.bench_figures import Spread
from media_server.phone.speech_folder import Recording
from tests.phone.tones import quiet

DOOR, DAY = Recording("door", b"", "Open the old door"), Recording("day", b"", "Have a nice day")
SCRIPT = StreamScript(quiet(6.0), (Utterance(DOOR, 8000, 16000, 16000), Utterance(DAY, 32000, 40000, 40000)))
DOOR_HEARD, DAY_HEARD = HeardFinal("Open the old door.", 1.0, 2.0, 2.5), HeardFinal("Have a nice day.", 4.0, 5.0, 5.9)
USE = ServiceUse(cpu_s=3.0, rss_before_mb=300.0, rss_mb=304.0, ingest_p95_ms=5.0)


def stream(*finals: HeardFinal) -> StreamResult:
    return StreamResult(SCRIPT, 320, 6.0, list(finals), late_ms=3.4)


def test_all_streams_together_are_counted_and_the_worst_one_is_told() -> None:
    wrong = HeardFinal("Have an ice day.", 4.0, 5.0, 5.8)
    results = [stream(DOOR_HEARD, DAY_HEARD), stream(DOOR_HEARD, wrong)]
    figures = asr_figures(results, {"door": "open the door", "day": "have a nice day"}, "en", USE)
    assert (figures.utterances, figures.lost, figures.good) == (4, 0, True)
    assert (figures.delay.p50, figures.delay.worst) == (650, 900)
    assert (figures.wer, figures.wer_worst) == (100 * 2 / 16, 25.0)
    assert figures.wer_offline == 100 * 2 / 16
    assert figures.wer_against_offline == 100 * 4 / 14
    assert list(asr_report(figures)) == [
        "streams          2",
        "utterances       4, 0 lost",
        "final after      p50 650 ms   p95 885   worst 900",
        "WER              12.50 %, worst stream 25.00 %; offline 12.50 % (+0.00 points)",
        "CPU seconds      3.0, 15.00 a minute of audio",
        "memory           304 MB, +4.0 MB since before",
        "p95 of lags      ingest 5 ms",
        "our own clock    late by 3 ms at most",
    ]


def test_an_utterance_without_a_final_is_lost_and_its_words_are_errors() -> None:
    figures = asr_figures([stream(DOOR_HEARD)], {}, "en", ServiceUse())
    assert (figures.lost, figures.good, figures.wer, figures.wer_offline) == (1, False, 50.0, None)
    assert figures.delay == Spread(500, 500, 500, 500)


def test_a_refused_stream_lost_nothing_and_a_broken_one_all_that_did_not_come() -> None:
    refused = StreamResult(SCRIPT, 320, refused_ms=12.0)
    broken = StreamResult(SCRIPT, 320, 3.0, [DOOR_HEARD], failed="the service went away")
    assert asr_figures([refused], {}, "en", USE).good
    figures = asr_figures([refused, broken], {}, "en", USE)
    assert (figures.streams, figures.refused, figures.refusal.worst) == (2, 1, 12)
    assert (figures.utterances, figures.lost, figures.failed, figures.good) == (2, 1, ["the service went away"], False)
    assert next(asr_report(figures)) == (
        "streams          2, 1 refused after 12 ms at most, 1 failed (the service went away)"
    )


def test_idle_streams_have_no_words() -> None:
    idle = StreamResult(StreamScript(quiet(60.0), ()), 320, 60.0)
    figures = asr_figures([idle], {}, "en", USE)
    assert figures.good
    assert list(asr_report(figures))[1:3] == [
        "CPU seconds      3.0, 3.00 a minute of audio",
        "memory           304 MB, +4.0 MB since before, 4.00 a stream",
    ]

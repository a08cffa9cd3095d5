from media_server.phone.measure import CallMeasure, TurnMeasure, measure, voiced_windows
from media_server.phone.playout_buffer import Span
from tests.phone.tones import quiet, tone


def spans(*edges: tuple[float, float]) -> list[Span]:
    return [Span(round(8000 * begin), round(8000 * end)) for begin, end in edges]


def test_voiced_is_what_is_louder_than_minus_44_dbfs() -> None:
    assert voiced_windows(quiet(0.05) + tone(0.03) + quiet(0.02)) == [5, 6, 7]
    assert voiced_windows(b"\x64\x00" * 800) == []
    assert voiced_windows(b"") == []


def test_a_greeting_and_an_answer() -> None:
    caller = quiet(1.0) + quiet(0.1) + tone(0.5) + quiet(0.2) + quiet(1.2)
    agent = quiet(0.15) + tone(0.4) + quiet(1.45) + tone(0.5) + quiet(0.5)
    measured = measure(caller, agent, spans((1.0, 1.8)), spans((0, 0.15), (0.55, 2.0)))
    assert measured == CallMeasure(greeting_ms=150, turns=(TurnMeasure(answered_ms=400, cut_in_ms=0),), gaps=())
    assert (measured.answered, measured.cut_ins) == ([400], 0)


def test_nobody_answers() -> None:
    caller = quiet(0.5) + tone(0.5) + quiet(1.0)
    assert measure(caller, quiet(2.0), spans((0.5, 1.0)), spans((0, 2))) == CallMeasure(
        greeting_ms=None, turns=(TurnMeasure(None, 0),), gaps=()
    )


def test_an_answer_into_the_callers_pause_is_a_cut_in() -> None:
    caller = tone(0.3) + quiet(0.6) + tone(0.3) + quiet(1.0)
    agent = quiet(0.5) + tone(0.2) + quiet(0.7) + tone(0.3) + quiet(0.5)
    measured = measure(caller, agent, spans((0, 1.2)), [])
    assert measured.turns == (TurnMeasure(answered_ms=200, cut_in_ms=200),)
    assert measured.cut_ins == 1
    assert measured.greeting_ms is None


def test_a_hole_inside_a_reply_is_a_gap_and_the_pause_between_replies_is_none() -> None:
    caller = tone(0.5) + quiet(1.5) + tone(0.5) + quiet(1.5)
    reply = tone(0.2) + quiet(0.04) + tone(0.2)
    agent = quiet(0.8) + reply + quiet(1.56) + reply + quiet(0.5)
    hole, between = (1.0, 1.04), (1.24, 2.8)
    measured = measure(caller, agent, spans((0, 0.5), (2.0, 2.5)), spans((0, 0.8), hole, between, (3.24, 3.74)))
    assert measured.gaps == tuple(spans(hole))
    assert measured.answered == [300, 300]


def test_quiet_that_was_sent_is_no_gap() -> None:
    caller = tone(0.5) + quiet(1.5)
    agent = quiet(0.7) + tone(0.2) + quiet(0.3) + tone(0.2) + quiet(0.6)
    assert measure(caller, agent, spans((0, 0.5)), spans((0, 0.7), (1.4, 2.0))).gaps == ()


def test_a_long_pause_is_the_agents_own() -> None:
    agent = tone(0.2) + quiet(8.0) + tone(0.2)
    assert measure(quiet(8.4), agent, [], spans((0.2, 8.2))).gaps == ()

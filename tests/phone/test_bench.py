"""The bench's own arithmetic: on calls that are made up here."""

import random
from pathlib import Path

import numpy as np
import pytest

from media_server.audio.wav import write_wav
from media_server.call.record import CallRecord, Line, TurnRecord
from media_server.errors import ConfigError
from media_server.phone.bench_calls import Bench, script_of
from media_server.phone.bench_figures import BenchCall, Spread, figures_of
from media_server.phone.bench_report import report
from media_server.phone.playout_buffer import Span
from media_server.phone.scrape import Scrape, parse
from media_server.phone.speech_folder import Recording, hesitating, read_folder
from media_server.phone.twilio_phone import PhoneCall
from media_server.phone.understood import understood
from tests.phone.tones import quiet, tone

NOTHING: dict[str, Scrape] = {role: Scrape() for role in ("media", "asr", "tts")}


def span(begin: float, end: float) -> Span:
    return Span(round(8000 * begin), round(8000 * end))


def call(caller: bytes, agent: bytes, *spoken: Span, interjected: tuple[Span, ...] = ()) -> PhoneCall:
    return PhoneCall("CA1", caller, agent, spoken, (), "caller", 1000, 0, (), None, interjected)


def record(*turns: str, transcript: tuple[Line, ...] = ()) -> CallRecord:
    return CallRecord(
        id="1",
        provider_id="CA1",
        transport="twilio",
        caller="+1",
        called="+2",
        dialplan="parrot",
        started_at="now",
        transcript=list(transcript),
        turns=[TurnRecord(turn=number, text=text, reason="complete") for number, text in enumerate(turns)],
    )


def test_an_answered_call_is_measured_at_the_phone_and_its_words_by_the_record() -> None:
    caller = quiet(1.0) + tone(0.5) + quiet(1.5)
    agent = quiet(1.9) + tone(0.5) + quiet(0.6)
    made = BenchCall(call(caller, agent, span(1.0, 1.5)), ("open the door",), record("Open the door."))
    figures = figures_of([made], NOTHING, NOTHING, noise=False)
    assert (figures.turns, figures.answered, figures.transcribed, figures.understood) == (1, 1, 1, 1)
    assert figures.answer == Spread(400, 400, 400, 400)
    assert figures.call_minutes == pytest.approx(0.05)
    assert figures.cpu_a_call_minute is None
    assert "1, 1 answered, 1 of 1 understood" in "\n".join(report(figures))


def test_what_the_roles_used_is_told_a_call_minute_and_a_turn() -> None:
    before = {"media": Scrape({"process_cpu_seconds_total": 1.0}), "asr": Scrape(), "tts": Scrape()}
    after = {
        "media": Scrape({"process_cpu_seconds_total": 2.0, "media_server_turns_total": 2.0}),
        "asr": Scrape({"process_cpu_seconds_total": 4.0, "media_server_asr_decode_seconds_count": 3.0}),
        "tts": Scrape(),
    }
    figures = figures_of([BenchCall(call(quiet(30), quiet(30)))], before, after, noise=False)
    assert figures.decodes_a_turn == 1.5
    assert figures.cpu_a_call_minute == pytest.approx(10.0)
    assert set(figures.roles) == {"media", "asr"}


def test_a_refused_call_and_a_broken_one_are_counted_apart() -> None:
    figures = figures_of([BenchCall(refused_ms=40.0), BenchCall(failed="no answer")], NOTHING, NOTHING, noise=False)
    assert (figures.calls, figures.refused, figures.failed, figures.refusal.worst) == (2, 1, 1, 40)
    assert "2, 1 refused, 1 failed" in "\n".join(report(figures))


def test_an_interruption_is_timed_until_we_are_silent() -> None:
    caller = quiet(1.0) + tone(0.5) + quiet(1.5)
    agent = quiet(0.2) + tone(1.2) + quiet(1.6)
    talking = call(caller, agent, interjected=(span(1.0, 1.5),))
    figures = figures_of([BenchCall(talking)], NOTHING, NOTHING, noise=False)
    assert (figures.interruptions, figures.not_stopped, figures.ignored) == (1, 0, 1), "it never spoke again"
    agent = quiet(0.2) + tone(1.2) + quiet(0.6) + tone(0.5) + quiet(0.5)
    talking = call(caller, agent, interjected=(span(1.0, 1.5),))
    figures = figures_of([BenchCall(talking)], NOTHING, NOTHING, noise=False)
    assert (figures.not_stopped, figures.ignored) == (0, 0)
    assert figures.stop.worst == 400


def test_a_noise_that_cut_an_answer_is_a_false_interruption() -> None:
    cut = Line(at=1.0, who="agent", text="Open the", said="Open the door, you said.")
    whole = Line(at=2.0, who="agent", text="Yes, you said.", said="Yes, you said.")
    made = BenchCall(call(quiet(3), quiet(3)), (), record(transcript=(cut, whole)))
    assert figures_of([made], NOTHING, NOTHING, noise=True).false_barge_ins == 1


def test_turns_are_understood_in_their_order_whole_or_in_parts() -> None:
    said = ["open the door", "close the old window", "open the door"]
    assert understood(said, ["Open the door.", "Close", "the old window.", "Open the door."]) == 3
    assert understood(said, ["Open the door.", "Open the door."]) == 2
    assert understood(said, ["Open the door."]) == 1
    assert understood(said, []) == 0


def test_metrics_with_labels_are_summed() -> None:
    text = '# HELP x y\nx_total{a="1"} 2\nx_total{a="2"} 3.5\nprocess_cpu_seconds_total 1e1\n'
    scraped = parse(text)
    assert scraped["x_total"] == 5.5
    assert scraped.cpu_s == 10.0
    assert scraped["unheard_of"] == 0.0


def test_what_a_histogram_saw_in_between_is_told_by_a_bound() -> None:
    page = (
        'wait_bucket{{lane="a",le="0.1"}} {}\nwait_bucket{{lane="b",le="0.1"}} 0\nwait_bucket{{le="0.5",lane="a"}} {}\n'
        'wait_bucket{{lane="a",le="+Inf"}} {}\n'
    )
    before, after = parse(page.format(90, 90, 90)), parse(page.format(98, 100, 100))
    assert after.at_most("wait", 0.95, since=Scrape()) == 0.1
    assert after.at_most("wait", 0.95, since=before) == 0.5
    assert after.at_most("wait", 0.80, since=before) == 0.1
    assert after.at_most("wait", 0.95, since=after) is None, "nothing since then"
    assert after.at_most("unheard_of", 0.95, since=before) is None
    assert parse(page.format(0, 0, 9)).at_most("wait", 0.95, since=Scrape()) is None, "beyond the last bound"


def test_a_folder_of_recordings_is_read_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \.wav"):
        read_folder(tmp_path)
    write_wav(tmp_path / "b.wav", tone(0.5), sample_rate=8000)
    write_wav(tmp_path / "a.wav", tone(1.0), sample_rate=8000)
    (tmp_path / "a.txt").write_text("la la\n", encoding="utf-8")
    first, second = read_folder(tmp_path)
    assert (first.name, first.text, first.seconds) == ("a", "la la", 1.0)
    assert (second.name, second.text, second.seconds) == ("b", "", 0.5)
    (tmp_path / "c.wav").write_bytes(b"no sound")
    with pytest.raises(ConfigError, match=r"c\.wav"):
        read_folder(tmp_path)


def test_a_hesitation_is_put_where_it_is_quietest() -> None:
    whole = Recording("x", tone(0.45) + quiet(0.1) + tone(0.45), "x")
    split = hesitating(whole, 0.5)
    assert split.seconds == pytest.approx(1.5)
    samples = np.abs(np.frombuffer(split.pcm, dtype="<i2"))
    assert samples[: int(0.44 * 8000)].max() > 7000
    assert samples[int(0.45 * 8000) : int(1.04 * 8000)].max() == 0


def test_what_a_caller_says_depends_on_the_seed_alone() -> None:
    recordings = [Recording(str(number), tone(0.1, 200 + number), str(number)) for number in range(20)]
    plan = Bench(calls=1, turns=5)
    once, again, other = (script_of(plan, recordings, random.Random(seed))[1] for seed in (1, 1, 2))
    assert once == again != other

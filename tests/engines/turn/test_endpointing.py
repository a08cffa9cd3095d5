from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.turn.endpointing import (
    CUT_AFTER_S,
    CUT_LATEST_S,
    MAX_TURN_S,
    PREROLL_MS,
    AskTurnDetector,
    Cut,
    Ended,
    EndpointEvent,
    Endpointing,
    Resumed,
    Speculate,
    Started,
    State,
)
from engines.turn.expectation import OWN_PAUSES, PACES, Expectation, Patience, TurnDetection, silence_needed
from engines.turn.words import Reading, read

RATE = 8000
WINDOW = 256
WINDOW_MS = 32
FALL_MS = 71


@dataclass
class Speaker:
    """A line whose VAD says what the test wants, and engines that answer at once, in audio time."""

    expectation: Expectation = field(default_factory=Expectation)
    words: str = "Please try that once more now."
    probability: float = 0.95
    events: list[EndpointEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = Endpointing(RATE, self.expectation)

    def hear(self, probability: float, milliseconds: float) -> None:
        for _ in range(round(milliseconds / WINDOW_MS)):
            self._answer(self.machine.receive_window(probability, WINDOW))

    def voice(self, milliseconds: float) -> None:
        self.hear(0.9, milliseconds)

    def silence(self, milliseconds: float) -> None:
        self.hear(0.05, milliseconds)

    def _answer(self, events: list[EndpointEvent]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, Speculate | Cut):
                self._answer(self.machine.receive_words(self.words))
            elif isinstance(event, AskTurnDetector):
                self._answer(self.machine.receive_verdict(self.probability))

    def only(self, kind: type[EndpointEvent]) -> list[EndpointEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def ended(self) -> Ended:
        [event] = self.only(Ended)
        assert isinstance(event, Ended)
        return event

    def waited_ms(self) -> float:
        """Silence from the last voiced sample to the decision."""
        return (self.ended().at - self.ended().end) / (RATE / 1000)


def test_speech_and_silence_make_one_turn() -> None:
    speaker = Speaker()
    speaker.silence(960)
    speaker.voice(960)
    speaker.silence(3200)
    assert [type(event) for event in speaker.events] == [Started, Speculate, AskTurnDetector, Ended]
    assert speaker.ended().reason == "complete"


def test_a_turn_has_half_a_second_before_the_voice() -> None:
    speaker = Speaker()
    speaker.silence(960)
    speaker.voice(960)
    [started] = speaker.only(Started)
    assert isinstance(started, Started)
    assert started.at == 960 * RATE // 1000
    assert started.at - started.audio_from == PREROLL_MS * RATE // 1000


@pytest.mark.parametrize("milliseconds", [32, 64])
def test_a_blip_makes_no_turn(milliseconds: int) -> None:
    speaker = Speaker()
    for _ in range(50):
        speaker.silence(320)
        speaker.voice(milliseconds)
    speaker.silence(3200)
    assert speaker.events == []


@pytest.mark.parametrize("patience", list(Patience))
def test_silence_is_counted_from_the_last_voiced_sample(patience: Patience) -> None:
    speaker = Speaker(Expectation(patience))
    speaker.voice(960)
    speaker.silence(5000)
    assert speaker.ended().end == (960 + WINDOW_MS - FALL_MS) * RATE // 1000
    least = PACES[patience].least
    assert least <= speaker.waited_ms() < least + WINDOW_MS


@pytest.mark.parametrize(
    ("words", "probability", "wait"),
    [
        ("Please try that once more now.", 0.95, "least"),
        ("Please try that once more now.", 0.7, "unsure"),
        ("Please try that once more now.", 0.2, "open"),
        ("The conference.", 0.95, "short"),
        ("Yes please.", 0.95, "least"),
        ("the conference", 0.95, "open"),
        ("", 0.1, "least"),
    ],
)
def test_the_more_is_missing_the_longer_is_the_wait(words: str, probability: float, wait: str) -> None:
    speaker = Speaker(words=words, probability=probability)
    speaker.voice(960)
    speaker.silence(5000)
    needed = getattr(PACES[Patience.NORMAL], wait)
    assert needed <= speaker.waited_ms() < needed + WINDOW_MS
    assert len(speaker.only(AskTurnDetector)) == 1


def test_a_speaker_who_pauses_is_given_longer_for_a_while() -> None:
    speaker = Speaker(Expectation(Patience.QUICK), words="That is what I had in mind.", probability=0.6)
    speaker.voice(960)
    speaker.silence(416)
    speaker.voice(960)
    speaker.silence(3000)
    pause_ms = 416 - WINDOW_MS + FALL_MS
    assert speaker.waited_ms() >= OWN_PAUSES * pause_ms - WINDOW_MS
    for _ in range(8):
        speaker.events.clear()
        speaker.voice(960)
        speaker.silence(3000)
    assert speaker.waited_ms() < PACES[Patience.QUICK].unsure + WINDOW_MS


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("", Reading.NOTHING),
        ("I would like to book a table and", Reading.TRAILS_OFF),
        ("Please enter your", Reading.TRAILS_OFF),
        ("Please enter", Reading.UNFINISHED),
        ("Please enter.", Reading.SHORT),
        ("No, thank you.", Reading.FINISHED),
        ("Please enter the number of your account.", Reading.FINISHED),
        ('He said "stop it right now, please."', Reading.FINISHED),
    ],
)
def test_how_words_read(text: str, reading: Reading) -> None:
    assert read(text, "en") is reading


@pytest.mark.parametrize("words", ["I would like to book a table and", "Give it to the", "My name is, um,", "Well..."])
def test_open_ended_words_wait_longer_than_a_detector_that_is_sure(words: str) -> None:
    speaker = Speaker(words=words)
    speaker.voice(960)
    speaker.silence(5000)
    assert speaker.waited_ms() >= PACES[Patience.NORMAL].open


@pytest.mark.parametrize("patience", list(Patience))
def test_no_doubt_waits_for_ever(patience: Patience) -> None:
    speaker = Speaker(Expectation(patience), words="and then", probability=0.0)
    speaker.voice(960)
    speaker.silence(9000)
    assert speaker.waited_ms() < PACES[patience].most + WINDOW_MS


def test_going_on_takes_the_speculation_back() -> None:
    speaker = Speaker()
    speaker.voice(960)
    speaker.silence(256)
    speaker.voice(320)
    speaker.silence(3200)
    kinds = [type(event) for event in speaker.events]
    assert kinds == [Started, Speculate, AskTurnDetector, Resumed, Speculate, AskTurnDetector, Ended]


def test_nothing_goes_on_while_the_words_are_missing() -> None:
    machine = Endpointing(RATE, Expectation())
    events: list[EndpointEvent] = []
    for probability in [0.9] * 20 + [0.0] * 20:
        if machine.awaiting:
            break
        events += machine.receive_window(probability, WINDOW)
    assert machine.awaiting
    with pytest.raises(RuntimeError):
        machine.receive_window(0.0, WINDOW)
    assert machine.receive_verdict(0.9) == []
    assert machine.awaiting
    [ended] = machine.receive_words("No, thank you.")
    assert isinstance(ended, Ended)
    assert not machine.awaiting


def test_a_filled_slot_ends_the_turn_at_once() -> None:
    speaker = Speaker(Expectation(slot_complete=True), words="five five five and", probability=0.1)
    speaker.voice(960)
    speaker.silence(3200)
    assert speaker.ended().reason == "slot"
    assert speaker.waited_ms() < PACES[Patience.NORMAL].slot + WINDOW_MS


def test_a_slot_filled_in_the_pause_ends_the_turn_there() -> None:
    speaker = Speaker(words="five five five and", probability=0.1)
    speaker.voice(960)
    speaker.silence(480)
    assert not speaker.only(Ended)
    speaker._answer(speaker.machine.configure(replace(speaker.expectation, slot_complete=True)))
    assert speaker.ended().at == speaker.machine.position


def test_an_unfilled_slot_is_waited_for() -> None:
    speaker = Speaker(Expectation(slot_complete=False))
    speaker.voice(960)
    speaker.silence(5000)
    assert speaker.waited_ms() >= PACES[Patience.NORMAL].most


def test_by_silence_alone_nobody_is_asked() -> None:
    speaker = Speaker(Expectation(turn_detection=TurnDetection.SILENCE, min_silence_ms=600), words="and")
    speaker.voice(960)
    speaker.silence(3200)
    assert [type(event) for event in speaker.events] == [Started, Speculate, Ended]
    assert 600 <= speaker.waited_ms() < 600 + WINDOW_MS


def test_without_detection_only_a_command_ends_a_turn() -> None:
    speaker = Speaker(Expectation(turn_detection=TurnDetection.NONE))
    speaker.voice(960)
    speaker.silence(9000)
    assert [type(event) for event in speaker.events] == [Started]
    [ended] = speaker.machine.end_turn("finalize")
    assert isinstance(ended, Ended)
    assert ended.reason == "finalize"
    assert speaker.machine.end_turn("finalize") == []


def test_a_long_turn_is_cut_in_a_dip_and_goes_on() -> None:
    speaker = Speaker()
    speaker.voice(1000 * CUT_AFTER_S + 992)
    speaker.silence(96)
    speaker.voice(2016)
    speaker.silence(3200)
    [cut] = speaker.only(Cut)
    assert isinstance(cut, Cut)
    assert cut.dip
    assert cut.upto <= (CUT_AFTER_S + 1.1) * RATE
    assert len(speaker.only(Started)) == len(speaker.only(Ended)) == 1


def test_a_turn_without_a_dip_is_cut_before_the_recogniser_is_full() -> None:
    speaker = Speaker()
    speaker.voice(1000 * CUT_LATEST_S + 5000)
    [cut] = speaker.only(Cut)
    assert isinstance(cut, Cut)
    assert not cut.dip
    assert cut.upto - CUT_LATEST_S * RATE < WINDOW


def test_no_turn_is_endless() -> None:
    speaker = Speaker()
    speaker.voice(1000 * MAX_TURN_S + 992)
    assert speaker.ended().reason == "limit"
    assert len(speaker.only(Started)) == 2  # the speaker goes on, in a turn of its own


PROBABILITIES = st.lists(st.tuples(st.sampled_from([0.02, 0.3, 0.4, 0.6, 0.98]), st.integers(1, 60)), max_size=30)
EXPECTATIONS = st.builds(
    Expectation,
    patience=st.sampled_from(list(Patience)),
    turn_detection=st.sampled_from(list(TurnDetection)),
    min_silence_ms=st.none() | st.integers(10, 5000),
    max_silence_ms=st.none() | st.integers(100, 20000),
    slot_complete=st.none() | st.booleans(),
)


def grammatical(events: Iterable[EndpointEvent]) -> bool:
    """Turns one after the other, everything else inside one, positions never backwards within a kind."""
    is_open, spoken_for = False, False
    for event in events:
        match event:
            case Started():
                if is_open or event.audio_from > event.at:
                    return False
                is_open, spoken_for = True, False
            case Ended():
                if not is_open or event.end > event.at:
                    return False
                is_open = False
            case Speculate():
                if not is_open or spoken_for or event.end > event.upto:
                    return False
                spoken_for = True
            case Resumed():
                if not is_open:
                    return False
                spoken_for = False
            case _:
                if not is_open:
                    return False
    return True


@given(
    line=PROBABILITIES,
    expectation=EXPECTATIONS,
    words=st.sampled_from(["", "Yes.", "and"]),
    probability=st.floats(0, 1),
)
def test_whatever_is_heard_turns_are_whole(
    line: list[tuple[float, int]], expectation: Expectation, words: str, probability: float
) -> None:
    speaker = Speaker(expectation, words, probability)
    for vad, windows in line:
        speaker.hear(vad, windows * WINDOW_MS)
    speaker._answer(speaker.machine.end_turn("close"))
    assert grammatical(speaker.events)
    assert len(speaker.only(Started)) == len(speaker.only(Ended))
    assert speaker.machine.state is State.IDLE


@given(line=PROBABILITIES, expectation=EXPECTATIONS)
def test_turns_do_not_overlap(line: list[tuple[float, int]], expectation: Expectation) -> None:
    speaker = Speaker(expectation)
    ended = 0
    for vad, windows in line:
        speaker.hear(vad, windows * WINDOW_MS)
    for event in speaker.events:
        if isinstance(event, Started):
            assert event.audio_from >= ended
        elif isinstance(event, Ended):
            ended = event.at


@given(
    expectation=EXPECTATIONS,
    low=st.floats(0, 1),
    high=st.floats(0, 1),
    reading=st.sampled_from(list(Reading)),
    own=st.floats(0, 5000),
)
def test_more_doubt_never_waits_less(
    expectation: Expectation, low: float, high: float, reading: Reading, own: float
) -> None:
    low, high = sorted((low, high))
    needed = silence_needed(low, reading, expectation, own)
    assert needed >= silence_needed(high, reading, expectation, own)
    assert needed >= silence_needed(low, Reading.FINISHED, expectation) or reading is Reading.NOTHING
    assert expectation.least_ms <= needed <= expectation.most_ms

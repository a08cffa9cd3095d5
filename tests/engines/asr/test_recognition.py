"""The machine without models: a voice is a 1, silence a 0; results come as late as a test likes."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pytest

from engines.asr.events import Closed, Final, Partial, SessionEvent, TurnEager, TurnEnded
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, Command, ConfigureCommand, Decode, Detect, Promote
from engines.lanes import Lane
from engines.ports import Transcription
from engines.strain import Strain
from engines.turn.expectation import Expectation, TurnDetection
from tests.engines.asr.voice import Voice

RATE = 8000
WINDOW = 256
SECOND = RATE // WINDOW
STEP = 2 * WINDOW


def sound(*windows: tuple[int, int]) -> bytes:
    """So many windows, voiced or not."""
    return b"".join(np.full(number * WINDOW, voiced, dtype="<i2").tobytes() for number, voiced in windows)


class Stream:
    """A stream that is fed in real time; each result comes so many steps of sound after it was asked for."""

    def __init__(
        self,
        detector_late: int = 1,
        *,
        expectation: Expectation | None = None,
        strain: Strain = Strain.NONE,
        interim_results: bool = False,
        commands: Mapping[int, Command] = MappingProxyType({}),
        words: Callable[[Decode], str] = lambda _: "so many words in one sentence.",
        decode_late: int = 1,
    ) -> None:
        self._commands = commands
        self._words = words
        self._machine = Recognition(
            RATE, Voice(WINDOW), expectation=expectation or Expectation(), interim_results=interim_results
        )
        self._machine.strain = strain
        self.lanes: list[Lane] = []
        self._late = {Decode: decode_late, Detect: detector_late}
        self._due: dict[int, tuple[int, Decode | Detect]] = {}
        self.events: list[SessionEvent] = []

    def hear(self, pcm: bytes) -> list[SessionEvent]:
        """Everything that is told, to the end."""
        steps = len(pcm) // STEP
        for number in range(steps + 200):
            if number < steps:
                self._machine.receive_audio(pcm[number * STEP : (number + 1) * STEP])
            elif number == steps:
                self._machine.receive_command(CloseCommand())
            if number in self._commands:
                self._machine.receive_command(self._commands[number])
            self._advance(number)
            if self.events and isinstance(self.events[-1], Closed):
                return self.events
        raise AssertionError("it waits for nothing")

    def _advance(self, now: int) -> None:
        for output in self._machine.advance():
            if isinstance(output, Decode):
                self.lanes.append(output.lane)
            if isinstance(output, Decode | Detect):
                self._due[output.number] = now + self._late[type(output)], output
            elif isinstance(output, Cancel):
                self._due.pop(output.number, None)
            elif not isinstance(output, Promote):
                self.events.append(output)
        for number in [number for number, (at, _) in self._due.items() if at <= now]:
            task = self._due.pop(number)[1]
            if isinstance(task, Decode):
                self._machine.receive_transcription(number, Transcription(self._words(task), -0.1), 0.1)
            else:
                self._machine.receive_probability(number, 0.95)


@pytest.mark.parametrize("late", [0, 1, 2, 3, 5, 10])
def test_a_pause_at_the_cut_of_a_long_turn_ends_it_however_late_the_turn_detector_is(late: int) -> None:
    """The cut falls into the pause while the detector is asked."""
    for before in range(19 * SECOND, 21 * SECOND, 2):
        pcm = sound((before, 1), (SECOND * 3, 0), (SECOND, 1), (SECOND * 3, 0))
        events = Stream(late).hear(pcm)
        assert sum(isinstance(event, TurnEnded) for event in events) == 2, before
        closed = events[-1]
        assert isinstance(closed, Closed)
        assert closed.received_s == pytest.approx(len(pcm) / 2 / RATE)
        assert closed.dropped_s == 0.0


TALK = sound((2 * SECOND, 0), (4 * SECOND, 1), (SECOND // 4, 0), (2 * SECOND, 1), (3 * SECOND, 0), (SECOND, 1))


def decided(events: list[SessionEvent]) -> list[SessionEvent]:
    return [event for event in events if isinstance(event, Final | TurnEnded | Closed)]


@pytest.mark.parametrize("detection", list(TurnDetection))
def test_strain_changes_what_is_told_on_the_way_and_nothing_of_the_turns(detection: TurnDetection) -> None:
    expectation = Expectation(turn_detection=detection)
    streams = {
        strain: Stream(expectation=expectation, strain=strain, interim_results=True) for strain in reversed(Strain)
    }
    told = {strain: stream.hear(TALK) for strain, stream in streams.items()}
    assert len(decided(told[Strain.NONE])) == (3 if detection is TurnDetection.NONE else 5)
    assert all(decided(events) == decided(told[Strain.NONE]) for events in told.values())
    partials = [sum(isinstance(event, Partial) for event in told[strain]) for strain in Strain]
    assert partials[0] > partials[1] > 0 == partials[2] == partials[3]
    speculated = [streams[strain].lanes.count(Lane.SPECULATIVE) for strain in Strain]
    assert speculated[3] == 0
    assert speculated[2] == (0 if detection is TurnDetection.NONE else 2)


@pytest.mark.parametrize("strain", list(Strain))
@pytest.mark.parametrize("late", [1, 3, 10])
@pytest.mark.parametrize(
    "changes", [{"slot_complete": True}, {"min_silence_ms": 100}, {"turn_detection": TurnDetection.SILENCE}]
)
def test_what_is_expected_may_change_in_a_pause_at_any_strain(
    strain: Strain, late: int, changes: dict[str, object]
) -> None:
    pcm = sound((SECOND, 0), (2 * SECOND, 1), (3 * SECOND, 0))
    for step in range(3 * SECOND - 2, 3 * SECOND + 16):
        stream = Stream(late, strain=strain, commands={step: ConfigureCommand(changes)})
        events = stream.hear(pcm)
        assert sum(isinstance(event, TurnEnded) for event in events) == 1, step


def test_the_vad_hears_also_while_words_are_awaited() -> None:
    machine = Recognition(RATE, Voice(WINDOW), expectation=Expectation())
    machine.receive_audio(sound((SECOND, 0), (2 * SECOND, 1), (2 * SECOND, 0)))
    while machine.runnable:  # nobody decodes: the turn's end is held
        machine.advance()
    assert machine.heard == machine.received == 5 * SECOND * WINDOW
    assert machine.buffered > SECOND * WINDOW


def test_the_last_final_of_a_turn_that_was_cut_says_that_it_ends_it() -> None:
    events = Stream(0).hear(sound((22 * SECOND, 1), (4, 0), (2 * SECOND, 1), (3 * SECOND, 0)))
    finals = [(event.ends_turn, type(after)) for event, after in pairwise(events) if isinstance(event, Final)]
    assert finals[-1] == (True, TurnEnded)
    assert [ends_turn for ends_turn, _ in finals] == [False, True]


DIGIT = SECOND // 4
TEN = Expectation(digits=(10, 10), slot_complete=False)
ROW = sound((SECOND, 0), (3 * DIGIT, 1), (SECOND, 0), (3 * DIGIT, 1), (SECOND, 0), (4 * DIGIT, 1), (5 * SECOND, 0))


class Counter:
    """Hears a seven for every `DIGIT` of voice; of the groups in `deaf`, by how many digits are in them, one less."""

    def __init__(self, deaf: int | None = None) -> None:
        self._deaf = deaf
        self.asked: list[tuple[int, tuple[int, int] | None]] = []

    def __call__(self, task: Decode) -> str:
        count = int(np.count_nonzero(task.audio)) // (DIGIT * WINDOW)
        self.asked.append((count, task.digits))
        return " ".join("7" * (count - (count == self._deaf)))


def texts(events: list[SessionEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final)]


def test_a_row_of_digits_is_heard_group_by_group_and_told_as_one() -> None:
    words = Counter()
    events = Stream(expectation=TEN, words=words).hear(ROW)
    assert texts(events) == [" ".join("7" * 10)]
    assert [count for count, _ in words.asked] == [3, 3, 4]
    assert [event.text for event in events if isinstance(event, TurnEager)] == [" ".join("7" * n) for n in (3, 6, 10)]


def test_where_the_groups_have_a_digit_too_few_the_whole_row_is_heard_again() -> None:
    words = Counter(deaf=4)
    assert texts(Stream(expectation=TEN, words=words).hear(ROW)) == [" ".join("7" * 10)]
    assert words.asked[-1] == (10, (10, 10))


def test_a_group_whose_words_come_too_late_is_heard_with_the_next_one() -> None:
    row = sound((SECOND, 0), (6 * DIGIT, 1), (SECOND // 4, 0), (4 * DIGIT, 1), (5 * SECOND, 0))
    words = Counter()
    assert texts(Stream(expectation=TEN, words=words, decode_late=20).hear(row)) == [" ".join("7" * 10)]
    assert words.asked == [(10, (10, 10))]


def test_without_digits_that_are_expected_a_pause_does_not_divide_what_is_heard() -> None:
    words = Counter()
    events = Stream(expectation=Expectation(slot_complete=False), words=words).hear(ROW)
    assert texts(events) == [" ".join("7" * 10)]
    assert [count for count, _ in words.asked] == [3, 6, 10]


def test_where_digits_are_counted_the_turn_detector_is_not_asked() -> None:
    never = 10_000
    events = Stream(detector_late=never, expectation=TEN, words=Counter()).hear(ROW)
    assert [event.reason for event in events if isinstance(event, TurnEnded)] == ["complete"]

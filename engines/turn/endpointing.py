"""The end of a turn: the only place where it is decided. Sans-IO, in audio time.

All positions are samples of the audio received. There is no clock: a decision at a position depends on the audio
before it and on what was fed back, never on how fast the audio came.

The rules:

1. Speech is voiced when the VAD rises to 0.5 and until it falls below 0.35. Less than 96 ms voiced in one go is a
   blip and makes no turn; more opens one, from half a second before the blip began (soft consonants come before the
   voice).
2. When the voice falls, the speech ended a little before: the VAD falls 34/71/99 ms (p5/p50/p95, measured at 8 kHz)
   after the last voiced sample. Silence is counted from there.
3. In a pause come, in this order: *speculate* (decode all up to here), *ask* (the turn detector). When the silence
   reaches the least that could end the turn, nothing goes on until words and verdict were fed back: `awaiting` is
   true, and whoever feeds windows holds them. Then `silence_needed` says how long it must be. A speaker who has paused
   in the middle of a turn, or went on just after one was ended, is given longer.
4. Any voiced window in a pause resumes the turn. What was speculated is void.
5. A turn is cut, and goes on, in its first dip after 20 s, at the latest after 28 s: recognisers see 30 s.
6. A turn ends by rule 3, by a command (finalize, close), or after `MAX_TURN_S`.

::

    IDLE --voiced--> ONSET --confirmed--> SPEAKING --unvoiced--> PAUSING --enough--> IDLE
                       |                      ^                     |
                     unvoiced --> IDLE        +------- voiced ------+
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias

from engines.turn.expectation import COMPLETE, Expectation, TurnDetection, silence_needed
from engines.turn.words import read

VAD_RISE = 0.5
VAD_FALL = 0.35
VAD_FALL_DELAY_MS = {8000: 71, 16000: 55}
"""From the last voiced sample to the end of the window in which the VAD falls, median, by the stream's rate."""

PAUSE_MS = 250, 900
"""What counts as a pause in the middle of a turn; after a longer one somebody has begun anew."""
PAUSE_FADES = 0.8
"""What a turn leaves of the memory of it."""

MIN_VOICED_MS = 96
PREROLL_MS = 500
CUT_AFTER_S = 20
CUT_LATEST_S = 28
MAX_TURN_S = 120

EndReason: TypeAlias = Literal["complete", "slot", "silence", "limit", "finalize", "close"]


class State(Enum):
    """Where a stream is."""

    IDLE = auto()
    ONSET = auto()
    SPEAKING = auto()
    PAUSING = auto()


class Signal(Enum):
    """What moves it."""

    VOICED = auto()
    UNVOICED = auto()
    CONFIRMED = auto()
    ENDED = auto()


TRANSITIONS = {
    (State.IDLE, Signal.VOICED): State.ONSET,
    (State.IDLE, Signal.UNVOICED): State.IDLE,
    (State.ONSET, Signal.VOICED): State.ONSET,
    (State.ONSET, Signal.UNVOICED): State.IDLE,
    (State.ONSET, Signal.CONFIRMED): State.SPEAKING,
    (State.SPEAKING, Signal.VOICED): State.SPEAKING,
    (State.SPEAKING, Signal.UNVOICED): State.PAUSING,
    (State.SPEAKING, Signal.ENDED): State.IDLE,
    (State.PAUSING, Signal.VOICED): State.SPEAKING,
    (State.PAUSING, Signal.UNVOICED): State.PAUSING,
    (State.PAUSING, Signal.ENDED): State.IDLE,
}


@dataclass(frozen=True, slots=True)
class Started:
    """A turn is open. Its audio begins at `audio_from`, its voice at `at`."""

    at: int
    audio_from: int


@dataclass(frozen=True, slots=True)
class Speculate:
    """Decode everything up to `upto`; feed the words to `receive_words`. The speech ended at `end`."""

    upto: int
    end: int


@dataclass(frozen=True, slots=True)
class AskTurnDetector:
    """Ask about the turn up to `upto`; feed the probability to `receive_verdict`."""

    upto: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The speaker went on; what was speculated is void."""

    at: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Everything up to `upto` is to be final; the turn goes on. Feed the words to `receive_words`.

    In a `dip` nothing follows yet: the turn may end there without more words.
    """

    upto: int
    dip: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over: its speech ended at `end`, which was decided at `at`, having heard all up to there."""

    end: int
    at: int
    probability: float
    reason: EndReason


EndpointEvent: TypeAlias = Started | Speculate | AskTurnDetector | Resumed | Cut | Ended


class Endpointing:
    """The turns of one stream."""

    def __init__(self, sample_rate: int, expectation: Expectation, language: str = "en") -> None:
        self._per_ms = sample_rate // 1000
        self._fall_delay = VAD_FALL_DELAY_MS[sample_rate] * self._per_ms
        self._expectation = expectation
        self._language = language
        self.state = State.IDLE
        self.position = 0
        self.awaiting = False
        self._voiced = False
        self._onset = 0  # where the voice of a blip or turn began
        self._turn_ended = 0  # nothing before this belongs to a new turn
        self._segment = 0  # audio from here on was not cut off yet
        self._speech_end = 0
        self._words: str | None = None
        self._verdict: float | None = None
        self._own_pause_ms = 0.0
        self._new_pause()

    @property
    def voiced(self) -> bool:
        """Whether the last window was."""
        return self._voiced

    @property
    def speech_end(self) -> int:
        """Where the speech of this pause ended."""
        return self._speech_end

    @property
    def awaiting_words(self) -> bool:
        """Whether nothing goes on without the words so far."""
        return self.awaiting and self._words is None

    @property
    def verdict(self) -> float | None:
        """What the turn detector said in this pause, if it was asked and has answered."""
        return self._verdict

    def receive_window(self, probability: float, samples: int) -> list[EndpointEvent]:
        """The VAD's verdict on the next `samples`. Not while `awaiting`."""
        if self.awaiting:
            raise RuntimeError("words or verdict must be fed back before the next window")
        begun, self.position = self.position, self.position + samples
        self._voiced = probability >= (VAD_FALL if self._voiced else VAD_RISE)
        before = self.state
        self._signal(Signal.VOICED if self._voiced else Signal.UNVOICED)
        events = self._changed(before, begun)
        events += self._cut_or_limit()
        return events + self._pause()

    def receive_words(self, text: str) -> list[EndpointEvent]:
        """What `Speculate` or `Cut` asked for."""
        self._words = text
        return self._decide()

    def receive_verdict(self, probability: float) -> list[EndpointEvent]:
        """What `AskTurnDetector` asked for."""
        self._verdict, self._asking = probability, False
        return self._decide()

    def configure(self, expectation: Expectation) -> list[EndpointEvent]:
        """Expect something else from now on."""
        self._expectation = expectation
        return self._pause()

    def end_turn(self, reason: EndReason) -> list[EndpointEvent]:
        """End the turn here, if one is open; a blip is forgotten."""
        if self.state in (State.SPEAKING, State.PAUSING):
            return [self._end(reason)]
        self.state = State.IDLE
        return []

    def _signal(self, signal: Signal) -> None:
        self.state = TRANSITIONS[self.state, signal]

    def _new_pause(self) -> None:
        self._speculated = False
        self._asked = False
        self._asking = False
        self._words = None
        self._verdict = None
        self.awaiting = False

    def _changed(self, before: State, begun: int) -> list[EndpointEvent]:
        """What the window that began at `begun` means, by the states before and after it."""
        match before, self.state:
            case State.IDLE, State.ONSET:
                self._onset = begun
            case State.ONSET, State.ONSET if self.position - self._onset >= MIN_VOICED_MS * self._per_ms:
                self._signal(Signal.CONFIRMED)
                self._segment = max(self._turn_ended, self._onset - PREROLL_MS * self._per_ms)
                self._has_paused(self._onset)
                return [Started(self._onset, self._segment)]
            case State.SPEAKING, State.PAUSING:
                self._new_pause()
                self._speech_end = max(self.position - self._fall_delay, self._onset)
            case State.PAUSING, State.SPEAKING:
                self._has_paused(begun)
                self._new_pause()
                return [Resumed(begun)]
            case _:
                pass
        return []

    def _has_paused(self, until: int) -> None:
        """The speaker goes on here; where that was soon, the pause was one in the middle of what they had to say."""
        pause_ms = (until - self._speech_end) / self._per_ms
        if self._speech_end and PAUSE_MS[0] <= pause_ms <= PAUSE_MS[1]:
            self._own_pause_ms = max(self._own_pause_ms, pause_ms)

    def _cut_or_limit(self) -> list[EndpointEvent]:
        if self.state not in (State.SPEAKING, State.PAUSING):
            return []
        second = 1000 * self._per_ms
        if self.position - self._onset >= MAX_TURN_S * second:
            return [self._end("limit")]
        length = self.position - self._segment
        if length < (CUT_LATEST_S if self.state is State.SPEAKING else CUT_AFTER_S) * second:
            return []
        self._segment = self.position
        self._speculated = True  # in a dip there is nothing behind the cut, whose words come anyway
        self._asked, self._asking = self._asked and not self._asking, False  # what is asked for now is forgotten
        return [Cut(self.position, dip=self.state is State.PAUSING)]

    def _pause(self) -> list[EndpointEvent]:
        """What is due at this point of a pause."""
        detection = self._expectation.turn_detection
        if self.state is not State.PAUSING or detection is TurnDetection.NONE:
            self.awaiting = False
            return []
        events: list[EndpointEvent] = []
        pace, least = self._expectation.pace, self._expectation.least_ms
        if not self._speculated and self._silent_for(min(self._expectation.speculate_ms, least)):
            self._speculated = True
            events.append(Speculate(self.position, self._speech_end))
        detector = detection is TurnDetection.SMART_TURN and not self._expectation.counted
        if detector and not self._asked and self._silent_for(min(pace.ask, least)):
            self._asked = self._asking = True
            events.append(AskTurnDetector(self.position))
        return events + self._decide()

    def _silent_for(self, milliseconds: float) -> bool:
        return self.position - self._speech_end >= milliseconds * self._per_ms

    def _decide(self) -> list[EndpointEvent]:
        """End the turn, wait for what was asked, or go on."""
        expectation, detection = self._expectation, self._expectation.turn_detection
        self.awaiting = False
        if self.state is not State.PAUSING or not self._silent_for(expectation.least_ms):
            return []
        if detection is not TurnDetection.SMART_TURN:
            silence: EndReason = "slot" if expectation.slot_complete else "silence"
            return [self._end(silence)] if detection is TurnDetection.SILENCE else []
        verdict = 1.0 if expectation.counted else self._verdict
        if self._words is None or verdict is None or (self._asking and not expectation.counted):
            self.awaiting = True
            return []
        reading = read(self._words, self._language)
        if not self._silent_for(silence_needed(verdict, reading, expectation, self._own_pause_ms)):
            return []
        heard: EndReason = "complete" if verdict >= COMPLETE else "silence"
        return [self._end("slot" if expectation.slot_complete else heard)]

    def _end(self, reason: EndReason) -> Ended:
        end = self._speech_end if self.state is State.PAUSING else self.position
        # Without a verdict there is no probability, but the end itself is certain.
        probability = 1.0 if self._verdict is None else self._verdict
        self._signal(Signal.ENDED)
        self._turn_ended = self.position
        self._own_pause_ms *= PAUSE_FADES
        self._new_pause()
        return Ended(end, self.position, probability, reason)

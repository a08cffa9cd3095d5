"""The turns of one stream: what endpointing decides, made words. Sans-IO, in audio time.

A turn's audio is decoded in segments: one, unless it is cut. One decode serves a speculation and the final: it is void
only when the speaker goes on. Where the endpointing waits for words or a verdict, or a segment is being made final, the
turns are `held`: the next window must wait.
"""

from dataclasses import replace
from typing import TypeAlias, assert_never

from engines.asr.audio_store import AudioStore
from engines.asr.events import SessionEvent, SpeechStarted, TurnEager, TurnEnded, TurnResumed
from engines.asr.partials import Partials
from engines.asr.segment import Hypothesis, Segment
from engines.asr.tasks import Cancel, Decode, Detect, Promote, Task
from engines.lanes import Lane
from engines.ports import Transcription
from engines.strain import Strain
from engines.turn.endpointing import (
    MIN_VOICED_MS,
    PREROLL_MS,
    AskTurnDetector,
    Cut,
    Ended,
    EndpointEvent,
    Endpointing,
    EndReason,
    Resumed,
    Speculate,
    Started,
    State,
)
from engines.turn.expectation import Expectation, TurnDetection

DETECTOR_HISTORY_S = 8
"""What the turn detector looks at, at most."""

DECODE_PREROLL_MS = 200
"""What a decode hears before the voice: the word error rate is that of 500 ms (3.3 %), 120 ms makes it 4.7 %.

The turn detector hears all of `PREROLL_MS`."""

UNKNOWN_PROBABILITY = 0.5

Output: TypeAlias = SessionEvent | Task


class Turns:
    """The turns of one stream, whose audio is in `store`."""

    def __init__(
        self, sample_rate: int, store: AudioStore, expectation: Expectation, language: str, *, interim_results: bool
    ) -> None:
        self._rate = sample_rate
        self._store = store
        self._expectation = expectation
        self._endpointing = Endpointing(sample_rate, expectation, language)
        talk = expectation.turn_detection is TurnDetection.SMART_TURN
        self._partials = Partials(sample_rate, talk=talk) if interim_results else None
        self._outputs: list[Output] = []
        self.strain = Strain.NONE
        self._numbers = 0
        self._turn = 0
        self._revision = 0
        self._turn_start = 0
        self._segment = Segment(sample_rate, 0, 0, spoken=False)
        self._hypothesis: Hypothesis | None = None
        self._detecting: int | None = None
        self._settling: Ended | Cut | None = None
        self.decoded = 0

    @property
    def position(self) -> int:
        """The samples heard."""
        return self._endpointing.position

    @property
    def settled(self) -> bool:
        """Whether nothing is being made final."""
        return self._settling is None

    @property
    def held(self) -> bool:
        """Whether the next window must wait for results."""
        return self._settling is not None or self._endpointing.awaiting

    @property
    def undecided(self) -> int:
        """From this position on nothing is final yet."""
        return self._segment.begin if self._in_turn else self.position

    @property
    def needed_from(self) -> int:
        """From this position on audio may still be asked for."""
        if self._in_turn:
            history = max(self._turn_start, self.position - DETECTOR_HISTORY_S * self._rate)
            return min(self._segment.begin, history)
        return max(0, self.position - (PREROLL_MS + 2 * MIN_VOICED_MS) * self._rate // 1000)

    @property
    def _in_turn(self) -> bool:
        return self._settling is not None or self._endpointing.state in (State.SPEAKING, State.PAUSING)

    def take_outputs(self) -> list[Output]:
        """What is to be told and done since the last time, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def receive_window(self, probability: float, samples: int) -> None:
        """The VAD's verdict on the next `samples`. Not while `held`."""
        events = self._endpointing.receive_window(probability, samples)
        self._segment.voiced += samples if self._endpointing.voiced else 0
        self._apply(events)
        self._see_that_words_come()
        speaking = self._endpointing.state is State.SPEAKING and self._settling is None
        if speaking and self._partials is not None and self._partials.due(self._segment.voiced, self.strain):
            lane = Lane.FIRST_PARTIAL if self._partials.first else Lane.PARTIAL
            self._partials.begin(self._decode(lane, self.position), self._segment.voiced, self.position)

    def _see_that_words_come(self) -> None:
        """Where nothing goes on without words: ask for them, or say that they are wanted now."""
        if self._endpointing.awaiting_words and self._hypothesis is None:
            self._hypothesise(Lane.FINAL, self.position, self._endpointing.speech_end)
        elif self._endpointing.awaiting and self._hypothesis is not None and self._hypothesis.text is None:
            self._outputs.append(Promote(self._hypothesis.number))

    def end_turn(self, reason: EndReason) -> None:
        """End the turn here, if one is open."""
        self._apply(self._endpointing.end_turn(reason))

    def configure(self, **changes: object) -> None:
        """Replace fields of the expectation from now on."""
        self._expect(replace(self._expectation, **changes))  # type: ignore[arg-type]

    def receive_transcription(self, number: int, transcription: Transcription, took_s: float) -> None:
        """The result of `Decode`; `took_s` seconds after it was asked for."""
        if self._partials is not None and self._partials.pending == number:
            self._tell_partial(transcription, took_s)
            return
        hypothesis = self._hypothesis
        if hypothesis is None or hypothesis.number != number:
            return
        heard = self._segment.groups.joined(transcription)
        if self._segment.groups.doubtful(heard, self._expectation.digits):
            self._segment.groups.forget()
            hypothesis.number = self._decode(Lane.FINAL, hypothesis.upto)
            return
        hypothesis.heard = heard
        hypothesis.text = heard.text if self._segment.supports(heard.text) else ""
        if self._settling is not None:
            self._settle()
        else:
            self._tell_eager()
            self._apply(self._endpointing.receive_words(hypothesis.text))

    def receive_probability(self, number: int, probability: float) -> None:
        """The result of `Detect`."""
        if number != self._detecting:
            return
        self._detecting = None
        self._apply(self._endpointing.receive_verdict(probability))
        self._see_that_words_come()

    def _expect(self, expectation: Expectation) -> None:
        self._expectation = expectation
        self._apply(self._endpointing.configure(expectation))
        self._see_that_words_come()

    def _apply(self, events: list[EndpointEvent]) -> None:
        for event in events:
            match event:
                case Started():
                    self._start(event)
                case Speculate() if self.strain < Strain.NO_SPECULATION:
                    self._hypothesise(Lane.SPECULATIVE, event.upto, event.end)
                case Speculate():
                    pass  # the words are asked for when nothing goes on without them
                case AskTurnDetector():
                    self._detect(event.upto)
                case Resumed():
                    self._resume(event)
                case Cut() | Ended():
                    self._begin_settling(event)
                case _:
                    assert_never(event)

    def _start(self, event: Started) -> None:
        self._turn += 1
        self._revision = 0
        self._turn_start = event.audio_from
        self._begin_segment(max(event.audio_from, self._decode_begin(event.at)), event.at, spoken=True)
        self._segment.voiced = self.position - event.at
        self._outputs.append(SpeechStarted(self._turn, self._seconds(event.at)))

    def _decode_begin(self, voice: int) -> int:
        """Where the decode of a voice begins."""
        return voice - DECODE_PREROLL_MS * self._rate // 1000

    def _begin_segment(self, audio_from: int, speech_start: int, *, spoken: bool) -> None:
        self._segment = Segment(self._rate, audio_from, speech_start, spoken=spoken)
        if self._partials is not None:
            self._partials.reset()

    def _resume(self, event: Resumed) -> None:
        self._segment.spoken = True
        self._forget_detection()
        hypothesis, self._hypothesis = self._hypothesis, None
        if hypothesis is None:
            return
        if hypothesis.text is None:
            self._outputs.append(Cancel(hypothesis.number))
        elif hypothesis.text and hypothesis.heard is not None and self._expectation.digits is not None:
            self._segment.groups.keep(hypothesis.heard, max(hypothesis.upto, self._decode_begin(event.at)))
        if hypothesis.eager_revision is not None:
            self._outputs.append(TurnResumed(self._turn, hypothesis.eager_revision, self._seconds(event.at)))

    def _begin_settling(self, event: Ended | Cut) -> None:
        """Make final what was said up to here; nothing goes on until that is done."""
        self._settling = event
        self._forget_detection()
        if not self._segment.spoken:
            self._settle()
        elif self._hypothesis is None:
            upto = event.at if isinstance(event, Ended) else event.upto
            self._hypothesise(Lane.FINAL, upto, upto)
        elif self._hypothesis.text is None:
            self._outputs.append(Promote(self._hypothesis.number))
        else:
            self._settle()

    def _settle(self) -> None:
        event, self._settling = self._settling, None
        hypothesis, self._hypothesis = self._hypothesis, None
        match event:
            case Ended():
                self._finish_segment(hypothesis, event.end, event.at, ends_turn=True)
                end, at = self._seconds(event.end), self._seconds(event.at)
                self._outputs.append(TurnEnded(self._turn, end, at, event.probability, event.reason))
                # It was said of the words of this turn.
                self._expect(replace(self._expectation, slot_complete=None))
            case Cut():
                self._finish_segment(hypothesis, event.upto, event.upto, ends_turn=False)
                self._begin_segment(event.upto, event.upto, spoken=not event.dip)
                text = hypothesis.text if hypothesis is not None else ""
                self._apply(self._endpointing.receive_words(text or ""))
            case None:
                raise RuntimeError("nothing to settle")

    def _finish_segment(self, hypothesis: Hypothesis | None, speech_end: int, end: int, *, ends_turn: bool) -> None:
        if self._segment.spoken:
            self.decoded += end - self._segment.begin
        if hypothesis is not None and hypothesis.heard is not None and hypothesis.text:
            self._outputs.append(self._segment.final(self._turn, hypothesis.heard, speech_end, ends_turn=ends_turn))

    def _tell_eager(self) -> None:
        """The words are there: what the turn detector says of them decides how long the silence must be."""
        hypothesis = self._hypothesis
        if hypothesis is None or not hypothesis.text or self._settling is not None:
            return
        if hypothesis.eager_revision is None:
            self._revision += 1
            hypothesis.eager_revision = self._revision
            start, end = self._seconds(self._segment.speech_start), self._seconds(hypothesis.speech_end)
            verdict = self._endpointing.verdict
            probability = UNKNOWN_PROBABILITY if verdict is None else verdict
            self._outputs.append(TurnEager(self._turn, self._revision, hypothesis.text, start, end, probability))

    def _tell_partial(self, transcription: Transcription, took_s: float) -> None:
        assert self._partials is not None
        heard = self._segment.groups.joined(transcription)
        start = self._seconds(self._segment.speech_start)
        partial = self._partials.finish(
            heard.text,
            took_s,
            turn=self._turn,
            revision=self._revision + 1,
            start=start,
            confidence=heard.confidence,
        )
        if partial is not None and self._segment.supports(heard.text):
            self._revision += 1
            self._outputs.append(partial)

    def _hypothesise(self, lane: Lane, upto: int, speech_end: int) -> None:
        self._hypothesis = Hypothesis(self._decode(lane, upto), upto, speech_end)

    def _decode(self, lane: Lane, upto: int) -> int:
        """Ask for the words up to there that are not kept; they make a partial still under way worthless."""
        if self._partials is not None and self._partials.pending is not None:
            self._outputs.append(Cancel(self._partials.pending))
            self._partials.pending = None
        self._numbers += 1
        audio = self._store.slice(self._segment.groups.decode_from, upto)
        self._outputs.append(
            Decode(self._numbers, lane, audio, self._segment.groups.expected(self._expectation.digits))
        )
        return self._numbers

    def _detect(self, upto: int) -> None:
        start = max(self._turn_start, upto - DETECTOR_HISTORY_S * self._rate)
        self._numbers += 1
        self._detecting = self._numbers
        self._outputs.append(Detect(self._numbers, self._store.slice(start, upto)))

    def _forget_detection(self) -> None:
        if self._detecting is not None:
            self._outputs.append(Cancel(self._detecting))
            self._detecting = None

    def _seconds(self, samples: int) -> float:
        return samples / self._rate

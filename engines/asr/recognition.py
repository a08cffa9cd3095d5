"""What one stream's recogniser does with audio, commands and results. Sans-IO, in audio time.

Everything that comes in is queued by its place in the audio; `advance` works it off as far as it can and returns events
to tell and tasks to do. Where a decision needs the result of a task, windows are held until it was fed back, so that
the same audio always gives the same turns, however fast it came; only partials, and whether an eager end was still told
before it was taken back, depend on how fast the tasks are.

One decode serves a speculation and the final: it is void only when the speaker goes on.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never

import numpy as np

from engines.asr.audio_store import AudioStore
from engines.asr.events import (
    Closed,
    Final,
    Finalized,
    SessionEvent,
    SpeechStarted,
    TurnEager,
    TurnEnded,
    TurnResumed,
)
from engines.asr.evidence import supported
from engines.asr.partials import Partials
from engines.asr.tasks import (
    Cancel,
    CloseCommand,
    Command,
    ConfigureCommand,
    Decode,
    Detect,
    FinalizeCommand,
    Promote,
    Task,
)
from engines.ports import Transcription, VadStream
from engines.scheduler import Lane
from engines.turn.endpointing import (
    MIN_VOICED_MS,
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
from engines.turn.expectation import Expectation, TurnDetection

WINDOWS_AT_ONCE = 64
"""Windows worked off in one `advance`: about 6 ms of VAD, so that a flood on one stream delays no other."""

DETECTOR_HISTORY_S = 8
"""What the turn detector looks at, at most."""

UNKNOWN_PROBABILITY = 0.5

_FULL_SCALE = 32768.0

Output: TypeAlias = SessionEvent | Task


@dataclass(slots=True)
class _Hypothesis:
    """A decode of the segment, running or done. The speech in it ended at `speech_end`."""

    number: int
    speech_end: int
    text: str | None = None
    eager_revision: int | None = None


class Recognition:
    """One stream."""

    def __init__(
        self,
        sample_rate: int,
        vad: VadStream,
        *,
        expectation: Expectation,
        language: str = "en",
        interim_results: bool = False,
    ) -> None:
        self._rate = sample_rate
        self._vad = vad
        self._expectation = expectation
        self._endpointing = Endpointing(sample_rate, expectation, language)
        self._partials = Partials(sample_rate) if interim_results else None
        self._store = AudioStore()
        self._commands: deque[tuple[int, Command]] = deque()
        self._outputs: list[Output] = []
        self._numbers = 0
        self._closing = False
        self._received: int | None = None  # set when the stream is closed: what follows is padding
        self._decoded = 0
        self._turn = 0
        self._revision = 0
        self._turn_start = 0
        self._segment = 0  # what lies before is final
        self._speech_start = 0
        self._spoken = False  # whether there is speech in the segment
        self._voiced = 0  # samples of it
        self._hypothesis: _Hypothesis | None = None
        self._detecting: int | None = None
        self._settling: Ended | Cut | None = None
        self._reply: SessionEvent | None = None  # told when all before it is settled

    # --- what comes in ---

    def receive_audio(self, pcm: bytes) -> None:
        """The next bytes of 16-bit little-endian mono."""
        if not self._closing:
            self._store.append(pcm)

    def receive_command(self, command: Command) -> None:
        """A command; it takes effect at this place of the audio."""
        if self._closing:
            return
        if isinstance(command, CloseCommand):
            self._closing, self._received = True, self._store.end
            self._store.pad(-(self._store.end - self._position) % self._vad.window)
        self._commands.append((self._store.end, command))

    def receive_transcription(self, number: int, transcription: Transcription, took_s: float) -> None:
        """The result of `Decode`; `took_s` seconds after it was asked for."""
        if self._partials is not None and self._partials.pending == number:
            self._tell_partial(transcription.text, took_s)
            return
        hypothesis = self._hypothesis
        if hypothesis is None or hypothesis.number != number:
            return
        hypothesis.text = transcription.text if supported(transcription.text, self._voiced / self._rate) else ""
        if self._settling is not None:
            self._settle()
        else:
            self._tell_eager(self._endpointing.verdict)
            self._apply(self._endpointing.receive_words(hypothesis.text))

    def receive_probability(self, number: int, probability: float) -> None:
        """The result of `Detect`."""
        if number != self._detecting:
            return
        self._detecting = None
        self._tell_eager(probability)
        self._apply(self._endpointing.receive_verdict(probability))

    # --- what goes on ---

    @property
    def buffered(self) -> int:
        """Samples received and not worked on yet."""
        return self._store.end - self._position

    @property
    def closed(self) -> bool:
        """Whether `Closed` was told."""
        return self._closing and not self._commands and self._reply is None

    @property
    def runnable(self) -> bool:
        """Whether `advance` has something to do."""
        held = self._endpointing.awaiting or self._settling is not None
        return bool(self._outputs) or (not held and (self._command_due or self.buffered >= self._vad.window))

    def advance(self) -> list[Output]:
        """Go on as far as it goes, but not for long; what is to be told and done, in order."""
        for _ in range(WINDOWS_AT_ONCE):
            if self._endpointing.awaiting or self._settling is not None:
                break
            if self._command_due:
                self._obey(self._commands.popleft()[1])
            elif self.buffered >= self._vad.window:
                self._hear()
            else:
                break
        outputs, self._outputs = self._outputs, []
        return outputs

    def books(self) -> Closed:
        """The books if the stream ended here and now: what is not decided yet is dropped."""
        received = self._store.end if self._received is None else self._received
        undecided = self._segment if self._in_turn else min(self._position, received)
        dropped = received - undecided
        parts = (received, self._decoded, received - self._decoded - dropped, dropped)
        return Closed(*(self._seconds(samples) for samples in parts))

    @property
    def _position(self) -> int:
        return self._endpointing.position

    @property
    def _in_turn(self) -> bool:
        return self._settling is not None or self._endpointing.state in (State.SPEAKING, State.PAUSING)

    @property
    def _command_due(self) -> bool:
        return bool(self._commands) and self._commands[0][0] < self._position + self._vad.window

    def _hear(self) -> None:
        window = self._vad.window
        samples = self._store.slice(self._position, self._position + window).astype(np.float32) / _FULL_SCALE
        events = self._endpointing.receive_window(self._vad.probability(samples), window)
        self._voiced += window if self._endpointing.voiced else 0
        self._apply(events)
        if self._endpointing.awaiting and self._hypothesis is not None and self._hypothesis.text is None:
            self._outputs.append(Promote(self._hypothesis.number))
        speaking = self._endpointing.state is State.SPEAKING and self._settling is None
        if speaking and self._partials is not None and self._partials.due(self._voiced):
            self._partials.begin(self._decode(Lane.PARTIAL, self._position), self._voiced, self._position)
        needed = self._position - (PREROLL_MS + 2 * MIN_VOICED_MS) * self._rate // 1000
        if self._in_turn:
            history = max(self._turn_start, self._position - DETECTOR_HISTORY_S * self._rate)
            needed = min(self._segment, history)
        self._store.forget_before(min(needed, self._position))

    def _obey(self, command: Command) -> None:
        match command:
            case ConfigureCommand():
                self._expect(replace(self._expectation, **command.changes))
            case FinalizeCommand():
                self._reply = Finalized()
                self._apply(self._endpointing.end_turn("finalize"))
            case CloseCommand():
                self._reply = self.books()
                self._apply(self._endpointing.end_turn("close"))
            case _:
                assert_never(command)
        self._tell_reply()

    def _expect(self, expectation: Expectation) -> None:
        self._expectation = expectation
        self._apply(self._endpointing.configure(expectation))

    def _apply(self, events: list[EndpointEvent]) -> None:
        for event in events:
            match event:
                case Started():
                    self._start(event)
                case Speculate():
                    number = self._decode(Lane.SPECULATIVE, event.upto)
                    self._hypothesis = _Hypothesis(number, event.end)
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
        self._begin_segment(event.audio_from, event.at, spoken=True)
        self._voiced = self._position - event.at
        self._outputs.append(SpeechStarted(self._turn, self._seconds(event.at)))

    def _begin_segment(self, audio_from: int, speech_start: int, *, spoken: bool) -> None:
        self._segment, self._speech_start, self._spoken, self._voiced = audio_from, speech_start, spoken, 0
        if self._partials is not None:
            self._partials.reset()

    def _resume(self, event: Resumed) -> None:
        self._spoken = True
        self._forget_detection()
        hypothesis, self._hypothesis = self._hypothesis, None
        if hypothesis is None:
            return
        if hypothesis.text is None:
            self._outputs.append(Cancel(hypothesis.number))
        if hypothesis.eager_revision is not None:
            self._outputs.append(TurnResumed(self._turn, hypothesis.eager_revision, self._seconds(event.at)))

    def _begin_settling(self, event: Ended | Cut) -> None:
        """Make final what was said up to here; nothing goes on until that is done."""
        self._settling = event
        self._forget_detection()
        if not self._spoken:
            self._settle()
        elif self._hypothesis is None:
            upto = event.at if isinstance(event, Ended) else event.upto
            self._hypothesis = _Hypothesis(self._decode(Lane.FINAL, upto), upto)
        elif self._hypothesis.text is None:
            self._outputs.append(Promote(self._hypothesis.number))
        else:
            self._settle()

    def _settle(self) -> None:
        event, self._settling = self._settling, None
        hypothesis, self._hypothesis = self._hypothesis, None
        text = (hypothesis.text or "") if hypothesis is not None else ""
        match event:
            case Ended():
                self._finish_segment(text, event.end, event.at)
                end, at = self._seconds(event.end), self._seconds(event.at)
                self._outputs.append(TurnEnded(self._turn, end, at, event.probability, event.reason))
                # It was said of the words of this turn.
                self._expect(replace(self._expectation, slot_complete=None))
            case Cut():
                self._finish_segment(text, event.upto, event.upto)
                self._begin_segment(event.upto, event.upto, spoken=not event.dip)
                self._apply(self._endpointing.receive_words(text))
            case None:
                raise RuntimeError("nothing to settle")
        self._tell_reply()

    def _finish_segment(self, text: str, speech_end: int, end: int) -> None:
        if self._spoken:
            self._decoded += min(end, self._received or end) - self._segment
        if text:
            start, stop = self._seconds(self._speech_start), self._seconds(speech_end)
            self._outputs.append(Final(self._turn, text, start, stop))

    def _tell_reply(self) -> None:
        """Answer the command that all before it is settled for."""
        if self._reply is None or self._settling is not None:
            return
        self._outputs.append(self.books() if isinstance(self._reply, Closed) else self._reply)
        self._reply = None

    def _tell_eager(self, verdict: float | None) -> None:
        hypothesis = self._hypothesis
        asked = self._expectation.turn_detection is TurnDetection.SMART_TURN
        if hypothesis is None or not hypothesis.text or self._settling is not None or (asked and verdict is None):
            return
        if hypothesis.eager_revision is None:
            self._revision += 1
            hypothesis.eager_revision = self._revision
            start, end = self._seconds(self._speech_start), self._seconds(hypothesis.speech_end)
            probability = UNKNOWN_PROBABILITY if verdict is None else verdict
            self._outputs.append(TurnEager(self._turn, self._revision, hypothesis.text, start, end, probability))

    def _tell_partial(self, text: str, took_s: float) -> None:
        assert self._partials is not None
        start = self._seconds(self._speech_start)
        partial = self._partials.finish(text, took_s, turn=self._turn, revision=self._revision + 1, start=start)
        if partial is not None and supported(text, self._voiced / self._rate):
            self._revision += 1
            self._outputs.append(partial)

    def _decode(self, lane: Lane, upto: int) -> int:
        """Ask for the segment's words up to there; they make a partial still under way worthless."""
        if self._partials is not None and self._partials.pending is not None:
            self._outputs.append(Cancel(self._partials.pending))
            self._partials.pending = None
        self._numbers += 1
        self._outputs.append(Decode(self._numbers, lane, self._store.slice(self._segment, upto)))
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
        return round(samples / self._rate, 4)

"""One stream's recognition as an asyncio object: `feed` on one side, `events` on the other.

The machine is `recognition.Recognition`; this gives its tasks to the scheduler and feeds their results back. Audio is
never
dropped: when more than `max_buffered_s` waits, `feed` waits, and so does the sender's socket.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.asr.events import Closed, SessionEvent
from engines.asr.models import AsrModels
from engines.asr.recognition import Recognition
from engines.asr.tasks import Cancel, CloseCommand, Command, ConfigureCommand, Decode, Detect, FinalizeCommand, Promote
from engines.lanes import PARTIALS, Lane
from engines.ports import Listening, Transcription
from engines.scheduler import Job, Scheduler, Together
from engines.turn.expectation import Expectation


@dataclass(frozen=True, slots=True)
class AsrEngines:
    """What all sessions of a process share.

    Attributes:
        detections: Who asks the turn detector, which runs on the CPU: another one where `scheduler` owns a GPU.
        observe_ingest: Told of each message how many seconds passed until the VAD had heard it.
    """

    models: AsrModels
    scheduler: Scheduler
    detections: Scheduler
    observe_ingest: Callable[[float], None] = lambda _: None

    @property
    def detections_wait(self) -> bool:
        """Whether the turn detector is better asked when the words are there.

        Together on the same cores both take longer, and a reply may begin with the words. But among many streams
        whoever comes later waits longer.
        """
        return self.detections is self.scheduler and self.scheduler.idle

    def decode(
        self, lane: Lane, audio: NDArray[np.int16], sample_rate: int, listening: Listening
    ) -> Job[Transcription]:
        """Have a segment recognised."""
        bucket = self.models.recogniser.bucket(len(audio) / sample_rate)
        if bucket is None or listening.words:  # the words of each are found alone
            return self.scheduler.submit(lane, self.models.transcribe, audio, sample_rate, listening)
        together = Together(partial(self.models.transcribe_together, listening=listening), (listening, bucket))
        return self.scheduler.submit_together(lane, together, (audio, sample_rate))

    def detect(self, audio: NDArray[np.int16], sample_rate: int) -> Job[float]:
        """Have the turn detector asked. It is short, and the same decision waits for it as for a final."""
        return self.detections.submit(Lane.FINAL, self.models.turn_probability, audio, sample_rate)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What one stream is like.

    Attributes:
        quiet_ms: How long a silence after a turn is to be told of as `Quiet`; None: none.
    """

    sample_rate: int = 16000
    listening: Listening = field(default_factory=Listening)
    interim_results: bool = False
    expectation: Expectation = field(default_factory=Expectation)
    max_buffered_s: float = 30.0
    quiet_ms: int | None = None


class AsrSession:
    """One stream. Feed it from one task, read `events` in another; closing `events` cancels what it has under way."""

    def __init__(self, engines: AsrEngines, options: SessionOptions) -> None:
        self._engines = engines
        self._options = options
        self._listening = options.listening
        self._machine = Recognition(
            options.sample_rate,
            engines.models.vad.stream(options.sample_rate),
            expectation=options.expectation,
            language=options.listening.language or "",
            interim_results=options.interim_results,
            quiet_ms=options.quiet_ms,
        )
        self._jobs: dict[int, Job[Any]] = {}
        self._results: deque[tuple[Decode | Detect, float, asyncio.Future[Any]]] = deque()
        self._unheard: deque[tuple[int, float]] = deque()  # where each message ends, and when it came
        self._postponed: Detect | None = None
        self._told = False  # that the stream is closed
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def feed(self, pcm: bytes) -> None:
        """The next bytes of 16-bit little-endian mono, any number of them; waits while too much is buffered."""
        await self._room.wait()
        self._machine.receive_audio(pcm)
        self._unheard.append((self._machine.received, monotonic()))
        if self._machine.buffered >= self._options.max_buffered_s * self._options.sample_rate:
            self._room.clear()
        self._work.set()

    def finalize(self) -> None:
        """End the turn at this place of the audio; `Finalized` answers."""
        self._command(FinalizeCommand())

    def close_stream(self) -> None:
        """End turn and stream at this place of the audio; `Closed` is the last event."""
        self._command(CloseCommand())

    def configure(self, **changes: object) -> None:
        """Replace fields of the expectation, from this place of the audio on."""
        self._command(ConfigureCommand(changes))

    def listen_for(self, **changes: Any) -> None:
        """Replace fields of what is listened for, in what is decoded from now on."""
        self._listening = replace(self._listening, **changes)

    def books(self) -> Closed:
        """The stream's books if it ended here and now."""
        return self._machine.books()

    async def events(self) -> AsyncIterator[SessionEvent]:
        """What happens, until `Closed`.

        Raises:
            Exception: Whatever an engine raised; the stream is lost.
        """
        try:
            while not self._told:
                for event in self._advance():
                    self._told = isinstance(event, Closed)
                    yield event
                if self._machine.runnable:
                    await asyncio.sleep(0)  # others have windows too
                elif not self._told:
                    await self._work.wait()
        finally:
            self._room.set()
            for job in self._jobs.values():
                job.cancel()

    def _command(self, command: Command) -> None:
        self._machine.receive_command(command)
        self._work.set()

    def _advance(self) -> list[SessionEvent]:
        """Feed results back, go on, start tasks; what is to be told."""
        self._work.clear()
        while self._results:
            self._feed_back(*self._results.popleft())
        events: list[SessionEvent] = []
        self._machine.strain = self._engines.scheduler.strain
        for output in self._machine.advance():
            if isinstance(output, Decode | Detect | Promote | Cancel):
                self._do(output)
            else:
                events.append(output)
        while self._unheard and self._unheard[0][0] < self._machine.heard + self._machine.window:
            self._engines.observe_ingest(monotonic() - self._unheard.popleft()[1])
        if self._machine.buffered < self._options.max_buffered_s * self._options.sample_rate:
            self._room.set()
        return events

    def _do(self, task: Decode | Detect | Promote | Cancel) -> None:
        rate = self._options.sample_rate
        match task:
            case Decode():
                words = self._listening.words and task.lane not in PARTIALS
                listening = replace(self._listening, words=words, digits=task.digits)
                self._submit(task, self._engines.decode(task.lane, task.audio, rate, listening))
            case Detect() if self._jobs and self._engines.detections_wait:
                self._postponed = task
            case Detect():
                self._submit(task, self._engines.detect(task.audio, rate))
            case Promote():
                if job := self._jobs.get(task.number):  # else its result is on its way
                    job.promote(Lane.FINAL)
            case Cancel():
                if self._postponed is not None and self._postponed.number == task.number:
                    self._postponed = None
                if job := self._jobs.pop(task.number, None):
                    job.cancel()

    def _submit(self, task: Decode | Detect, job: Job[Any]) -> None:
        begun = monotonic()
        self._jobs[task.number] = job

        def done(future: asyncio.Future[Any]) -> None:
            if self._jobs.pop(task.number, None) is not None:
                self._results.append((task, monotonic() - begun, future))
                self._work.set()

        job.future.add_done_callback(done)

    def _feed_back(self, task: Decode | Detect, took_s: float, future: asyncio.Future[Any]) -> None:
        if isinstance(task, Decode):
            self._machine.receive_transcription(task.number, future.result(), took_s)
        else:
            self._machine.receive_probability(task.number, future.result())
        if self._postponed is not None and not self._jobs:
            postponed, self._postponed = self._postponed, None
            self._do(postponed)

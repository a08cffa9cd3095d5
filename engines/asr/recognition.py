"""What one stream's recogniser does with audio, commands and results. Sans-IO, in audio time.

Everything that comes in is queued by its place in the audio; `advance` works it off as far as it can and returns events
to tell and tasks to do. Where a decision needs the result of a task, windows are held until it was fed back, so that
the same audio always gives the same turns, however fast it came; only partials, and whether an eager end was still told
before it was taken back, depend on how fast the tasks are.
"""

from collections import deque
from typing import assert_never

from engines.asr.audio_store import AudioStore, as_samples
from engines.asr.events import Closed, Finalized
from engines.asr.quiet import QuietWatch
from engines.asr.tasks import CloseCommand, Command, ConfigureCommand, FinalizeCommand
from engines.asr.turns import Output, Turns
from engines.ports import Transcription, VadStream
from engines.strain import Strain
from engines.turn.expectation import Expectation

WINDOWS_AT_ONCE = 64
"""Windows worked off in one `advance`: about 6 ms of VAD, so that a flood on one stream delays no other."""


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
        quiet_ms: int | None = None,
    ) -> None:
        self._rate = sample_rate
        self._vad = vad
        self._store = AudioStore()
        self._turns = Turns(sample_rate, self._store, expectation, language, interim_results=interim_results)
        self._quiet = QuietWatch(sample_rate, quiet_ms) if quiet_ms is not None else None
        self._probabilities: deque[float] = deque()
        """The VAD's of the windows from `Turns.position` on: it hears what comes also while the turns are held."""
        self._commands: deque[tuple[int, Command]] = deque()
        self._reply: type[Finalized | Closed] | None = None  # told when all before it is settled
        self._outputs: list[Output] = []
        self._received: int | None = None  # set when the stream is closed: what follows is padding
        self.closed = False
        """Whether `Closed` was told."""

    @property
    def strain(self) -> Strain:
        """What the stream does without for now."""
        return self._turns.strain

    @strain.setter
    def strain(self, strain: Strain) -> None:
        self._turns.strain = strain

    def receive_audio(self, pcm: bytes) -> None:
        """The next bytes of 16-bit little-endian mono."""
        if self._received is None:
            self._store.append(pcm)

    def receive_command(self, command: Command) -> None:
        """A command; it takes effect at this place of the audio."""
        if self._received is not None:
            return
        if isinstance(command, CloseCommand):
            self._received = self._store.end
            self._store.pad(-self.buffered % self._vad.window)
        self._commands.append((self._store.end, command))

    def receive_transcription(self, number: int, transcription: Transcription, took_s: float) -> None:
        """The result of `Decode`; `took_s` seconds after it was asked for."""
        self._turns.receive_transcription(number, transcription, took_s)
        self._tell_reply()

    def receive_probability(self, number: int, probability: float) -> None:
        """The result of `Detect`."""
        self._turns.receive_probability(number, probability)
        self._tell_reply()

    @property
    def window(self) -> int:
        """The samples that the VAD hears at once; what is less waits."""
        return self._vad.window

    @property
    def received(self) -> int:
        """The position behind the last whole sample received."""
        return self._store.end

    @property
    def buffered(self) -> int:
        """Samples received and not worked on yet."""
        return self._store.end - self._turns.position

    @property
    def runnable(self) -> bool:
        """Whether `advance` would go on."""
        return self._unheard >= self._vad.window or self._decidable

    @property
    def heard(self) -> int:
        """The VAD has heard all up to this position."""
        return self._turns.position + len(self._probabilities) * self._vad.window

    def advance(self) -> list[Output]:
        """Go on as far as it goes, but not for long; what is to be told and done, in order."""
        for _ in range(min(WINDOWS_AT_ONCE, self._unheard // self._vad.window)):
            self._hear()
        for _ in range(WINDOWS_AT_ONCE):
            if not self._decidable:
                break
            if self._command_due:
                self._obey(self._commands.popleft()[1])
            else:
                self._turns.receive_window(self._probabilities.popleft(), self._vad.window)
                self._store.forget_before(self._turns.needed_from)
            self._take_outputs()
        self._take_outputs()
        outputs, self._outputs = self._outputs, []
        return outputs

    def books(self) -> Closed:
        """The books if the stream ended here and now: what is not decided yet is dropped."""
        received = self._store.end if self._received is None else self._received
        decoded = min(self._turns.decoded, received)  # a padded last window may be in it
        dropped = received - min(self._turns.undecided, received)
        parts = (received, decoded, received - decoded - dropped, dropped)
        return Closed(*(samples / self._rate for samples in parts))

    @property
    def _command_due(self) -> bool:
        return bool(self._commands) and self._commands[0][0] < self._turns.position + self._vad.window

    @property
    def _unheard(self) -> int:
        return self._store.end - self.heard

    @property
    def _decidable(self) -> bool:
        return not self._turns.held and (self._command_due or bool(self._probabilities))

    def _hear(self) -> None:
        begin = self.heard
        samples = as_samples(self._store.slice(begin, begin + self._vad.window))
        self._probabilities.append(self._vad.probability(samples))

    def _obey(self, command: Command) -> None:
        match command:
            case ConfigureCommand():
                self._turns.configure(**command.changes)
            case FinalizeCommand():
                self._reply = Finalized
                self._turns.end_turn("finalize")
            case CloseCommand():
                self._reply = Closed
                self._turns.end_turn("close")
            case _:
                assert_never(command)
        self._tell_reply()

    def _take_outputs(self) -> None:
        outputs = self._turns.take_outputs()
        self._outputs += outputs
        if self._quiet is not None:
            self._outputs += self._quiet.receive(outputs, self._turns.position)

    def _tell_reply(self) -> None:
        """Answer the command that all before it is settled for."""
        if self._reply is None or not self._turns.settled:
            return
        self._take_outputs()
        self.closed = self._reply is Closed
        self._outputs.append(self.books() if self.closed else Finalized())
        self._reply = None

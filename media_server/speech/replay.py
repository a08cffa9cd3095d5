"""One unbroken recognition over several streams of the asr role. Sans-IO.

The sound since the last words that are final is kept. When a stream is lost, the next one hears it again, faster than
it was spoken, and then what came meanwhile, so that no word is lost and none told twice:

* times and turn numbers of a stream become those of the whole (`receive`);
* a turn that was open goes on as the same turn. What was offered of it (`turn_eager`) is taken back;
* a turn that the next stream does not find again, once it has heard all there is, is ended (`on_deadline`);
* sound that brought down `TRIES` streams in a row is not tried again.
"""

from media_server.protocol.asr_stream import AsrEvent, Final, Partial, SpeechStarted, TurnEager, TurnEnded, TurnResumed

KEPT_S = 60.0
"""Sound that is kept at most; a turn is cut, and so made final, twice as often."""
TRIES = 3
RESTART_S = 5.0
"""How long a new stream may take to find the turn that was open, once it has heard all of it."""
BEHIND_S = 0.2
"""A stream that has got all but this has got all."""
PROVEN_S = 2.0
"""A stream that lives so long, and has got all, was not brought down by it."""
WAIT_S = 1.0

_BYTES = 2


class Replay:
    """The sound of one call on its way to one stream after the other, and what they make of it."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._pcm = bytearray()
        self._start = 0
        """The sample that `_pcm` begins with."""
        self._sent = 0
        """The first sample that this stream has not got."""
        self._base = 0
        """The sample that this stream began with."""
        self._turn = 0
        self._open: int | None = None
        self._engines_turn: int | None = None
        """What this stream calls the open turn."""
        self._revision = self._revision_base = 0
        self._eager: int | None = None
        self._losses = 0
        self._begun = 0.0
        self._restart_by: float | None = None
        """When a turn that was open before this stream is given up."""
        self.skipped = 0
        """Samples that no stream has made words of: too old, or given up."""

    # --- sound ---------------------------------------------------------------------------------------------------

    def push(self, pcm: bytes) -> None:
        """The next sound, linear PCM."""
        self._pcm += pcm
        too_much = len(self._pcm) // _BYTES - int(KEPT_S * self._rate)
        if too_much > 0:
            self.skipped += max(0, self._start + too_much - self._sent)
            self._forget_before(self._start + too_much)

    def take(self, least: int, most: int) -> bytes:
        """What the stream has not got yet, `most` bytes of it; nothing where there is less than `least`."""
        begin = (self._sent - self._start) * _BYTES
        if len(self._pcm) - begin < least:
            return b""
        pcm = bytes(self._pcm[begin : begin + most])
        self._sent += len(pcm) // _BYTES
        return pcm

    @property
    def seconds(self) -> float:
        """How much sound there was so far."""
        return (self._start + len(self._pcm) // _BYTES) / self._rate

    # --- streams -------------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """A new stream is there: it gets everything that is kept."""
        self._base = self._sent = self._start
        self._engines_turn = None
        self._revision_base = self._revision
        self._begun = now
        self._restart_by = None

    def lose(self) -> list[AsrEvent]:
        """The stream is lost. What is void, or over, by that."""
        self._losses += 1
        events: list[AsrEvent] = []
        if self._open is not None and self._eager is not None:
            events.append(TurnResumed(turn=self._open, revision=self._eager, at=self.seconds))
            self._eager = None
        if self._losses >= TRIES:
            self._losses = 0
            self.skipped += len(self._pcm) // _BYTES
            self._forget_before(self._start + len(self._pcm) // _BYTES)
            if self._open is not None:
                events.append(self._end_turn(self.seconds))
        return events

    def receive(self, event: AsrEvent) -> AsrEvent | None:  # noqa: PLR0911 - a case, a return
        """What the stream says, in the whole's own times and numbers; None for what was told before."""
        offset = self._base / self._rate
        match event:
            case SpeechStarted():
                return self._started(event, offset)
            case TurnEager() | Partial() if event.turn == self._engines_turn:
                self._revision = self._revision_base + event.revision
                if isinstance(event, TurnEager):
                    self._eager = self._revision
                moved = {"start": event.start + offset, "end": event.end + offset}
                return event.model_copy(update={"turn": self._open, "revision": self._revision, **moved})
            case TurnResumed() if event.turn == self._engines_turn:
                revision, self._eager = self._revision_base + event.revision, None
                return event.model_copy(update={"turn": self._open, "revision": revision, "at": event.at + offset})
            case Final() if event.turn == self._engines_turn:
                self._eager, self._restart_by = None, None
                self._settle(event.end + offset)
                return event.model_copy(
                    update={"turn": self._open, "start": event.start + offset, "end": event.end + offset}
                )
            case TurnEnded() if event.turn == self._engines_turn:
                turn, self._open, self._eager = self._open, None, None
                self._settle(event.at + offset)
                return event.model_copy(update={"turn": turn, "end": event.end + offset, "at": event.at + offset})
            case SpeechStarted() | TurnEager() | Partial() | TurnResumed() | Final() | TurnEnded():
                return None
            case _:
                return event

    def on_deadline(self, now: float) -> list[AsrEvent]:
        """To be called now and then: the end of a turn that this stream has not found again."""
        behind = self._start + len(self._pcm) // _BYTES - self._sent > BEHIND_S * self._rate
        if not behind and now - self._begun >= PROVEN_S:
            self._losses = 0
        if self._open is None or self._engines_turn is not None or behind:
            return []
        if self._restart_by is None:
            self._restart_by = now + RESTART_S
        return [self._end_turn(self.seconds)] if now >= self._restart_by else []

    @property
    def wait_s(self) -> float:
        """How long to stay away from the engines: what brought one down may be ours, and hurts the others."""
        return WAIT_S * max(0, self._losses - 1)

    def _started(self, event: SpeechStarted, offset: float) -> SpeechStarted | None:
        continues = self._open is not None
        if self._open is None:
            self._turn += 1
            self._open = self._turn
            self._revision = self._revision_base = 0
        self._engines_turn, self._restart_by = event.turn, None
        return None if continues else SpeechStarted(turn=self._open, at=event.at + offset)

    def _end_turn(self, end: float) -> TurnEnded:
        assert self._open is not None
        turn, self._open, self._engines_turn, self._eager = self._open, None, None, None
        self._restart_by = None
        return TurnEnded(turn=turn, end=end, at=end, probability=1.0, reason="silence")

    def _settle(self, seconds: float) -> None:
        """Nothing before this is needed any more."""
        self._losses = 0
        self._forget_before(round(seconds * self._rate))

    def _forget_before(self, sample: int) -> None:
        samples = min(max(0, sample - self._start), len(self._pcm) // _BYTES)
        del self._pcm[: samples * _BYTES]
        self._start += samples
        self._sent = max(self._sent, self._start)

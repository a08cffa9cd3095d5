"""A far end's playout, emulated: what is sent to a phone is played in real time from its arrival. Time is an argument.

As Twilio does it: audio is queued and played one after the other; where the queue is empty there is silence (an
`underrun`); a mark comes back once all before it was played; `clear` empties the queue and returns all its marks; what
would make the queue longer than 10 minutes is thrown away. Positions are samples at 8 kHz since `start`, on the same
axis as what the phone sends.
"""

from collections import deque
from dataclasses import dataclass

from media_server.audio.frame import BYTES_PER_SAMPLE, TELEPHONE_RATE, silence
from media_server.audio.levels import rms

MAX_QUEUED = 600 * TELEPHONE_RATE
VOICED_RMS = 200
"""The root mean square above which sound counts as voiced: -44 dBFS."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the time axis, in samples; `end` is behind it."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Piece:
    pcm: bytes
    voiced: bool


class PlayoutBuffer:
    """The queue and what was played of it.

    Attributes:
        played: Linear PCM from the start up to the last `advance`.
        underruns: Where there was nothing to play.
        discarded: Samples beyond what the queue holds.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._queue: deque[_Piece | str] = deque()
        self._queued = 0
        self._voiced = 0
        self.played = bytearray()
        self.underruns: list[Span] = []
        self.discarded = 0

    @property
    def position(self) -> int:
        """How much was played, in samples."""
        return len(self.played) // BYTES_PER_SAMPLE

    @property
    def is_quiet(self) -> bool:
        """Whether nothing voiced waits to be played; an echo keeps sending silence for ever."""
        return self._voiced == 0

    def receive_media(self, pcm: bytes, now: float) -> list[str]:
        """Linear PCM arrives. Returns the marks that were played meanwhile."""
        marks = self.advance(now)
        samples = len(pcm) // BYTES_PER_SAMPLE
        if self._queued + samples > MAX_QUEUED:
            self.discarded += samples
        elif samples:
            piece = _Piece(pcm, rms(pcm) > VOICED_RMS)
            self._queue.append(piece)
            self._queued += samples
            self._voiced += piece.voiced
        return marks

    def receive_mark(self, name: str, now: float) -> list[str]:
        """A mark arrives. Returns the marks that are played, this one too where nothing is before it."""
        marks = self.advance(now)
        self._queue.append(name)
        return marks + self._take_marks()

    def receive_clear(self, now: float) -> list[str]:
        """Throw the queue away. Returns the marks that were played, then those that never will be."""
        marks = self.advance(now)
        marks += [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self._queued = self._voiced = 0
        return marks

    def advance(self, now: float) -> list[str]:
        """Play up to `now`. Returns the marks that were reached."""
        marks = self._take_marks()
        missing = int((now - self._start) * TELEPHONE_RATE) - self.position
        while missing > 0:
            if not self._queue:
                self._underrun(missing)
                break
            piece = self._queue.popleft()
            assert isinstance(piece, _Piece), "marks at the head are taken"
            size = missing * BYTES_PER_SAMPLE
            taken = piece.pcm[:size]
            if len(piece.pcm) > size:
                self._queue.appendleft(_Piece(piece.pcm[size:], piece.voiced))
            else:
                self._voiced -= piece.voiced
            self.played += taken
            self._queued -= len(taken) // BYTES_PER_SAMPLE
            missing -= len(taken) // BYTES_PER_SAMPLE
            marks += self._take_marks()
        return marks

    def _take_marks(self) -> list[str]:
        marks: list[str] = []
        while self._queue and isinstance(self._queue[0], str):
            marks.append(self._queue[0])
            self._queue.popleft()
        return marks

    def _underrun(self, samples: int) -> None:
        begin = self.position
        self.played += silence(samples)
        if self.underruns and self.underruns[-1].end == begin:
            begin = self.underruns.pop().begin
        self.underruns.append(Span(begin, self.position))

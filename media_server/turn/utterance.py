"""What a `Playout` is given and what it tells to do. Pure."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TypeAlias

from media_server.turn.barge_in import BargeIn


@dataclass(eq=False, slots=True)
class Utterance:
    """Something said: its sound so far, and where of the stream it stands.

    `start` and `end` are positions in the stream of samples sent; they are set as the utterance is sent. `start` is
    where its first sample stands, or would if all of it had been sent in one go.
    """

    id: str
    barge_in: BargeIn = BargeIn.ON
    held: bool = False
    finished: bool = False
    pcm: bytearray = field(default_factory=bytearray)
    seams: list[int] = field(default_factory=list)
    """The samples at which it may be taken up again, in order: the ends of its words."""
    next: int = 0
    """The byte of `pcm` that is sent next."""
    start: int | None = None
    end: int | None = None
    begun: bool = False
    audible: bool = False
    live: bool = False
    """Sound that comes as fast as it is played (an echo): running dry is no gap, and nothing is kept of it."""
    rests: bool = False
    """Its text waits for something (a tool): the next time it runs dry is no gap."""
    cut: bool = False
    """Some of it was thrown away."""
    moved: bool = False
    """Something was slipped in before the rest of it."""
    heard_before: int = 0
    """How many samples of it were heard before that."""

    def take(self, size: int) -> bytes:
        """The next bytes, `size` at most."""
        pcm = bytes(self.pcm[self.next : self.next + size])
        if self.live:
            del self.pcm[:size]
        else:
            self.next += len(pcm)
        return pcm

    @property
    def waiting(self) -> int:
        """The bytes that are not sent yet."""
        return len(self.pcm) - self.next

    def seam_before(self, sample: int) -> int:
        """The last place at or before `sample` where it may be taken up again."""
        index = bisect_right(self.seams, sample)
        return self.seams[index - 1] if index else 0


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Send this now; its first sample sounds at `audible_at`."""

    pcm: bytes
    audible_at: float


@dataclass(frozen=True, slots=True)
class SendMark:
    """Send a mark now."""

    name: str


@dataclass(frozen=True, slots=True)
class SendClear:
    """Have the far end throw away what it has not played."""


@dataclass(frozen=True, slots=True)
class FirstAudible:
    """The first audible sample of an utterance leaves now; at the far end it sounds at `audible_at`."""

    utterance: Utterance
    audible_at: float


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance was heard to its end."""

    utterance: Utterance


PlayoutAction: TypeAlias = SendAudio | SendMark | SendClear | FirstAudible | Heard

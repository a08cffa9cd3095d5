"""Both sides of a leg on one time line, the caller's: from pieces as they come to blocks that can be written. Sans-IO.

* The caller's sound stands where its position says. What is lost on the wire comes as silence in its place.
* Ours stands where it sounds at the far end, told by the clock, on the caller's line. Pieces that follow each other
  within `JITTER_S` are one run: the clock that maps times to the line is good to that, and a run has no clicks.
* What was cleared before it sounded is not there.
* A block is given out `MARGIN_S` behind the caller's latest sound; what comes later than that for it is cut.
* While paused both sides are silent, and time goes on.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from media_server.audio.frame import BYTES_PER_SAMPLE, AudioFrame

MARGIN_S = 0.5
BLOCK_S = 0.5
JITTER_S = 0.008
MAX_AHEAD_S = 60.0
"""Of our sound that may wait for the caller's to come this far."""
MAX_BLOCK_S = 10.0
"""A gap in the caller's sound is written in blocks of this length at most."""


@dataclass(frozen=True, slots=True)
class Block:
    """Sound of all sides, interleaved, from this sample of the recording on."""

    sample: int
    pcm: bytes


class SoundTrack:
    """The sound of a leg from the position `begin` of the caller's on. `ours`: whether our side is in it."""

    def __init__(self, sample_rate: int, begin: int, *, ours: bool) -> None:
        self._rate = sample_rate
        self._begin = begin
        self._at = begin
        """Everything before this was given out."""
        self._end = begin
        """Where the caller's sound ends so far."""
        self._theirs: deque[tuple[int, bytes]] = deque()
        self._ours: deque[tuple[float, bytes]] | None = deque() if ours else None
        self._ours_waiting = 0
        self._ours_end = begin
        self.paused = False
        self.late = 0
        """Samples that came after their block was given out, or had no room."""

    @property
    def channels(self) -> int:
        """How many sides there are: the caller's is the first."""
        return 1 if self._ours is None else 2

    @property
    def samples(self) -> int:
        """How many were given out of each side."""
        return self._at - self._begin

    def receive(self, frame: AudioFrame) -> None:
        """The caller's next sound."""
        self._end = max(self._end, frame.end)
        if not self.paused:
            self._theirs.append((frame.position, frame.pcm))

    def send(self, pcm: bytes, audible_at: float) -> None:
        """Our next sound; it sounds from that time on, unless it is cleared."""
        if self.paused or self._ours is None:
            return
        samples = len(pcm) // BYTES_PER_SAMPLE
        if self._ours_waiting + samples > MAX_AHEAD_S * self._rate:
            self.late += samples
            return
        self._ours_waiting += samples
        self._ours.append((audible_at, pcm))

    def clear(self, now: float) -> None:
        """Nothing of ours sounds from now on but what is sent later."""
        kept: deque[tuple[float, bytes]] = deque()
        for audible_at, pcm in self._ours or ():
            samples = round((now - audible_at) * self._rate)
            if samples > 0:
                kept.append((audible_at, pcm[: samples * BYTES_PER_SAMPLE]))
        if self._ours is not None:
            self._ours = kept
            self._ours_waiting = sum(len(pcm) for _, pcm in kept) // BYTES_PER_SAMPLE

    def pause(self, now: float) -> None:
        """Both sides are silent from now on."""
        self.clear(now)
        self.paused = True

    def resume(self) -> None:
        """They are heard again."""
        self.paused = False

    def due(self, place: Callable[[float], float]) -> list[Block]:
        """What can be given out by now. `place`: the caller's seconds at a monotonic time."""
        upto = self._end - int(MARGIN_S * self._rate)
        return self._blocks(upto, place) if upto - self._at >= BLOCK_S * self._rate else []

    def rest(self, now: float, place: Callable[[float], float]) -> list[Block]:
        """The end: all that was heard by now."""
        self.clear(now)
        upto = max(self._end, self._at)
        if self._ours:
            last_at, last = self._ours[-1]
            upto = max(upto, round(place(last_at) * self._rate) + len(last) // BYTES_PER_SAMPLE)
        return self._blocks(upto, place)

    def _blocks(self, upto: int, place: Callable[[float], float]) -> list[Block]:
        blocks = []
        while self._at < upto:
            length = min(upto - self._at, int(MAX_BLOCK_S * self._rate))
            sides = [self._take_theirs(length)]
            if self._ours is not None:
                sides.append(self._take_ours(length, place))
            blocks.append(Block(self._at - self._begin, _interleaved(sides)))
            self._at += length
        return blocks

    def _take_theirs(self, length: int) -> bytearray:
        side = bytearray(length * BYTES_PER_SAMPLE)
        while self._theirs and self._theirs[0][0] < self._at + length:
            position, pcm = self._theirs.popleft()
            rest = self._put(side, position, pcm)
            if rest:
                self._theirs.appendleft((self._at + length, rest))
        return side

    def _take_ours(self, length: int, place: Callable[[float], float]) -> bytearray:
        assert self._ours is not None
        side = bytearray(length * BYTES_PER_SAMPLE)
        while self._ours:
            audible_at, pcm = self._ours[0]
            begin = round(place(audible_at) * self._rate)
            if abs(begin - self._ours_end) <= JITTER_S * self._rate:
                begin = self._ours_end
            if begin >= self._at + length:
                break
            self._ours.popleft()
            rest = self._put(side, begin, pcm)
            self._ours_end = begin + (len(pcm) - len(rest)) // BYTES_PER_SAMPLE
            self._ours_waiting -= (len(pcm) - len(rest)) // BYTES_PER_SAMPLE
            if rest:
                self._ours.appendleft((audible_at + (len(pcm) - len(rest)) / BYTES_PER_SAMPLE / self._rate, rest))
                break
        return side

    def _put(self, side: bytearray, begin: int, pcm: bytes) -> bytes:
        """Put sound into its place in the block that begins at `_at`; returns what belongs into the next one."""
        if begin < self._at:
            self.late += min(self._at - begin, len(pcm) // BYTES_PER_SAMPLE)
            pcm, begin = pcm[(self._at - begin) * BYTES_PER_SAMPLE :], self._at
        offset = (begin - self._at) * BYTES_PER_SAMPLE
        fits = pcm[: len(side) - offset]
        side[offset : offset + len(fits)] = fits
        return pcm[len(fits) :]


def _interleaved(sides: list[bytearray]) -> bytes:
    if len(sides) == 1:
        return bytes(sides[0])
    return np.stack([np.frombuffer(side, dtype="<i2") for side in sides], axis=1).tobytes()

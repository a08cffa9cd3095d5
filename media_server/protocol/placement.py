"""Where a piece of audio belongs: placed by its timestamp, not by its arrival. Pure arithmetic on sample counts.

- The first piece is position 0; from then on positions are contiguous: what is missing is filled.
- A timestamp within 10 ms of what is expected is taken as rounding: the piece follows the one before it. The deviation
  is not forgotten, so a drift is filled or cut once it comes to 10 ms.
- Behind a gap of 10 ms or more silence is filled in. What overlaps with what is placed already is cut off (`late`).
- A jump of more than 10 s either way is no gap (`bad_timestamp`): the piece is dropped.
- After 50 such pieces in a row it is our clock that is wrong: the next piece is taken as following the last.

``received + filled = placed + dropped`` at any time.
"""

from dataclasses import dataclass
from typing import Literal

TOLERANCE_S = 0.01
MAX_JUMP_S = 10.0
ODD_IN_A_ROW = 50


@dataclass(frozen=True, slots=True)
class Placing:
    """What to do with a piece, in samples: put `fill` of silence first, drop `skip` of its start, keep the rest.

    Attributes:
        position: Of the first kept sample, behind the filled ones.
        fill: Silence before it.
        skip: Dropped from its start; the whole piece where `keep` is 0.
        keep: What is placed.
        reason: Why something was dropped.
    """

    position: int
    fill: int
    skip: int
    keep: int
    reason: Literal["late", "bad_timestamp"] | None = None


class Placement:
    """The time axis of one stream."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._tolerance = int(TOLERANCE_S * sample_rate)
        self._max_jump = int(MAX_JUMP_S * sample_rate)
        self._anchor: int | None = None
        self._odd = 0
        self.end = 0
        """The position behind the last sample placed."""

    def place(self, timestamp_ms: int, samples: int) -> Placing:
        """Place a piece of `samples` > 0 that says it begins at `timestamp_ms`."""
        stamped = timestamp_ms * self._rate // 1000
        if self._anchor is None:
            self._anchor = stamped
        delta = stamped - self._anchor - self.end
        if delta <= -self._tolerance or delta > self._max_jump:
            self._odd += 1
            if self._odd < ODD_IN_A_ROW:
                return self._odd_piece(delta, samples)
            self._anchor = stamped - self.end
            delta = 0
        self._odd = 0
        fill = delta if delta >= self._tolerance else 0
        return self._put(fill, 0, samples, None)

    def _odd_piece(self, delta: int, samples: int) -> Placing:
        if abs(delta) > self._max_jump:
            return self._put(0, samples, 0, "bad_timestamp")
        late = min(-delta, samples)
        return self._put(0, late, samples - late, "late")

    def _put(self, fill: int, skip: int, keep: int, reason: Literal["late", "bad_timestamp"] | None) -> Placing:
        position = self.end + fill
        self.end = position + keep
        return Placing(position, fill, skip, keep, reason)

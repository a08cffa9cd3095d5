"""Which jobs are done next: priority lanes, earliest deadline first, batches. Pure; time is an argument.

Rules:
- The most urgent lane goes first; within a lane the earliest deadline; of equal ones the first to come.
- Files never take the last worker: somebody who talks would wait for a whole piece of a recording.
- Jobs of one bucket may be done together. What joins is of the same kind as the first: a partial does not make a
  final longer, nor a file a partial. A worker leaves the others their share of what waits.
- Where gathering pays, a bucket that is not full waits for more, counted from its first job.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar


class Lane(IntEnum):
    """What goes first. Finals are somebody waiting for an answer; files can wait."""

    FINAL = 0
    SPECULATIVE = 1
    FIRST_PARTIAL = 2
    PARTIAL = 3
    FILE = 4


AWAITED = (Lane.FINAL, Lane.SPECULATIVE)
"""Somebody waits for these."""

PARTIALS = (Lane.FIRST_PARTIAL, Lane.PARTIAL)

_KINDS = (AWAITED, PARTIALS, (Lane.FILE,))


@dataclass(slots=True, eq=False)
class Entry:
    """A job that waits. `bucket`: it may be done together with others of the same one; None: alone."""

    lane: Lane
    queued_at: float
    deadline: float
    bucket: Hashable = None


E = TypeVar("E", bound=Entry)


class Lanes(Generic[E]):
    """The jobs that wait. `gather_s`: what the first of a batch waits for others at most, on an idle device too."""

    def __init__(self, workers: int, *, most_together: int = 1, gather_s: float = 0.0) -> None:
        self._lanes: dict[Lane, dict[E, None]] = {lane: {} for lane in Lane}
        self._workers = workers
        self._gather_s = gather_s
        self._most_files = max(1, workers - 1)
        self._most_together = most_together

    def put(self, entry: E) -> None:
        """Another job waits."""
        self._lanes[entry.lane][entry] = None

    def forget(self, entry: E) -> None:
        """Nobody waits for it any more. Idempotent."""
        self._lanes[entry.lane].pop(entry, None)

    def promote(self, entry: E, lane: Lane) -> None:
        """Move it to the end of a more urgent lane, if it still waits."""
        if lane < entry.lane and entry in self._lanes[entry.lane]:
            del self._lanes[entry.lane][entry]
            entry.lane = lane
            self.put(entry)

    def take(self, now: float, *, files_running: int) -> tuple[list[E], float | None]:
        """What a free worker does next, in one go; if there is nothing yet, in how many seconds to ask again."""
        first = self._first(files_running)
        if first is None:
            return [], None
        together = [first] if first.bucket is None else self._joining(first)
        if first.bucket is not None and len(together) < self._most_together:
            gathered = min(entry.queued_at for entry in together) + self._gather_s
            if now < gathered:
                return [], gathered - now
        for entry in together:
            self.forget(entry)
        return together, None

    def waiting(self, lane: Lane) -> int:
        """Jobs of a lane that nobody has taken yet."""
        return len(self._lanes[lane])

    def oldest(self, *lanes: Lane) -> float | None:
        """When the oldest job of these lanes was queued."""
        return min((entry.queued_at for lane in lanes for entry in self._lanes[lane]), default=None)

    def clear(self) -> list[E]:
        """Forget all; what was there."""
        dropped = [entry for lane in self._lanes.values() for entry in lane]
        for lane in self._lanes.values():
            lane.clear()
        return dropped

    def _first(self, files_running: int) -> E | None:
        for lane, entries in self._lanes.items():
            if entries and (lane is not Lane.FILE or files_running < self._most_files):
                return min(entries, key=lambda each: each.deadline)
        return None

    def _joining(self, first: E) -> list[E]:
        """It and what may be done with it, the most urgent first."""
        kind = next(lanes for lanes in _KINDS if first.lane in lanes)
        same = [entry for lane in kind for entry in self._lanes[lane] if entry.bucket == first.bucket]
        same.sort(key=lambda entry: (entry.lane, entry.deadline))
        return same[: min(self._most_together, -(-len(same) // self._workers))]

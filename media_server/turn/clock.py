"""The one place that maps monotonic seconds to media positions and back."""

from dataclasses import dataclass


@dataclass(slots=True)
class PlayClock:
    """A run of sound played without a break: sample `position` is audible at `started_at`.

    Frame n of a run is due at ``started_at + n * ptime``, an absolute schedule: a late frame delays no other.
    """

    sample_rate: int
    started_at: float
    position: int

    def time_of(self, position: int) -> float:
        """When a sample is audible."""
        return self.started_at + (position - self.position) / self.sample_rate

    def position_at(self, now: float) -> int:
        """The sample that is audible now (not before the run's first)."""
        return self.position + max(0, int((now - self.started_at) * self.sample_rate))


class ArrivalClock:
    """When a sample of the far end was spoken into the wire, told from the arrivals of its packets.

    The packet with the least delay is the best witness, so the smallest offset counts. It may rise by 1 ms a second,
    since the two sides' clocks drift.
    """

    DRIFT = 0.001

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._offset: float | None = None
        self._seen_at = 0.0

    def observe(self, end_position: int, now: float) -> None:
        """The sample before `end_position` has arrived."""
        offset = now - end_position / self.sample_rate
        if self._offset is not None:
            offset = min(offset, self._offset + (now - self._seen_at) * self.DRIFT)
        self._offset, self._seen_at = offset, now

    @property
    def known(self) -> bool:
        """Whether anything was observed yet."""
        return self._offset is not None

    def time_of(self, seconds: float) -> float:
        """The monotonic time at which the stream's `seconds` arrived; needs one observation."""
        assert self._offset is not None
        return self._offset + seconds

    def seconds_at(self, now: float) -> float:
        """The stream's seconds that arrived at a monotonic time; needs one observation."""
        assert self._offset is not None
        return now - self._offset

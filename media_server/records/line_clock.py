"""From the call's clock to the recording's time line. Pure.

The lines beside a recording have both. Between two of them time passes on both alike, but where the caller's sound
stood still (a wire that broke, a call that was elsewhere) the line waits for the next one.
"""

from bisect import bisect_right


class LineClock:
    """`observe` the lines in their order, then ask. Without any the two are the same."""

    def __init__(self) -> None:
        self._ats: list[float] = []
        self._places: list[float] = []

    def observe(self, at: float, line_s: float) -> None:
        """At this time of the call's, the caller's sound was so long."""
        if not self._ats or (at > self._ats[-1] and line_s >= self._places[-1]):
            self._ats.append(at)
            self._places.append(line_s)

    def place(self, at: float) -> float:
        """Where this moment of the call stands on the line."""
        index = bisect_right(self._ats, at) - 1
        if index < 0:
            return round(max(0.0, self._places[0] - (self._ats[0] - at) if self._ats else at), 3)
        place = self._places[index] + at - self._ats[index]
        if index + 1 < len(self._places):
            place = min(place, self._places[index + 1])
        return round(place, 3)

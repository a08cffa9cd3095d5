"""How long jobs have waited of late. Pure; time is an argument."""

from collections import deque
from statistics import median

WINDOW_S = 10.0
LEAST = 8
"""Fewer jobs than this in the window: a burst of theirs is no load."""
_MOST = 2000


class RecentWaits:
    """The waits of the last `WINDOW_S` seconds. `add` may be called from any thread."""

    def __init__(self) -> None:
        self._waits: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def add(self, seconds: float, now: float) -> None:
        """A job began that had waited so long. One thread at a time."""
        self._waits.append((now, seconds))
        while now - self._waits[0][0] > WINDOW_S:
            self._waits.popleft()

    def typical(self, now: float) -> float:
        """Half of them waited longer; 0 when there was little to do."""
        waits = self._recent(now)
        return median(waits) if len(waits) >= LEAST else 0.0

    def few(self, now: float) -> bool:
        """Whether there was little to do."""
        return len(self._recent(now)) < LEAST

    def _recent(self, now: float) -> list[float]:
        return [seconds for at, seconds in list(self._waits) if now - at <= WINDOW_S]

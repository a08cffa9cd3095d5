"""How long jobs have waited of late. Pure; time is an argument."""

from collections import deque

WINDOW_S = 10.0
PERCENTILE = 0.9
_MOST = 2000


class RecentWaits:
    """The waits of the last `WINDOW_S` seconds. `add` may be called from any thread."""

    def __init__(self) -> None:
        self._waits: deque[tuple[float, float]] = deque(maxlen=_MOST)

    def add(self, seconds: float, now: float) -> None:
        """A job began that had waited so long."""
        self._waits.append((now, seconds))

    def typical(self, now: float) -> float:
        """Nine of ten waited no longer; 0 when nothing was done."""
        waits = sorted(seconds for at, seconds in list(self._waits) if now - at <= WINDOW_S)
        return waits[min(len(waits) - 1, int(PERCENTILE * len(waits)))] if waits else 0.0

"""When a role that died is started again: at once, then less and less eagerly. Sans-IO: time is an argument.

Rules:
- the n-th death in a row waits 0.2 s · 2^n, ten seconds at most, of which half is random, so that roles that died
  together do not come back together;
- a role that was ready for a minute before it died has no past;
- a role that never was ready is given three tries. Whatever hinders it will not go away by itself, and the operator
  is looking at the screen.
"""

from collections.abc import Callable

FIRST_S = 0.2
LONGEST_S = 10.0
HEALTHY_S = 60.0
TRIES = 3


class Restarts:
    """The restarts of one role; `random` gives 0 to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._deaths = 0
        self._ready_at: float | None = None
        self._proven = False

    def ready(self, now: float) -> None:
        """It takes work, as of `now`."""
        self._ready_at = now
        self._proven = True

    def died(self, now: float) -> float | None:
        """It is gone: the seconds to wait before the next start, or None if another start is no use."""
        if self._ready_at is not None and now - self._ready_at >= HEALTHY_S:
            self._deaths = 0
        self._ready_at = None
        self._deaths += 1
        if not self._proven and self._deaths >= TRIES:
            return None
        full = min(LONGEST_S, FIRST_S * 2.0 ** (self._deaths - 1))
        return full / 2 + full / 2 * self._random()

    @property
    def proven(self) -> bool:
        """Whether it ever was ready."""
        return self._proven

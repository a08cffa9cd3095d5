"""When a role that died is started again: at once, then less and less eagerly. Sans-IO: time is an argument.

Rules:
- the n-th death in a row waits 0.2 s · 2^n, ten seconds at most, of which half is random, so that roles that died
  together do not come back together;
- a role that was ready for ten seconds before it died has no past, as far as that goes;
- more than five deaths in a minute open a breaker: each further start waits 30 s, until one was ready for a minute;
- a role that never was ready is given three tries. Whatever hinders it will not go away by itself, and the operator
  is looking at the screen.
"""

from collections import deque
from collections.abc import Callable

FIRST_S = 0.2
LONGEST_S = 10.0
HEALTHY_S = 10.0
LOOP_DEATHS, LOOP_S = 5, 60.0
BREAK_S = 30.0
TRIES = 3


class Restarts:
    """The restarts of one role; `random` gives 0 to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._deaths = 0
        self._recent: deque[float] = deque(maxlen=LOOP_DEATHS + 1)
        self._ready_at: float | None = None
        self._proven = False
        self.broken = False
        """It dies again and again."""

    def ready(self, now: float) -> None:
        """It takes work, as of `now`."""
        self._ready_at = now
        self._proven = True

    def died(self, now: float) -> float | None:
        """It is gone: the seconds to wait before the next start, or None if another start is no use."""
        lived_s = 0.0 if self._ready_at is None else now - self._ready_at
        if lived_s >= HEALTHY_S:
            self._deaths = 0
        if lived_s >= LOOP_S:
            self.broken = False
            self._recent.clear()
        self._ready_at = None
        self._recent.append(now)
        self._deaths += 1
        if not self._proven and self._deaths >= TRIES:
            return None
        looping = len(self._recent) > LOOP_DEATHS and now - self._recent[0] <= LOOP_S
        self.broken = self._proven and (self.broken or looping)
        if self.broken:
            return BREAK_S
        full = min(LONGEST_S, FIRST_S * 2.0 ** (self._deaths - 1))
        return full / 2 + full / 2 * self._random()

    @property
    def proven(self) -> bool:
        """Whether it ever was ready."""
        return self._proven

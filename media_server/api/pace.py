"""So many of something a second, and not too many waiting for their turn."""

import asyncio
from collections.abc import Callable
from math import ceil

from media_server.errors import TooMany

MAX_WAITING = 5


class Pace:
    """Turns, `per_s` of them a second, in the order in which they were asked for."""

    def __init__(self, per_s: float, *, now: Callable[[], float], max_waiting: int = MAX_WAITING) -> None:
        self._every_s = 1 / per_s
        self._now = now
        self._max_waiting = max_waiting
        self._next = float("-inf")
        self._waiting = 0

    def check(self) -> None:
        """See whether another one may wait.

        Raises:
            TooMany: So many wait already.
        """
        if self._waiting >= self._max_waiting:
            after_s = max(1, ceil(self._next - self._now()))
            raise TooMany(f"{self._max_waiting} wait for their turn already", retry_after_s=after_s)

    async def turn(self) -> None:
        """Wait for a turn.

        Raises:
            TooMany: So many wait already.
        """
        self.check()
        now = self._now()
        at = max(now, self._next)
        self._next = at + self._every_s
        if at > now:
            self._waiting += 1
            try:
                await asyncio.sleep(at - now)
            finally:
                self._waiting -= 1

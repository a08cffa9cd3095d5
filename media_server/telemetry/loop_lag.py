"""How late this process' event loop is: what a caller's audio waits for, whatever the reason."""

import asyncio
from collections import deque

from media_server.telemetry.metrics import LOOP_LAG_SECONDS

EVERY_S = 0.05
WINDOW = 100
"""Samples: five seconds."""
PERCENTILE = 0.95


class LoopLag:
    """Measures while `run` runs."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=WINDOW)

    async def run(self) -> None:
        """Look again and again how late a timer is. Ends by cancellation."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self.observe(clock() - due)
            LOOP_LAG_SECONDS.set(self.seconds)

    def observe(self, seconds: float) -> None:
        """A timer was so late."""
        self._late.append(max(0.0, seconds))

    @property
    def seconds(self) -> float:
        """19 of 20 timers were no later than this, of late."""
        late = sorted(self._late)
        return late[min(len(late) - 1, int(PERCENTILE * len(late)))] if late else 0.0

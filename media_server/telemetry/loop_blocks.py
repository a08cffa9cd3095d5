"""When this process' event loop was blocked: how long it ran callbacks before it looked at its sockets again.

Measured where it is exact, around the loop's own wait for something to happen. What waits for a core, or for the
interpreter's lock, counts: whoever waits for the loop does not care why.
"""

import selectors
from collections.abc import Callable
from time import monotonic

from typing_extensions import override

from media_server.telemetry.metrics import LOOP_BLOCK_SECONDS

BLOCK_S = 0.02
"""A packet's time: what is shorter is heard by nobody."""

Ready = list[tuple[selectors.SelectorKey, int]]


class WatchedSelector(selectors.DefaultSelector):
    """An event loop's selector that counts the loop's blocks from `count` on; before, a role imports and loads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._busy_since: float | None = None
        self._counting = False

    def count(self) -> None:
        """Begin with the next wait."""
        self._counting = True
        self._busy_since = None

    @override
    def select(self, timeout: float | None = None) -> Ready:
        """As the loop asks: once in each of its rounds."""
        if self._busy_since is not None:
            busy_s = self._clock() - self._busy_since
            if busy_s > BLOCK_S:
                LOOP_BLOCK_SECONDS.observe(busy_s)
        ready = super().select(timeout)
        if self._counting:
            self._busy_since = self._clock()
        return ready

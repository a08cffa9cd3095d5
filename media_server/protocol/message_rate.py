"""How many small messages a peer may send. Pure; time is an argument.

What carries sound pays for itself and may come as fast as it is taken; commands, pings and crumbs of sound cost nothing
to send and work to receive, so they come from a bucket that fills slowly.
"""


class MessageRate:
    """A bucket of `burst` messages, refilled with `per_s` a second."""

    def __init__(self, *, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = self._left = burst
        self._seen_at: float | None = None

    def allows(self, now: float) -> bool:
        """Take one; False where none is left."""
        if self._seen_at is not None:
            self._left = min(self._burst, self._left + (now - self._seen_at) * self._per_s)
        self._seen_at = now
        self._left -= 1
        return self._left >= 0

"""Tickets: who has one may make one call, or open one stream, without the key. Time is an argument.

For what cannot show a key (a browser's WebSocket has no headers), and for whom a key is not meant: a website's server
asks for a ticket and hands it to its visitor. A ticket is 256 random bits, good for `TTL_S`; once used it is gone,
unless what it was shown for did not come about (`give_back`). Only digests are kept: who reads this process's memory
learns no ticket, and how long a look-up takes tells nothing of those that there are.
"""

import secrets
from collections.abc import Callable
from hashlib import sha256

from media_server.errors import TooMany

TTL_S = 60.0
MAX_OPEN = 1000
_BYTES = 32
_MAX_LENGTH = 64


class Tickets:
    """Those that are open. `now`: monotonic seconds."""

    def __init__(self, *, now: Callable[[], float], ttl_s: float = TTL_S, max_open: int = MAX_OPEN) -> None:
        self.ttl_s = ttl_s
        self._now = now
        self._max_open = max_open
        self._open: dict[bytes, float] = {}
        """When each expires, by its digest."""

    def issue(self) -> str:
        """A new one.

        Raises:
            TooMany: So many are open.
        """
        now = self._now()
        self._open = {digest: until for digest, until in self._open.items() if until > now}
        if len(self._open) >= self._max_open:
            raise TooMany(f"{self._max_open} tickets are open")
        ticket = secrets.token_urlsafe(_BYTES)
        self._open[_digest(ticket)] = now + self.ttl_s
        return ticket

    def knows(self, ticket: str) -> bool:
        """Whether it is open; it stays so."""
        return len(ticket) <= _MAX_LENGTH and self._open.get(_digest(ticket), 0.0) > self._now()

    def redeem(self, ticket: str) -> Callable[[], None] | None:
        """Use it up: how to give it back where that was for nothing, or None where it is not open."""
        if not self.knows(ticket):
            return None
        digest = _digest(ticket)
        until = self._open.pop(digest)

        def give_back() -> None:
            self._open[digest] = until

        return give_back


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode("utf-8", "surrogatepass")).digest()

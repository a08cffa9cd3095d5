"""Keys as telephone-event packets of RTP (RFC 4733). Pure.

A key is told with its first packet, whatever comes of the others; packets of one key share their timestamp.
"""

from typing import Final

KEYS: Final = "0123456789*#ABCD"
_SIZE = 4


class TelephoneEvents:
    """The keys of one stream."""

    def __init__(self) -> None:
        self._last: int | None = None

    def receive(self, timestamp: int, payload: bytes) -> str | None:
        """The key that this packet is the first one of, if it is."""
        if len(payload) < _SIZE or payload[0] >= len(KEYS) or timestamp == self._last:
            return None
        self._last = timestamp
        return KEYS[payload[0]]

"""Keys as telephone-event packets of RTP (RFC 4733). Pure.

A key is told with its first packet, whatever comes of the others; packets of one key share their timestamp. The last
packet of a key is sent three times, so one may come when the next key has begun: the latest keys are remembered.
"""

from collections import deque
from typing import Final

KEYS: Final = "0123456789*#ABCD"
"""Of a telephone, in the order of their codes."""
_SIZE = 4
_REMEMBERED = 8


class TelephoneEvents:
    """The keys of one stream."""

    def __init__(self) -> None:
        self._latest: deque[int] = deque(maxlen=_REMEMBERED)

    def receive(self, timestamp: int, payload: bytes) -> str | None:
        """The key that this packet is the first one of, if it is."""
        if len(payload) < _SIZE or payload[0] >= len(KEYS) or timestamp in self._latest:
            return None
        self._latest.append(timestamp)
        return KEYS[payload[0]]

"""The data channel of a WebRTC call: events of the call to the page, keys and typed text from it."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from aiortc.rtcdatachannel import RTCDataChannel

from media_server.errors import ProtocolViolation
from media_server.protocol.browser_socket import Digit, Text, parse_message
from media_server.protocol.message_rate import MessageRate
from media_server.transports.port import DigitArrived, PortEvent, TextArrived

LABEL: Final = "events"
"""Of the channel that the page opens; others are let be."""
MAX_UNSENT_BYTES: Final = 256 * 1024
MAX_UNSENT_TEXTS: Final = 500
MESSAGES_PER_S: Final = 20
MESSAGES_AT_ONCE: Final = 200


class EventChannel:
    """The channel, before and after it is open.

    Attributes:
        irregular: What was ignored, by reason.
    """

    def __init__(self, tell: Callable[[PortEvent], None], give_up: Callable[[str], None]) -> None:
        """`tell`: of what the page sends; `give_up`: why the page is to be cut off."""
        self.irregular: Counter[str] = Counter()
        self._tell = tell
        self._give_up = give_up
        self._channel: RTCDataChannel | None = None
        self._texts: deque[str] = deque()
        self._rate = MessageRate(per_s=MESSAGES_PER_S, burst=MESSAGES_AT_ONCE)

    def opened(self, channel: RTCDataChannel) -> None:
        """The page has opened one."""
        if channel.label != LABEL or self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._receive)
        while self._texts:
            self.send(self._texts.popleft())

    def send(self, text: str) -> None:
        """Send an event; before the channel is open it waits."""
        if self._channel is None:
            if len(self._texts) < MAX_UNSENT_TEXTS:
                self._texts.append(text)
        elif self._channel.readyState == "open":
            if self._channel.bufferedAmount > MAX_UNSENT_BYTES:
                self._give_up("peer_not_reading")
            else:
                try:
                    self._channel.send(text)
                except ValueError:  # longer than what the page has said that it takes
                    self.irregular["too_long"] += 1

    def _receive(self, message: str | bytes) -> None:
        if not self._rate.allows(asyncio.get_running_loop().time()):
            self._give_up("too_many_messages")
            return
        try:
            parsed = parse_message(message) if isinstance(message, str) else None
        except ProtocolViolation:
            parsed = None
        match parsed:
            case Digit():
                self._tell(DigitArrived(parsed.digit))
            case Text():
                self._tell(TextArrived(parsed.text))
            case _:
                self.irregular["bad_message"] += 1

"""The telephone exchange of a test: what becomes of transfers, and the keys that were played."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from media_server.transports.port import TransferOrder, TransferOutcome

Outcome: TypeAlias = Literal["completed", "busy", "no_answer", "failed", "canceled"]
RINGS_S = 2.0
TALKS_S = 10.0
KEY_S = 0.2


class Exchange:
    """A `CallControl`: a wire that can dial. `away` is told when the caller leaves us and when they are back.

    Attributes:
        orders: The transfers that were made.
        keys: What was played to the caller.
    """

    def __init__(self, outcomes: Mapping[str, Outcome], away: Callable[[bool], None]) -> None:
        """`outcomes` by destination, as a list of allowed ones has them; nobody takes up what is not in it."""
        self.orders: list[TransferOrder] = []
        self.keys = ""
        self._outcomes = outcomes
        self._away = away

    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        """See `CallControl`. It rings for two seconds, or as long as it may; who takes it up talks for ten."""
        self.orders.append(order)
        outcome = self._outcomes.get(order.to, "no_answer")
        self._away(True)
        await asyncio.sleep(order.timeout_s if outcome == "no_answer" else RINGS_S)
        if outcome == "completed":
            await asyncio.sleep(TALKS_S)
        else:
            self._away(False)
        return TransferOutcome(outcome == "completed", outcome)

    async def send_digits(self, digits: str) -> None:
        """See `CallControl`."""
        self._away(True)
        await asyncio.sleep(KEY_S * len(digits))
        self.keys += digits
        self._away(False)

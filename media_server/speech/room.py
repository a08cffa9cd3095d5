"""How much room the engines have: asked for once a second, so that a call is admitted or refused without waiting."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from media_server.speech.connection import Engines, Readiness

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Room:
    """What the engines of one kind have between them.

    Attributes:
        ready: How many engines there are.
        free: Sessions that they would take.
        queue_wait_ms: What their work waits for a worker, at the engine where it waits least.
        asked_at: When they were asked, in monotonic seconds.
    """

    ready: int = 0
    free: int = 0
    queue_wait_ms: float = 0.0
    asked_at: float = 0.0

    @classmethod
    def of(cls, engines: list[Readiness], asked_at: float = 0.0) -> "Room":
        """The room of those that are ready; an engine that does not say how much it has has enough."""
        waits = [each.queue_wait_ms for each in engines]
        return cls(len(engines), sum(each.free for each in engines), min(waits, default=0.0), asked_at)

    @property
    def state(self) -> str:
        """For `/readyz`."""
        if not self.ready:
            return "down"
        return "ready" if self.free > 0 else "full"


class RoomWatch:
    """The room of one kind of engine, as it was a second ago at most, while `run` runs."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self.room = Room()

    async def run(self) -> None:
        """Look again and again. Ends by cancellation."""
        while True:
            await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> Room:
        """Ask now."""
        asked_at = monotonic()
        self.room = Room.of(await self._engines.readiness(), asked_at)
        return self.room

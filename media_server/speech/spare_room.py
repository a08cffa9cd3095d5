"""What the engines have to spare beside calls, which come first. Pure but for the clock that it is given."""

from collections import deque
from collections.abc import Callable

from media_server.errors import EngineUnavailable, Overloaded
from media_server.speech.room import Room

RESERVE = 2
"""Free sessions that are left to calls, however few there are."""


class SpareRoom:
    """Lets in what is no call, as long as there is room for calls beside it."""

    def __init__(
        self, engine: str, room: Callable[[], Room], promised: Callable[[float], int], *, now: Callable[[], float]
    ) -> None:
        """`engine`: its name, for errors. `promised`: sessions that calls will want, not counted yet at this time."""
        self._engine = engine
        self._room = room
        self._promised = promised
        self._now = now
        self._taken: deque[float] = deque()
        """When sessions were taken that the engines may not have counted when they were asked."""

    def take(self) -> None:
        """Take a session.

        Raises:
            EngineUnavailable: There is no engine.
            Overloaded: What is free is for calls.
        """
        room = self._room()
        if not room.ready:
            raise EngineUnavailable(f"There is no {self._engine}")
        while self._taken and self._taken[0] < room.asked_at:
            self._taken.popleft()
        if room.free - self._promised(room.asked_at) - len(self._taken) <= RESERVE:
            raise Overloaded(f"What is free of the {self._engine} is for calls", reason="engine_full")
        self._taken.append(self._now())

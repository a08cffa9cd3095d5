"""Whether one more call would be served well: looked at when a call is announced, before it is answered. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from media_server.errors import Overloaded
from media_server.speech.room import Room

MAX_LAG_S = 0.1
"""An event loop that is later than this paces the calls that it has badly enough."""


@dataclass(frozen=True, slots=True)
class Load:
    """What this instance is busy with.

    Attributes:
        lag_s: How late its event loop is.
        recogniser: The room of the recognisers.
        voice: That of the synthesisers.
        unsettled: How many calls will want sessions of the engines that were not counted there at this time.
    """

    lag_s: float
    recogniser: Room
    voice: Room
    unsettled: Callable[[float], int]


def check(load: Load, *, max_queue_wait_ms: float) -> None:
    """Let a call in.

    Raises:
        Overloaded: It would not be served well, or those that are there would not be any more.
    """
    if load.lag_s > MAX_LAG_S:
        raise Overloaded(f"we are late by {load.lag_s:.2f} s", reason="event_loop")
    for kind, room in (("recogniser", load.recogniser), ("voice", load.voice)):
        if not room.ready:
            raise Overloaded(f"there is no {kind}", reason="no_engine")
        if room.free <= load.unsettled(room.asked_at):
            raise Overloaded(f"the {kind} has no free session", reason="engine_full")
        if room.queue_wait_ms > max_queue_wait_ms:
            raise Overloaded(f"the {kind} is late by {room.queue_wait_ms:.0f} ms", reason="engine_late")

"""Tests of dialplans, without sound and without models.

::

    from media_server.testing import caller

    async def test_a_table_for_four():
        async with caller("booking.py") as me:
            await me.hears("For how many people?")
            me.says("four")
            assert await me.hears("four people")
        assert me.record.cut_ins == 0

The dialplan is the real one, and so is all that runs it: how turns end, who may interrupt whom, what is paced onto the
wire, what was heard. Only the wire, the recogniser's ears and the voice are the test's. Time is virtual: a minute of
call takes milliseconds (`clock.py` says what is real all the same).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from media_server.testing.calling import caller
    from media_server.testing.clock import virtual_time
    from media_server.testing.person import Caller, TestedCall
    from media_server.testing.transcript import Heard, Line, Silence

__all__ = ["Caller", "Heard", "Line", "Silence", "TestedCall", "caller", "virtual_time"]

_PLACES = {
    "Caller": "person",
    "Heard": "transcript",
    "Line": "transcript",
    "Silence": "transcript",
    "TestedCall": "person",
    "caller": "calling",
    "virtual_time": "clock",
}
"""Where each of them is. They are imported when they are asked for: a chat needs no recogniser, which needs numpy."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)

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
call takes milliseconds (`virtual_time` says what is real all the same).
"""

from media_server.testing.caller import Caller, TestedCall, caller
from media_server.testing.transcript import Heard, Line, Silence
from media_server.testing.virtual_time import virtual_time

__all__ = ["Caller", "Heard", "Line", "Silence", "TestedCall", "caller", "virtual_time"]

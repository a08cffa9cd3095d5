"""Calls to the dialplan, in virtual time: no sound, no models."""

from pathlib import Path

import pytest

from media_server.testing import caller

pytestmark = pytest.mark.asyncio

FILE = Path(__file__).with_name("booking.py")


async def test_who_says_how_many_and_when_gets_a_table() -> None:
    async with caller(FILE) as me:
        await me.hears("how many people")
        me.says("four")
        await me.hears("what time")
        me.says("half past seven")
        await me.hears("Right?")
        me.says("yes")
        assert await me.hears("It is booked")
    assert me.record.notes == {"people": 4, "time": "19:30"}


async def test_keys_do_as_well_as_words() -> None:
    async with caller(FILE) as me:
        await me.hears("how many people")
        me.presses("4#")
        await me.hears("what time")
        me.presses("1930#")
        assert await me.hears("4 people, at 19:30")

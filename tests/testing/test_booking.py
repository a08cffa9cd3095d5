"""The shipped booking line, tested as its author would."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import dialplans
from media_server.testing import caller

FOLDER = Path(dialplans.__file__).parent


@dataclass
class Booked:
    people: int
    day: object
    time: object
    phone: str


class Tables(list[Booked]):
    async def book(self, people: int, day: object, time: object, phone: str) -> str:
        self.append(Booked(people, day, time, phone))
        return "AB12"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """The author's own module, which the dialplan imports."""
    mario = ModuleType("mario")
    mario.tables = Tables()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mario", mario)
    shutil.copy(FOLDER / "booking.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    booked: Tables = mario.tables
    return booked


async def test_a_slow_talker_gets_a_table(tables: Tables) -> None:
    async with caller("booking.py") as me:
        await me.hears("good evening")
        me.says("four")
        await me.hears("Which day")
        me.says("on fri...", pause=1.4, then="on Friday")
        await me.hears("what time")
        me.presses("1930#")
        await me.hears("Right?")
        me.interrupts("yes")
        assert await me.hears("Your number is")
    assert tables[0].people == 4
    assert me.record.cut_ins == 0


async def test_who_cannot_be_understood_is_transferred_and_leaves_a_message_where_nobody_answers(
    tables: Tables,
) -> None:
    settings = {"bar": "+15550199"}
    async with caller("booking.py", settings=settings, transfers={"+15550199": "busy"}) as me:
        await me.hears("For how many people?")
        await me.hears("Nobody is free", within_s=120)
    assert me.transfers[0].whisper == "stuck at: For how many people?"
    assert tables == []


async def test_a_transfer_that_is_taken_up_ends_the_call(tables: Tables) -> None:
    settings = {"bar": "+15550199"}
    async with caller("booking.py", settings=settings, transfers={"+15550199": "completed"}) as me:
        await me.hears("For how many people?")
        await me.waits(120)
    assert me.record.ended_reason == "transferred"
    assert tables == []

"""The examples of docs/dialplans.md, each of them called."""

import datetime as dt
import re
import shutil
import wave
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import dialplans
from media_server import dialplan
from media_server.dialplan.slots.slot import Value
from media_server.testing import caller

SHIPPED = Path(dialplans.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "dialplans.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, re.DOTALL))
ROWS = re.findall(r"^\| `(\w+\(.*?\))` \| `([\w.]+)` \| (.*?) \| (.*?) ?\|$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The examples, as an author would have them."""
    for name, source in EXAMPLES.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    return tmp_path


def example(folder: Path, name: str) -> Path:
    return folder / f"{name}.py"


def test_the_booking_line_stands_there_word_for_word() -> None:
    assert f"```python\n{(SHIPPED / 'booking.py').read_text(encoding='utf-8')}```" in PAGE


async def test_booking(tmp_path: Path) -> None:
    for name in ("booking.py", "mario.py"):
        shutil.copy(SHIPPED / name, tmp_path)
    async with caller(tmp_path / "booking.py") as me:
        await me.hears("For how many people?")
        me.says("four")
        await me.hears("Which day?")
        me.says("on Friday")
        await me.hears("At what time?")
        me.says("half past seven")
        await me.hears("4 people, Friday at 7:30 PM. Right?")
        me.says("yes")
        await me.hears("Your number is")
    assert re.fullmatch(r"[A-Z]{2}\d\d", str(me.record.notes["booking"]))


async def test_hello(folder: Path) -> None:
    async with caller(example(folder, "hello")) as me:
        await me.hears("Hello.")
        me.says("good day")
        await me.hears("You said Good day")


async def test_opening(folder: Path) -> None:
    async with caller(example(folder, "opening")) as me:
        await me.hears("This call may")
        me.mumbles("what?")  # is of no use
        await me.hears("be recorded. We are open from nine to five")
        await me.hears("until noon. Goodbye")
    assert me.record.notes == {"heard": "We are open from nine to five, and on Saturdays until noon.", "complete": True}


async def test_gong(folder: Path) -> None:
    with wave.open(str(folder / "gong.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(16000))
    async with caller(example(folder, "gong")) as me:
        await me.waits(5)
    assert me.record.notes == {"complete": True, "seconds": 0.35}
    assert me.record.ended_reason == "completed"


async def test_clerk(folder: Path) -> None:
    async with caller(example(folder, "clerk")) as me:
        await me.hears("Good morning")
        me.says("what can you do")
        await me.hears("I can take an order")
        me.says("I would like to order...", pause=1.2, then="a pizza")
        await me.hears("It is ordered")
    assert "pizza" in str(me.record.notes["order"])
    assert me.record.cut_ins == 0


async def test_account(folder: Path) -> None:
    async with caller(example(folder, "account")) as me:
        await me.hears("Your customer number?")
        me.says("one two three, four five six")
        await me.hears("Is that right?")
        me.says("yes")
        await me.hears("And your PIN?")
        me.presses("9753#")
        await me.hears("Balance, or cards?")
        me.says("cards")
        await me.hears("cards of 123456, then")
    told = "".join(event.model_dump_json() for event in me.events)
    assert "9753" not in told
    assert '"customer"' in told


async def test_account_where_nobody_knows_the_pin(folder: Path) -> None:
    async with caller(example(folder, "account")) as me:
        await me.hears("Your customer number?")
        me.presses("123456#")
        await me.hears("Is that right?")
        me.presses("1")
        await me.hears("And your PIN?")
        me.says("the weather is fine")
        await me.hears("Sorry, I did not get that. The four digits, please?")
        me.says("I do not know")
        await me.waits(10)
    assert me.record.notes == {"stuck": "And your PIN?", "why": "no_match"}


async def test_table(folder: Path) -> None:
    async with caller(example(folder, "table")) as me:
        await me.hears("What can I book for you?")
        me.says("a table for four on Friday")
        await me.hears("And the time?")
        me.says("at eight")
        await me.hears("4 people, Friday at 8 PM. Right?")
        me.says("no, five people")
        await me.hears("5 people, Friday at 8 PM. Right?")
        me.says("yes")
        await me.hears("It is booked")
    day = dt.date.fromisoformat(str(me.record.notes["day"]))
    assert day.strftime("%A") == "Friday"
    assert me.record.notes == {"people": 5, "day": str(day), "time": "8 PM"}


async def test_message(folder: Path) -> None:
    async with caller(example(folder, "message")) as me:
        await me.hears("after the tone")
        await me.waits(1)
        me.says("please call me back")
        await me.waits(8)
    assert me.record.notes == {"message": "Please call me back."}


async def test_message_of_who_hangs_up(folder: Path) -> None:
    async with caller(example(folder, "message")) as me:
        await me.hears("after the tone")
        await me.waits(1)
        me.says("please call me back")
        me.hangs_up()
        await me.waits(6)
    [message] = [event for event in me.events if event.type == "message"]
    assert (message.reason, me.record.ended_reason) == ("hangup", "caller_hangup")


@pytest.mark.parametrize("status", [200, 503])
async def test_parcel(folder: Path, status: int) -> None:
    async def where(request: web.Request) -> web.Response:
        return web.json_response({"city": f"in Oslo, {request.query['parcel']}"}, status=status)

    app = web.Application()
    app.router.add_get("/where", where)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://{}:{}".format(*runner.addresses[0][:2])
    try:
        async with caller(example(folder, "parcel"), settings={"shop": url}) as me:
            await me.hears("Parcel seven is in Oslo, 7" if status == 200 else "Parcel seven is on its way")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("outcome", "words"), [("busy", "on the phone"), ("failed", "not there"), ("completed", "")])
async def test_reception(folder: Path, outcome: Any, words: str) -> None:
    settings, transfers = {"desk": "+15550199"}, {"+15550199": outcome}
    async with caller(example(folder, "reception"), settings=settings, transfers=transfers) as me:
        await me.hears("I will connect you")
        await (me.hears(words) if words else me.waits(15))
    assert me.transfers[0].whisper == "A caller from the front page."
    assert me.record.ended_reason == ("caller_hangup" if words else "transferred")


@pytest.mark.parametrize("who", ["human", "machine"])
async def test_dial_in(folder: Path, who: str) -> None:
    async with caller(example(folder, "dial_in"), direction="outbound", answered_by=who) as me:
        if who == "human":
            await me.hears("Our meeting begins")
        await me.waits(5)
    assert (me.keys_heard, me.record.ended_reason) == (("12W34#", "joined") if who == "human" else ("", "machine"))
    assert me.record.notes == ({"joined": True} if who == "human" else {})


@pytest.mark.parametrize(
    ("says", "rooms", "ends"), [("yes", "2", "completed"), ("yes", "0", "transferred"), ("", "2", "completed")]
)
async def test_careful(folder: Path, says: str, rooms: str, ends: str) -> None:
    settings = {"rooms": rooms, "desk": "+15550199"}
    async with caller(example(folder, "careful"), settings=settings, transfers={"+15550199": "completed"}) as me:
        await me.hears("Shall I book it?")
        if says:
            me.says(says)
        else:
            await me.hears("Then I leave it")
        await me.waits(15)
    assert me.record.ended_reason == ends


async def test_an_exception_of_the_authors_is_an_apology_and_a_place_in_the_record(folder: Path) -> None:
    async with caller(example(folder, "careful"), expect_error=True) as me:
        await me.hears("Shall I book it?")
        me.says("yes")
        await me.hears("something went wrong on our side")
        await me.waits(5)
    assert me.record.ended_reason == "dialplan_error"
    assert str(me.record.error).startswith("KeyError at careful.py:")


@pytest.mark.parametrize(("slot", "kind", "said", "typed"), ROWS, ids=[row[0] for row in ROWS])
def test_slots_understand_what_the_table_says(slot: str, kind: str, said: str, typed: str) -> None:
    made: Any = eval(slot, vars(dialplan).copy())
    expected = eval(kind, {"datetime": dt})
    phrases, keys = re.findall(r'"([^"]+)"', said), re.findall(r"`([^`]+)`", typed)
    assert phrases
    for told in [*(made.feed(phrase) for phrase in phrases), *(made.feed("", each) for each in keys)]:
        assert isinstance(told, Value), told
        assert isinstance(told.value, expected)


def test_every_example_has_its_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert len(EXAMPLES) >= 11
    assert [name for name in EXAMPLES if f'example(folder, "{name}")' not in source] == []
    assert len(ROWS) >= 11

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from media_server.call.receipt import Receipt
from media_server.call.record import TurnRecord
from media_server.records.rows import call_row
from tests.api.call_house import CallHouse, call_house


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[CallHouse]:
    async with call_house(tmp_path) as running:
        yield running


async def test_calls_are_listed_and_found(house: CallHouse) -> None:
    call = await house.call()
    status, body = await house.ask("/v1/calls?provider_id=CA1&state=ended")
    assert status == 200
    assert [each["id"] for each in body["calls"]] == [call]
    assert "transcript" not in body["calls"][0]
    status, body = await house.ask(f"/v1/calls/{call}")
    assert (status, body["state"]) == (200, "ended")
    assert body["ledger"] == {
        "received": 0,
        "filled": 0,
        "delivered": 0,
        "unlistened": 0,
        "dropped": {},
        "balances": True,
    }


async def test_a_list_says_how_many_turns_there_were_and_how_long_the_caller_waited(tmp_path: Path) -> None:
    async with call_house(tmp_path) as first:
        call = await first.call()
        record = first.registry.record(call)
        for turn, waited in enumerate((200, 900, 300), 1):
            receipt = Receipt(waited=waited, words=0, think=0, voice=0, wire=50, speculated=False)
            record.turns.append(TurnRecord(turn=turn, text="", reason="complete", receipt=receipt))
        record.turns.append(TurnRecord(turn=4, text="", reason="complete"))
        for _ in range(2):  # as it is at hand, and from the archive
            _, body = await first.ask("/v1/calls")
            assert [(each["turn_count"], each["answer_ms"]) for each in body["calls"]] == [(4, 350)]
            await first.archive.store.write([call_row(record)], [])
            first.registry.forget(call)


async def test_a_call_that_has_just_ended_is_not_listed_as_live(house: CallHouse) -> None:
    over = asyncio.Event()
    running = asyncio.create_task(house.call(live=over))
    await house.settled(1)
    assert len((await house.ask("/v1/calls?state=live"))[1]["calls"]) == 1
    over.set()
    await running
    assert (await house.ask("/v1/calls?state=live"))[1]["calls"] == []
    [ended] = (await house.ask("/v1/calls?state=ended"))[1]["calls"]
    assert ended["ended_reason"] == "completed"


async def test_calls_of_earlier_runs_are_listed_and_found_too(tmp_path: Path) -> None:
    async with call_house(tmp_path) as first:
        old = await first.call("CA1")
    async with call_house(tmp_path) as second:
        new = await second.call("CA2")
        _, body = await second.ask("/v1/calls")
        assert [each["id"] for each in body["calls"]] == [new, old]
        status, body = await second.ask(f"/v1/calls/{old}")
        assert (status, body["provider_id"], body["ended_reason"]) == (200, "CA1", "completed")
        _, body = await second.ask(f"/v1/calls/{old}/events")
        assert [(each["seq"], each["type"]) for each in body["events"]] == [(1, "call_started"), (2, "call_ended")]
        _, body = await second.ask(f"/v1/calls/{old}/events?after=1")
        assert [each["seq"] for each in body["events"]] == [2]


async def test_a_cursor_leads_through_all_calls_without_one_twice(house: CallHouse) -> None:
    made = [await house.call(f"CA{number}") for number in range(7)]
    await house.settled(14)
    for call in made[:3]:
        house.registry.forget(call)  # these are only in the database
    found: list[str] = []
    path = "/v1/calls?limit=2"
    while True:
        _, body = await house.ask(path)
        found += [each["id"] for each in body["calls"]]
        if "cursor" not in body:
            break
        path = f"/v1/calls?limit=2&cursor={body['cursor']}"
    assert len(found) == 7
    assert set(found) == set(made)


async def test_since_is_a_time(house: CallHouse) -> None:
    await house.call()
    now = datetime.now(UTC)
    for since, count in ((now - timedelta(hours=1), 1), (now + timedelta(hours=1), 0)):
        _, body = await house.ask(f"/v1/calls?since={quote(since.isoformat())}")
        assert len(body["calls"]) == count


async def test_an_ended_call_is_forgotten_and_a_live_one_is_not(house: CallHouse) -> None:
    call = await house.call()
    house.archive.recordings.wav(call).write_bytes(b"sound")
    assert (await house.ask(f"/v1/calls/{call}", "DELETE"))[0] == 204
    assert (await house.ask(f"/v1/calls/{call}"))[0] == 404
    assert (await house.ask(f"/v1/calls/{call}", "DELETE"))[0] == 404
    assert not house.archive.recordings.wav(call).exists()
    over = asyncio.Event()
    running = asyncio.create_task(house.call(live=over))
    await asyncio.sleep(0.05)
    [record] = house.registry.records()
    assert (await house.ask(f"/v1/calls/{record.id}", "DELETE"))[0] == 409
    over.set()
    await running


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/calls/" + "0" * 32, 404),
        ("/v1/calls/" + "0" * 32 + "/events", 404),
        ("/v1/calls/..%2f..%2fetc", 404),
        ("/v1/calls?limit=0", 400),
        ("/v1/calls?limit=²", 400),
        ("/v1/calls?limit=501", 400),
        ("/v1/calls?sort=up", 400),
        ("/v1/calls?since=yesterday", 400),
        ("/v1/calls?cursor=nonsense", 400),
        ("/v1/calls?cursor=%ff", 400),
    ],
)
async def test_bad_input_is_named(house: CallHouse, path: str, status: int) -> None:
    got, body = await house.ask(path)
    assert got == status
    assert body["status"] == status
    assert body["code"] in ("not_found", "bad_request")

"""`POST /v1/calls/{id}/hangup`."""

import asyncio
from pathlib import Path

from tests.api.call_house import call_house
from tests.calling_house import calling_house
from tests.peers.twilio_emulation import Answer


async def test_a_live_call_is_hung_up_once(tmp_path: Path) -> None:
    async with call_house(tmp_path) as house:
        running = asyncio.create_task(house.call(live=asyncio.Event()))
        await asyncio.sleep(0.05)
        [record] = house.registry.records()
        assert await house.ask(f"/v1/calls/{record.id}/hangup", "POST") == (202, {"id": record.id})
        assert await running == record.id
        _, body = await house.ask(f"/v1/calls/{record.id}")
        assert (body["state"], body["ended_reason"]) == ("ended", "hung_up_by_operator")
        assert (await house.ask(f"/v1/calls/{record.id}/hangup", "POST"))[0] == 409
        house.registry.forget(record.id)
        await house.settled(2)
        assert (await house.ask(f"/v1/calls/{record.id}/hangup", "POST"))[0] == 409
        assert (await house.ask(f"/v1/calls/{'0' * 32}/hangup", "POST"))[0] == 404


async def test_a_call_that_rings_rings_no_more() -> None:
    async with calling_house(lambda _call: asyncio.sleep(0)) as house:
        house.twilio.answers.append(Answer(after_s=60))
        async with house.twilio.http.post(house.url + "/v1/calls", json={"to": "+15550123"}) as answer:
            call = (await answer.json())["id"]
        async with house.twilio.http.post(f"{house.url}/v1/calls/{call}/hangup") as answer:
            assert answer.status == 202
        assert house.twilio.requests[-1][3] == {"Status": "canceled"}
        assert (await house.record(call)).ended_reason == "hung_up_by_operator"
        async with house.twilio.http.post(f"{house.url}/v1/calls/{call}/hangup") as answer:
            assert answer.status == 409
        for task in house.twilio._tasks:
            task.cancel()
        house.twilio._tasks.clear()

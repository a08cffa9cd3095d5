"""Calls that we begin: `POST /v1/calls`, over an emulation of Twilio."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from media_server.dialplan import Call
from tests.calling_house import CallingHouse, calling_house
from tests.peers.twilio_emulation import Answer

TO = "+15550123"
HELLO = "Hello."


class Greeting:
    """Says hello, and remembers what it knew of the call."""

    def __init__(self) -> None:
        self.knew: dict[str, Any] = {}

    async def __call__(self, call: Call) -> None:
        self.knew = {
            "id": call.id,
            "direction": call.direction,
            "answered_by": call.answered_by,
            "settings": dict(call.settings),
            "caller": call.caller,
            "called": call.called,
        }
        await call.say(HELLO)


async def order(house: CallingHouse, key: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Idempotency-Key": key} if key is not None else {}
    body = {"to": TO, **body}
    async with house.twilio.http.post(house.url + "/v1/calls", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("by", "detection", "answered_by"),
    [
        ("human", "enable", "human"),
        ("machine_end_beep", "message_end", "machine"),
        ("machine_start", "enable", "machine"),
        ("fax", "enable", "fax"),
        ("unknown", "enable", "unknown"),
        ("", "none", ""),
    ],
)
async def test_a_call_that_is_answered_runs_its_dialplan_which_knows_by_whom(
    by: str, detection: str, answered_by: str
) -> None:
    greeting = Greeting()
    async with calling_house(greeting) as house:
        house.twilio.answers.append(Answer(by=by))
        status, body = await order(house, settings={"shop": "north"}, machine_detection=detection, timeout_s=20)
        assert status == 201
        assert body["state"] in ("ringing", "live")
        record = await house.record(body["id"])
    assert greeting.knew == {
        "id": body["id"],
        "direction": "outbound",
        "answered_by": answered_by,
        "settings": {"shop": "north"},
        "caller": "+15550100",
        "called": TO,
    }
    (call,) = house.twilio.calls.values()
    assert call.audible
    assert record.provider_id == call.sid
    assert record.ended_reason == "completed"
    _, _, _, form = house.twilio.requests[0]
    assert (form["To"], form["From"], form["Timeout"]) == (TO, "+15550100", "20")
    assert form.get("MachineDetection", "none").lower() in (detection, "detectmessageend")


@pytest.mark.parametrize(
    ("status", "reason"),
    [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "failed"), ("canceled", "canceled")],
)
async def test_a_call_that_nobody_takes_has_a_record_with_the_reason(status: str, reason: str) -> None:
    greeting = Greeting()
    async with calling_house(greeting) as house:
        house.twilio.answers.append(Answer(status))
        created, body = await order(house)
        assert created == 201
        record = await house.record(body["id"])
        assert house.registry.unsettled(0) == 0, "its place is free again"
    assert greeting.knew == {}
    assert (record.ended_reason, record.called, record.duration_s) == (reason, TO, 0.0)
    assert record.provider_id == next(iter(house.twilio.calls))
    assert house.kinds() == ["call_started", "call_ended"]


async def test_the_same_key_and_body_are_one_call_and_another_body_is_refused() -> None:
    async with calling_house(Greeting()) as house:
        (first, one), (again, two) = await asyncio.gather(order(house, "k1"), order(house, "k1"))
        assert sorted((first, again)) == [200, 201]
        assert one["id"] == two["id"]
        await house.record(one["id"])
        assert (await order(house, "k1"))[1]["id"] == one["id"]
        status, body = await order(house, "k1", timeout_s=10)
        assert (status, body["code"]) == (422, "idempotency_key_reused")
        status, other = await order(house, "k2")
        assert status == 201
        assert other["id"] != one["id"]
    assert len(house.twilio.calls) == 2


async def test_what_failed_may_be_tried_again_with_the_same_key() -> None:
    async with calling_house(Greeting()) as house:
        house.twilio.faults.append(400)
        status, body = await order(house, "k")
        assert (status, body["code"]) == (502, "provider_refused")
        (record,) = house.registry.records()
        assert record.ended_reason == "provider_refused"
        assert (await order(house, "k"))[0] == 201


async def test_calls_are_begun_one_after_the_other_and_not_many_wait() -> None:
    async with calling_house(Greeting(), per_s=10, max_calls=20) as house:
        answers = await asyncio.gather(*(order(house) for _ in range(8)))
        statuses = sorted(status for status, _ in answers)
        assert statuses == [201] * 6 + [429] * 2
        at = [each[0] for each in house.twilio.requests]
        assert at[-1] - at[0] > 0.45


async def test_a_call_that_may_have_been_begun_is_not_begun_twice() -> None:
    async with calling_house(Greeting()) as house:
        for fault in (500, "drop", "garbage"):
            house.twilio.faults.append(fault)
            assert (await order(house))[0] == 502
        assert len(house.twilio.requests) == 3
        house.twilio.faults.append(429)
        assert (await order(house))[0] == 201
        assert len(house.twilio.requests) == 5


async def test_without_room_nobody_is_called() -> None:
    async with calling_house(Greeting(), max_calls=1) as house:
        house.twilio.answers.append(Answer(after_s=0.3))
        assert (await order(house))[0] == 201
        assert (await order(house))[0] == 503
        house.full = True
        assert (await order(house))[0] == 503
    assert len(house.twilio.calls) == 1


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("+19005550100", 403),
        ("sip:desk@evil.example", 403),
        ("5550123", 400),
        ("", 400),
        ("+1555" + "0" * 300, 400),
        (5550123, 400),
    ],
)
async def test_only_allowed_destinations_are_called(to: object, status: int) -> None:
    async with calling_house(Greeting()) as house:
        got, body = await order(house, to=to)
        assert got == status
        if status == 403:
            assert "twilio.allowed_destinations" in body["detail"]
        assert house.twilio.requests == []
        assert house.registry.records() == []


@pytest.mark.parametrize(
    "body",
    [
        {"timeout_s": 1},
        {"timeout_s": "20"},
        {"machine_detection": "perhaps"},
        {"dialplan": "../etc/passwd"},
        {"call_id": "mine"},
        {"settings": []},
    ],
)
async def test_a_body_that_does_not_fit_is_named(body: dict[str, Any]) -> None:
    async with calling_house(Greeting()) as house:
        status, answer = await order(house, **body)
        assert (status, answer["code"]) == (400, "bad_request")
        assert next(iter(body)) in answer["detail"]
        for raw in (b"", b"[]", b"\xff", b'{"to":' + b"[" * 10_000):
            async with house.twilio.http.post(house.url + "/v1/calls", data=raw) as refused:
                assert refused.status == 400


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"with_rest": False}, "twilio.account_sid"),
        ({"public": False}, "public_url"),
        ({"from_number": ""}, "twilio.from_number"),
    ],
)
async def test_what_is_not_set_is_said(options: dict[str, Any], word: str) -> None:
    async with calling_house(Greeting(), **options) as house:
        status, body = await order(house)
        assert (status, body["code"]) == (501, "not_configured")
        assert word in body["detail"]


async def test_a_dialplan_is_loaded_by_its_name_or_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "survey.py").write_text("async def survey(call):\n    call.note(asked=call.settings['what'])\n")
    (tmp_path / "broken.py").write_text("def\n")
    async with calling_house(Greeting(), folders=[tmp_path]) as house:
        status, body = await order(house, dialplan="survey", settings={"what": "age"})
        assert status == 201
        record = await house.record(body["id"])
        assert (record.dialplan, record.notes) == ("survey", {"asked": "age"})
        for name in ("broken", "missing"):
            assert (await order(house, dialplan=name))[0] == 404


async def test_an_answer_of_nobody_knows_which_call_gets_nothing() -> None:
    async with calling_house(Greeting()) as house:
        house.twilio.answers.append(Answer(after_s=0.2))
        _, body = await order(house)
        address = f"{house.url}/twilio/answered?call={body['id']}"
        stranger = {"CallSid": "CA" + "8" * 32, "AccountSid": house.twilio.account}
        assert (await house.twilio.post(address, stranger, signature="forged"))[0] == 403
        assert "Stream" not in (await house.twilio.post(address, stranger))[1]
        assert "Stream" not in (await house.twilio.post(f"{house.url}/twilio/answered?call=0", stranger))[1]
        busy = {**stranger, "CallStatus": "busy"}
        assert (await house.twilio.post(f"{house.url}/twilio/status?call={body['id']}", busy))[0] == 204
        record = await house.record(body["id"])
        assert record.ended_reason == "completed", "the call itself went on"
        ours = {**stranger, "CallSid": record.provider_id}
        assert json.dumps(await house.twilio.post(address, ours)).count("Stream") in (0, 2)
        assert len(house.registry.records()) == 1


async def test_what_rings_when_the_server_ends_rings_no_more() -> None:
    async with calling_house(Greeting()) as house:
        house.twilio.answers.append(Answer(after_s=60))
        _, body = await order(house)
        for task in house.twilio._tasks:
            task.cancel()
        house.twilio._tasks.clear()
    assert house.registry.record(body["id"]).ended_reason == "shutdown"
    assert house.twilio.requests[-1][3] == {"Status": "canceled"}

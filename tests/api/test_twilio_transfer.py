"""Transfers and keys, over an emulation of Twilio: its REST API, its webhooks, its streams."""

import asyncio
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from structlog.testing import capture_logs

from media_server.call.events import TransferEnded
from media_server.dialplan import Call, CallEnded, Transfer, Transferred
from media_server.transports.twilio_handover import HandoverLimits
from tests.calling_house import CallingHouse, calling_house
from tests.peers.twilio_emulation import Dial, EmulatedCall

HI, BACK = "Hi.", "Sorry."
DESK = "+15550199"
RUNS_S = 5


class Desk:
    """A dialplan that transfers once, and remembers how that went."""

    def __init__(self, to: str | Transfer = DESK, **options: object) -> None:
        self.to = to
        self.options = options
        self.outcome: Transferred | None = None
        self.ended = ""

    async def __call__(self, call: Call) -> None:
        try:
            await call.say(HI)
            self.outcome = await call.transfer(self.to, **self.options)  # type: ignore[arg-type]
            if not self.outcome:
                await call.say(BACK)
        except CallEnded as ended:
            self.ended = str(ended)
            raise


async def over(call: EmulatedCall) -> None:
    async with asyncio.timeout(RUNS_S):
        await call.over.wait()


def outcome(house: CallingHouse) -> tuple[bool, str]:
    (ended,) = (event for event in house.events if isinstance(event, TransferEnded))
    return ended.ok, ended.reason


async def test_a_transfer_that_is_answered_ends_the_call_in_order() -> None:
    desk = Desk(timeout_s=25, music="uk")
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("completed"))
        call = await house.ring()
        await over(call)
        record = await house.record()
    assert desk.outcome == Transferred(True, "completed")
    assert record.ended_reason == "transferred"
    assert record.error is None
    assert outcome(house) == (True, "completed")
    (dialled,) = call.dialled
    assert (dialled["kind"], dialled["to"], dialled["timeout"], dialled["ringTone"]) == ("Number", DESK, "25", "uk")
    assert call.streams == 1
    assert call.said == []
    assert house.sentences == [HI], "all of it was heard before anybody was dialled"
    assert house.ears.sockets[0].closed


async def test_a_busy_desk_brings_the_same_call_back_and_it_is_heard_again() -> None:
    desk = Desk()
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("busy"))
        call = await house.ring()
        await call.streaming.wait()
        await call.dialling.wait()
        assert house.registry.live == 1
        call.heard.clear()
        await over(call)
        record = await house.record()
    assert desk.outcome == Transferred(False, "busy")
    assert call.streams == 2
    assert call.audible
    assert [line.text for line in record.transcript] == [HI, BACK]
    assert record.ended_reason == "completed"
    assert len(house.ears.sockets) == 2, "the recogniser's place was given back, and taken anew"
    assert house.kinds().count("call_started") == house.kinds().count("call_ended") == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [("no-answer", "no_answer"), ("failed", "failed"), ("canceled", "canceled"), ("unheard-of", "failed")],
)
async def test_what_twilio_says_of_a_dial_is_the_reason(status: str, reason: str) -> None:
    desk = Desk("sip:desk@Example.com")
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial(status))
        call = await house.ring()
        await over(call)
        await house.record()
    assert desk.outcome == Transferred(False, reason)
    assert (call.dialled[0]["kind"], call.dialled[0]["to"]) == ("Sip", "sip:desk@example.com")


async def test_one_who_hangs_up_during_the_whisper_has_not_talked() -> None:
    desk = Desk()
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("no-answer"))
        call = await house.ring()
        await call.dialling.wait()
        (action,) = (each["action"] for each in call.dialled)
        form = {"CallSid": call.sid, "DialCallStatus": "completed", "DialBridged": "false", "CallStatus": "in-progress"}
        status, body = await house.twilio.post(action, form)
        assert (status, "<Connect" in body) == (200, True)
        await over(call)
        await house.record()
    assert desk.outcome is not None
    assert not desk.outcome.ok


@pytest.mark.parametrize("tells_status", [True, False])
async def test_a_caller_who_hangs_up_while_it_rings_ends_the_call(tells_status: bool) -> None:
    desk = Desk()
    async with calling_house(desk) as house:
        house.twilio.prepare = lambda call: setattr(call, "tells_status", tells_status)
        house.twilio.dials.append(Dial("busy", ring_s=60))
        call = await house.ring()
        await call.dialling.wait()
        call.hang_up()
        await over(call)
        record = await house.record()
    assert (desk.outcome, desk.ended) == (None, "caller_hangup")
    assert record.ended_reason == "caller_hangup"
    assert outcome(house) == (False, "canceled")


async def test_a_caller_who_hangs_up_after_talking_was_transferred() -> None:
    desk = Desk()
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("completed", talk_s=60))
        call = await house.ring()
        await call.talking.wait()
        call.hang_up()
        await over(call)
        record = await house.record()
    assert desk.outcome == Transferred(True, "completed")
    assert record.ended_reason == "transferred"


async def test_the_two_may_talk_longer_than_it_may_ring() -> None:
    desk = Desk(timeout_s=1)
    async with calling_house(desk, limits=HandoverLimits(answer_margin_s=-0.7)) as house:
        house.twilio.dials.append(Dial("completed", talk_s=0.8))
        call = await house.ring()
        await over(call)
        await house.record()
    assert desk.outcome == Transferred(True, "completed")


async def test_a_dial_of_which_nothing_is_heard_any_more_ends_the_call() -> None:
    desk = Desk(timeout_s=1)
    async with calling_house(desk, limits=HandoverLimits(answer_margin_s=-0.7)) as house:
        house.twilio.dials.append(Dial("busy", ring_s=60))
        call = await house.ring()
        await call.dialling.wait()
        record = await house.record()
        call.hang_up()
        await over(call)
    assert desk.ended == "transfer_lost"
    assert record.ended_reason == "transfer_lost"


async def test_a_stream_that_does_not_come_back_ends_the_call() -> None:
    desk = Desk()
    async with calling_house(desk, limits=HandoverLimits(back_s=0.3)) as house:
        house.twilio.dials.append(Dial("busy", ring_s=0.2))
        call = await house.ring()
        await call.dialling.wait()
        call.connects = False
        record = await house.record()
        call.hang_up()
        await over(call)
    assert record.ended_reason == "transfer_lost"


async def test_the_time_away_is_no_sound_and_the_books_know_nothing_of_it() -> None:
    positions: list[int] = []

    async def plan(call: Call) -> None:
        leg = call._conversation.leg
        await call.say(HI)
        positions.append(leg.position)
        await call.transfer(DESK)
        await call.say(HI)
        positions.append(leg.position)

    async with calling_house(plan) as house:
        house.twilio.dials.append(Dial("busy", ring_s=1.0))
        call = await house.ring()
        await over(call)
        record = await house.record()
    before, after = positions
    assert 0 < before < after < record.ledger.received + record.ledger.filled + 1
    assert after - before < 0.6 * 8000, "a second of ringing is no second of sound"
    assert record.duration_s > 1.2


# --- what is not allowed, and what does not work -----------------------------------------------------------------


@pytest.mark.parametrize(
    "to",
    [
        "+19005550100",
        "5550100",
        "",
        "sip:desk@evil.example",
        "sip:desk@example.com;method=INVITE",
        "sip:a@evil.example;@example.com",
        '+15550100"><Dial>+19005550100</Dial><x y="',
        "+15550100\n+19005550100",
        "+1555" + "0" * 300,
    ],
)
async def test_a_destination_that_is_not_allowed_is_refused_and_the_call_goes_on(to: str) -> None:
    desk = Desk(to)
    async with calling_house(desk) as house:
        with capture_logs() as logs:
            call = await house.ring()
            await over(call)
            await house.record()
    assert desk.outcome == Transferred(False, "refused")
    assert house.twilio.requests == []
    assert house.sentences == [HI, BACK]
    (line,) = (each for each in logs if each["event"] == "transfer_not_tried")
    assert len(line["to"]) <= 64


async def test_without_a_list_nothing_is_allowed_and_the_log_says_what_to_set() -> None:
    desk = Desk()
    async with calling_house(desk, allowed=()) as house:
        with capture_logs() as logs:
            call = await house.ring()
            await over(call)
    assert desk.outcome == Transferred(False, "refused")
    assert any("twilio.allowed_destinations" in str(each.get("hint")) for each in logs)


async def test_without_an_account_a_call_cannot_be_transferred() -> None:
    desk = Desk()
    async with calling_house(desk, with_rest=False) as house:
        call = await house.ring()
        await over(call)
    assert desk.outcome == Transferred(False, "unsupported")


@pytest.mark.parametrize("faults", [["stall"], [500] * 20, ["drop"] * 20, ["garbage"], [401], [404]])
async def test_an_api_that_does_not_work_costs_its_deadline_and_not_the_call(faults: list[int | str]) -> None:
    desk = Desk()
    async with calling_house(desk, rest_deadline_s=0.5) as house:
        house.twilio.faults.extend(faults)
        call = await house.ring()
        await over(call)
        record = await house.record()
    assert desk.outcome == Transferred(False, "failed")
    assert [line.text for line in record.transcript] == [HI, BACK]
    assert call.streams == 1
    assert record.duration_s < 3


async def test_an_api_that_is_busy_for_a_moment_is_asked_again() -> None:
    desk = Desk()
    async with calling_house(desk, rest_deadline_s=3) as house:
        house.twilio.faults.extend([429, 503])
        house.twilio.dials.append(Dial("completed"))
        call = await house.ring()
        await over(call)
        await house.record()
    assert desk.outcome == Transferred(True, "completed")
    assert len(house.twilio.requests) == 3


# --- injection, forgery, replay ----------------------------------------------------------------------------------


async def test_a_whisper_is_said_to_the_callee_alone_and_is_text_whatever_is_in_it() -> None:
    evil = '</Say><Dial>+19005550100</Dial><Say>"&\x00\x1b <Hangup/>'
    desk = Desk(Transfer(DESK, whisper=evil))
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("completed"))
        call = await house.ring()
        await over(call)
        await house.record()
    assert call.whispers == [evil.replace("\x00", "").replace("\x1b", "")]
    assert call.said == []
    assert len(call.dialled) == 1
    twiml = next(fields["Twiml"] for _, _, _, fields in house.twilio.requests)
    assert evil not in twiml
    assert [each.tag for each in ET.fromstring(twiml).iter()] == ["Response", "Dial", "Number"]


async def test_a_foreign_or_replayed_action_has_no_effect() -> None:
    desk = Desk()
    async with calling_house(desk) as house:
        house.twilio.dials.append(Dial("busy", ring_s=0.3))
        call = await house.ring()
        await call.dialling.wait()
        action = call.dialled[0]["action"]
        form = {"CallSid": call.sid, "DialCallStatus": "completed", "CallStatus": "completed"}
        for address in (action, call.dialled[0]["statusCallback"], house.url + "/twilio/whisper?handover=1"):
            assert (await house.twilio.post(address, form, signature="forged"))[0] == 403
        other = urlsplit(action)._replace(query="handover=" + "0" * 32).geturl()
        status, body = await house.twilio.post(other, form)
        assert (status, "Hangup" in body, "Stream" in body) == (200, True, False)
        assert house.registry.live == 1
        await over(call)
        replayed = next(form for url, form in call.actions if url == action)
        status, body = await house.twilio.post(action, replayed)
        assert (status, "Stream" in body) == (200, False)
        await house.record()
    assert desk.outcome == Transferred(False, "busy")


async def test_the_stream_that_comes_back_needs_its_own_token() -> None:
    desk = Desk()
    async with calling_house(desk, limits=HandoverLimits(back_s=0.5)) as house:
        house.twilio.dials.append(Dial("busy", ring_s=0.2))
        call = await house.ring()
        await call.dialling.wait()
        call.spoil_token, call.tells_status = True, False
        await over(call)
        record = await house.record()
    assert call.close_codes == [1008]
    assert record.ended_reason == "transfer_lost"


async def test_a_dialplan_may_give_up_waiting_and_the_call_still_comes_back() -> None:
    gave_up: list[str] = []

    async def hasty(call: Call) -> None:
        try:
            async with asyncio.timeout(0.1):
                await call.transfer(DESK)
        except TimeoutError:
            gave_up.append("once")
        await asyncio.sleep(0.4)
        await call.say(BACK)

    async with calling_house(hasty) as house:
        house.twilio.dials.append(Dial("busy", ring_s=0.2))
        call = await house.ring()
        await over(call)
        record = await house.record()
    assert gave_up == ["once"]
    assert (call.streams, record.ended_reason) == (2, "completed")
    assert [line.text for line in record.transcript] == [BACK]


async def test_two_transfers_one_after_the_other_find_the_one_who_is_there() -> None:
    async def plan(call: Call) -> None:
        if not await call.transfer("+15550101"):
            await call.transfer("+15550102")

    async with calling_house(plan) as house:
        house.twilio.dials.extend([Dial("busy"), Dial("completed")])
        call = await house.ring()
        await over(call)
        record = await house.record()
    assert [each["to"] for each in call.dialled] == ["+15550101", "+15550102"]
    assert record.ended_reason == "transferred"


# --- keys --------------------------------------------------------------------------------------------------------


async def test_keys_are_played_by_twilio_and_the_call_goes_on() -> None:
    async def menu(call: Call) -> None:
        await call.say(HI)
        await call.send_dtmf("1W2#")
        await call.say(BACK)

    async with calling_house(menu) as house:
        call = await house.ring()
        await over(call)
        record = await house.record()
    assert call.keys == ["1ww2#"]
    assert call.streams == 2
    assert [line.text for line in record.transcript] == [HI, BACK]
    assert record.ended_reason == "completed"


@pytest.mark.parametrize(("digits", "faults"), [("A1", []), ("12", [404])])
async def test_keys_that_twilio_does_not_play_are_tones_in_our_own_sound(digits: str, faults: list[int | str]) -> None:
    async def menu(call: Call) -> None:
        await call.send_dtmf(digits)

    async with calling_house(menu) as house:
        house.twilio.faults.extend(faults)
        call = await house.ring()
        await over(call)
    assert call.keys == []
    assert call.streams == 1
    assert len(call.heard) >= 2 * 160 * 8
    assert call.audible


async def test_what_is_no_key_is_an_error_of_the_dialplans() -> None:
    for wrong in ("", "12x", "1" * 65, '1"/><Dial>'):

        async def menu(call: Call, wrong: str = wrong) -> None:
            with pytest.raises(ValueError, match="are wanted"):
                await call.send_dtmf(wrong)

        async with calling_house(menu) as house:
            call = await house.ring()
            await over(call)
            assert (await house.record()).error is None

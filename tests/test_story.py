from media_server.call.events import (
    AgentSaid,
    Answered,
    CallEndedEvent,
    CallerSaid,
    CallEvent,
    DigitPressed,
    Fault,
    Noted,
    RecordingChanged,
    SlotHeard,
    ToolRan,
    TransferBegan,
    TransferEnded,
    WebhookAsked,
)
from media_server.call.record import CallRecord, RecordingRecord
from media_server.story import story, summary_line
from tests.test_console import CALL, RECEIPT


def told(*events: CallEvent) -> CallRecord:
    record = CallRecord(
        id=CALL,
        provider_id="CA1",
        transport="twilio",
        caller="+15550111",
        called="+15550100",
        dialplan="booking",
        started_at="2026-11-01T10:00:00.000+00:00",
    )
    for event in events:
        record.receive(event)
    return record


def test_a_call_is_told_in_the_order_in_which_it_happened() -> None:
    record = told(
        RecordingChanged(call=CALL, at=0, on=True),
        CallerSaid(call=CALL, at=2, turn=1, text="for four", reason="complete"),
        Answered(call=CALL, at=2.4, turn=1, receipt=RECEIPT),
        SlotHeard(call=CALL, at=2.1, name="people", filled=True, value="4"),
        SlotHeard(call=CALL, at=2.2, name="day", filled=False),
        AgentSaid(call=CALL, at=4, text="Which day?", heard="Which", complete=False),
        ToolRan(call=CALL, at=5, tool="order_status", ok=False, ms=6000, reason="timeout"),
        WebhookAsked(call=CALL, at=6, ok=True, ms=120),
        Fault(call=CALL, at=6.5, code="engine", message="the voice went away"),
        DigitPressed(call=CALL, at=7, digit="0"),
        TransferBegan(call=CALL, at=8, to="+15550199"),
        TransferEnded(call=CALL, at=9, to="+15550199", ok=False, reason="busy"),
        Noted(call=CALL, at=9, values={"booking": "X1"}),
        CallEndedEvent(call=CALL, at=10, reason="caller_hangup", turns=1, balances=True),
    )
    record.duration_s = 10.0
    record.recording = RecordingRecord(seconds=9.8, complete=False, problem="disk")
    lines = [" ".join(line.split()) for line in story(record)]
    assert lines[0].endswith("7f3a0000 +15550111 > +15550100 booking 10 s caller hung up")
    assert lines[1:] == [
        "0.0 recording on",
        "2.0 caller for four 430 ms = waited 260, words 40, think 1, voice 95, wire 34",
        "2.1 slot people: 4",
        "2.2 slot day: nothing fitted",
        "4.0 agent Which day? heard: Which",
        "5.0 tool order_status failed: timeout 6000 ms",
        "6.0 webhook answered 120 ms",
        "6.5 fault engine: the voice went away",
        "8.0 transfer to +15550199",
        "9.0 transfer to +15550199 failed: busy",
        "keys 0",
        "note booking: X1",
        "10.0 ended caller hung up",
        "recorded 9.8 s, incomplete (disk)",
    ]


def test_nothing_that_a_caller_sends_moves_the_cursor_or_breaks_the_lines() -> None:
    nasty = "red\x1b[31m\r\nalert\u202e {name}"
    record = told(
        CallerSaid(call=CALL, at=1, turn=1, text=nasty, reason="complete"),
        SlotHeard(call=CALL, at=1, name="{detail.__class__}", filled=True, value=nasty),
        Noted(call=CALL, at=1, values={nasty: nasty}),
        CallEndedEvent(call=CALL, at=2, reason=nasty, turns=1, balances=False),
    )
    record.ledger.balances = False
    record.caller, record.error, record.started_at = nasty, nasty, nasty
    lines = [*story(record), summary_line(record)]
    assert all(line.isprintable() for line in lines)
    assert any("DO NOT BALANCE" in line for line in lines)

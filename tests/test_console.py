from datetime import UTC, datetime

from media_server.call.events import AgentSaid, Answered, CallEndedEvent, CallerSaid, CallStarted
from media_server.call.receipt import Receipt
from media_server.console import Console

CALL = "7f3a" + "0" * 28
RECEIPT = Receipt(waited=260, words=40, think=1, voice=95, wire=34, speculated=True)


def shown(*events: CallStarted | CallerSaid | Answered | AgentSaid | CallEndedEvent) -> list[str]:
    lines: list[str] = []
    console = Console(lines.append, lambda: datetime(2026, 1, 2, 21, 40, 9, tzinfo=UTC))
    for event in events:
        console.receive(event)
    return lines


def test_a_turn_is_a_line_with_its_receipt() -> None:
    lines = shown(
        CallStarted(call=CALL, at=0, caller="+1", called="+2", dialplan="parrot"),
        CallerSaid(call=CALL, at=1, turn=1, text="what can you do", reason="complete"),
        Answered(call=CALL, at=1.4, turn=1, receipt=RECEIPT),
        AgentSaid(call=CALL, at=3, text="What can you do, you said.", heard="What can you do,", complete=False, turn=1),
        CallEndedEvent(call=CALL, at=19.2, reason="caller_hangup", turns=1, balances=True),
    )
    assert lines[0].startswith("21:40:09 7f3a  caller  what can you do")
    assert lines[0].endswith("430 ms = waited 260, words 40, think 1, voice 95, wire 34")
    assert lines[1] == "21:40:09 7f3a  agent   What can you do, you said.   heard: What can you do,"
    assert lines[2] == "21:40:09 7f3a  ended   caller hung up   19 s, 1 turn, books balance"


def test_a_turn_without_an_answer_is_shown_too_and_what_is_said_cannot_move_the_cursor() -> None:
    lines = shown(
        CallerSaid(call=CALL, at=1, turn=1, text="red\x1b[31m\r\nalert", reason="complete"),
        CallEndedEvent(call=CALL, at=2, reason="caller_hangup", turns=1, balances=False),
    )
    assert lines[0] == "21:40:09 7f3a  caller  red [31m  alert"
    assert "BOOKS DO NOT BALANCE" in lines[1]

"""What `media-server try` prints of a call. Pure; every figure is the phone's own or from the server's record.

The wait for an answer is the phone's measure, from the caller's last voiced sample to the first voiced one it played.
Its parts are the server's receipt, but for `wire`: that is what the others leave of the phone's measure, so that the
parts add up to what a caller waits. It holds the way there and back, the lead, the caller's packet time, and by how
much the recogniser takes speech to end later than the phone's measure does.
"""

from collections.abc import Iterator
from statistics import median

from media_server.call.receipt import Receipt
from media_server.call.record import CallRecord
from media_server.phone.measure import CallMeasure
from media_server.phone.twilio_phone import PhoneCall

_TEXT_WIDTH = 42


def report(call: PhoneCall, measured: CallMeasure, record: CallRecord | None) -> Iterator[str]:
    """The lines after the first, without the one that names the recording."""
    if record is not None:
        yield from _conversation(record, measured)
    yield _summary(measured)
    yield from _notes(call, measured, record)


def succeeded(call: PhoneCall, measured: CallMeasure) -> bool:
    """Whether all was answered, and nothing was wrong on the wire."""
    return len(measured.answered) == len(measured.turns) > 0 and not call.violations


def _conversation(record: CallRecord, measured: CallMeasure) -> Iterator[str]:
    greeting = measured.greeting_ms
    note = "" if greeting is None else f"first word {greeting} ms after pick-up"
    turn = -1
    for line in record.transcript:
        if line.who == "caller":
            turn += 1
            note = _answer(record, measured, turn)
            yield f"  caller   {line.text}"
        else:
            yield f"  agent    {line.text:<{_TEXT_WIDTH}}  {note}".rstrip()
            note = ""


def _answer(record: CallRecord, measured: CallMeasure, turn: int) -> str:
    receipt = record.turns[turn].receipt if turn < len(record.turns) else None
    # Only where the server heard the turns that the phone spoke does one figure belong to the other.
    matches = len(record.turns) == len(measured.turns)
    total = measured.turns[turn].answered_ms if matches else None
    if receipt is None:
        return "" if total is None else f"{total} ms"
    return _parts(receipt, receipt.total if total is None else total)


def _parts(receipt: Receipt, total: int) -> str:
    wire = total - (receipt.total - receipt.wire)
    return (
        f"{total} ms = waited {receipt.waited}, words {receipt.words}, think {receipt.think}, "
        f"voice {receipt.voice}, wire {wire}"
    )


def _summary(measured: CallMeasure) -> str:
    answered = measured.answered
    parts = [f"{_count(len(measured.turns), 'turn')}, {len(answered)} answered"]
    if answered:
        parts.append(f"p50 {median(answered):.0f} ms")
    parts += [_count(len(measured.gaps), "gap"), _count(measured.cut_ins, "cut-in")]
    return "   ".join(parts)


def _notes(call: PhoneCall, measured: CallMeasure, record: CallRecord | None) -> Iterator[str]:
    if call.violations:
        yield f"note    {_count(len(call.violations), 'frame')} that Twilio would refuse: {call.violations[0]}"
    if call.hung_up_by == "server":
        yield f"note    the server hung up (code {call.close_code}){f': {call.farewell}' if call.farewell else ''}"
    if record is None:
        return
    if len(record.turns) != len(measured.turns):
        yield f"note    the server heard {_count(len(record.turns), 'turn')}"
    if record.state == "ended" and not record.ledger.balances:
        yield "note    the server's books do not balance"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

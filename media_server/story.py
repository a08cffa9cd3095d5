"""A call as lines to read: what was said, with receipts; slots, tools, webhooks; why it ended. Pure."""

from collections.abc import Iterator
from datetime import datetime

from media_server.call.record import CallRecord, Happening
from media_server.console import REASONS, quoted, receipt_text

_WIDTH = 44
_ID = 8
_GOOD = {
    "slot": "{name}: {detail}",
    "transfer_began": "to {name}",
    "transfer_ended": "to {name}: {detail}",
    "tool": "{name}",
    "webhook": "answered",
    "recording": "on",
}
_BAD = {
    "slot": "{name}: nothing fitted",
    "transfer_ended": "to {name} failed: {detail}",
    "tool": "{name} failed: {detail}",
    "webhook": "no use: {detail}",
    "recording": "paused",
    "fault": "{name}: {detail}",
}
_NAMES = {"transfer_began": "transfer", "transfer_ended": "transfer"}


def summary_line(call: CallRecord) -> str:
    """A call in one line of a list."""
    ended = "live" if call.state == "live" else f"{call.duration_s:5.0f} s  {ended_text(call.ended_reason)}"
    numbers = f"{call.caller or 'withheld'} > {call.called}"
    return f"{_local(call.started_at)}  {call.id[:_ID]}  {quoted(numbers):<28}  {quoted(call.dialplan):<12}  {ended}"


def story(call: CallRecord) -> Iterator[str]:
    """A call in full."""
    yield summary_line(call)
    lines = [*_spoken(call), *_happened(call)]
    for at, who, text in sorted(lines, key=lambda line: line[0]):
        yield f"{at:8.1f}  {who:<9} {text}"
    if call.digits:
        yield f"          keys      {quoted(call.digits)}"
    for name, value in call.notes.items():
        yield f"          note      {quoted(name)}: {quoted(str(value))}"
    if call.state == "ended":
        yield f"{call.duration_s:8.1f}  ended     {ended_text(call.ended_reason)}"
    if call.error:
        yield f"          error     {quoted(call.error)}"
    yield from _books(call)


def ended_text(reason: str | None) -> str:
    """Why a call ended, in words."""
    return REASONS.get(reason or "", quoted((reason or "").replace("_", " ")))


def _spoken(call: CallRecord) -> Iterator[tuple[float, str, str]]:
    receipts = [(turn.text, receipt_text(turn.receipt)) for turn in call.turns if turn.receipt is not None]
    for line in call.transcript:
        text = quoted(line.text)
        if line.who == "caller" and receipts and receipts[0][0] == line.text:
            text = f"{text:<{_WIDTH}}  {receipts.pop(0)[1]}"
        elif line.said is not None and line.said != line.text:
            text = f"{quoted(line.said)}   heard: {text}"
        yield line.at, line.who, text


def _happened(call: CallRecord) -> Iterator[tuple[float, str, str]]:
    for each in call.happenings:
        yield each.at, _NAMES.get(each.type, each.type), _happening(each)


def _happening(each: Happening) -> str:
    form = (_GOOD if each.ok else _BAD).get(each.type, "{name} {detail}")
    took = "" if each.ms is None else f"   {each.ms} ms"
    return quoted(form.format(name=each.name, detail=each.detail)) + took


def _books(call: CallRecord) -> Iterator[str]:
    if not call.ledger.balances:
        yield "          books     DO NOT BALANCE"
    if call.gaps or call.wakes_late:
        yield f"          pacing    {call.gaps} gaps, woken late {call.wakes_late} times"
    if (recording := call.recording) is not None:
        missing = "" if recording.complete else f", incomplete ({quoted(recording.problem)})"
        yield f"          recorded  {recording.seconds:.1f} s{missing}"


def _local(started_at: str) -> str:
    try:
        return f"{datetime.fromisoformat(started_at).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return quoted(started_at)

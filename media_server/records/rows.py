"""Records and events of calls as rows of the database, and back. Pure."""

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from pydantic import BaseModel, TypeAdapter

from media_server.call.events import CallEvent
from media_server.call.record import CallRecord

Row: TypeAlias = dict[str, Any]

CRASHED = "server_crash"
LONG = {"transcript", "turns", "notes", "digits", "happenings"}
"""What grows with a call, and is left out of lists."""
_MAX_COLUMN = 200

_event: TypeAdapter[CallEvent] = TypeAdapter(CallEvent)


def parse_event(text: str) -> CallEvent:
    """An event of a row.

    Raises:
        ValueError: It is none.
    """
    return _event.validate_json(text)


def call_row(record: CallRecord) -> Row:
    """The row of a call."""
    return {
        "id": record.id,
        "provider_id": _plain(record.provider_id),
        "dialplan": _plain(record.dialplan),
        "state": record.state,
        "started_at": record.started_at,
        "duration_s": record.duration_s,
        "ended_reason": record.ended_reason,
        "summary": dumped(record, without=LONG),
        "record": dumped(record),
    }


def event_row(seq: int, event: CallEvent) -> Row:
    """The row of an event."""
    return {"call": event.call, "seq": seq, "at": event.at, "type": event.type, "event": dumped(event)}


def crashed(record: str, events: Iterable[str]) -> CallRecord:
    """The record of a call that was live when the server died, as its beginning and its events tell it.

    Raises:
        ValueError: They are none.
    """
    call = CallRecord.model_validate_json(record)
    for text in events:
        event = parse_event(text)
        call.receive(event)
        call.duration_s = max(call.duration_s, round(event.at, 3))
    call.state, call.ended_reason = "ended", call.ended_reason or CRASHED
    return call


def dumped(model: BaseModel, *, without: set[str] | None = None) -> str:
    """As JSON, whatever characters are in it."""
    try:
        return model.model_dump_json(exclude=without)
    except ValueError:  # half a surrogate pair
        return json.dumps(model.model_dump(exclude=without))


def _plain(text: str) -> str:
    return text[:_MAX_COLUMN].encode("utf-8", "replace").decode()

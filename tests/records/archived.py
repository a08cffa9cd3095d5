"""An archive in a folder, with calls that are made up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from media_server.call.events import CallEndedEvent, CallerSaid, CallEvent, CallStarted
from media_server.call.record import CallRecord
from media_server.errors import NotFound
from media_server.records.archive import Archive


class Line:
    """Calls as the registry has them, without a registry."""

    def __init__(self) -> None:
        self.records: dict[str, CallRecord] = {}
        self.archive: Archive | None = None

    def find(self, call: str) -> CallRecord:
        if call not in self.records:
            raise NotFound
        return self.records[call]

    def tell(self, event: CallEvent) -> None:
        self.records[event.call].receive(event)
        assert self.archive is not None
        self.archive.receive(event)

    def begin(self, call: str, *, started_at: str = "2026-11-01T10:00:00.000+00:00", dialplan: str = "parrot") -> None:
        self.records[call] = CallRecord(
            id=call,
            provider_id=f"CA{call[:4]}",
            transport="twilio",
            caller="+15550111",
            called="+15550100",
            dialplan=dialplan,
            started_at=started_at,
        )
        self.tell(CallStarted(call=call, at=0, caller="+15550111", called="+15550100", dialplan=dialplan))

    def say(self, call: str, text: str, at: float = 1.5) -> None:
        self.tell(CallerSaid(call=call, at=at, turn=1, text=text, reason="complete"))

    def end(self, call: str, reason: str = "completed") -> None:
        self.tell(CallEndedEvent(call=call, at=9.0, reason=reason, turns=1, balances=True))


def numbered(number: int) -> str:
    return f"{number:032x}"


@asynccontextmanager
async def archive(folder: Path, line: Line, *, keep_days: int = 36500) -> AsyncIterator[Archive]:
    opened = Archive(folder, keep_days=keep_days, find=line.find)
    line.archive = opened
    await opened.open()
    try:
        yield opened
    finally:
        await opened.aclose()

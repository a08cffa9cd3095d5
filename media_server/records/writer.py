"""The records written through the call: what happens is queued, and one task writes it in small batches.

A call is never held up and never fails for it: what does not fit into the queue is counted and missing among the events
(the record at the end has it all the same); a database that cannot be written is told once, and tried until it can.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from media_server.call.events import CallEndedEvent, CallEvent, CallStarted
from media_server.call.record import CallRecord
from media_server.errors import NotFound, RecordsUnavailable
from media_server.records.rows import Row, call_row, event_row
from media_server.records.store import CallStore
from media_server.telemetry import metrics

MAX_EVENTS = 20_000
"""Events that may wait."""
MAX_RECORDS = 2000
"""Records that may wait."""
BATCH = 500
GATHER_S = 0.2
"""So long after something happened it is written, with all that happened meanwhile."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 5.0

log = structlog.get_logger(__name__)


class RecordWriter:
    """The one writer of the database. `receive` is an event sink; `run` is its task."""

    def __init__(self, store: CallStore, find: Callable[[str], CallRecord]) -> None:
        """`find`: the record of a live call.

        Raises of `find`:
            NotFound: There is none.
        """
        self._store = store
        self._find = find
        self._events: deque[tuple[int, CallEvent]] = deque()
        self._begun: dict[str, Row] = {}
        self._ended: dict[str, CallRecord] = {}
        self._seqs: dict[str, int] = {}
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()
        self._failing = False

    def receive(self, event: CallEvent) -> None:
        """Something happened on a call. Never blocks, never raises."""
        seq = self._seqs.get(event.call, 0) + 1
        self._seqs[event.call] = seq
        if len(self._events) < MAX_EVENTS:
            self._events.append((seq, event))
        else:
            metrics.RECORDS_DROPPED.inc()
        if isinstance(event, CallStarted | CallEndedEvent):
            self._take_record(event)
        self._news.set()

    async def run(self) -> None:
        """Write, for as long as the server runs."""
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            await self._write_all()

    async def flush(self, timeout_s: float) -> bool:
        """Write what waits, when `run` has ended; False where that could not be done in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._write_all()
        except TimeoutError:
            log.warning("records_lost", events=len(self._events), calls=len(self._ended))
            return False
        return True

    async def delete(self, call: str) -> None:
        """Forget a call that is over, also what of it is not written yet.

        Raises:
            RecordsUnavailable: The database cannot be written.
        """
        async with self._writing:
            self._events = deque(kept for kept in self._events if kept[1].call != call)
            self._begun.pop(call, None)
            self._ended.pop(call, None)
            await self._store.delete(call)

    def _take_record(self, event: CallStarted | CallEndedEvent) -> None:
        try:
            record = self._find(event.call)
        except NotFound:
            return
        if isinstance(event, CallStarted):
            if len(self._begun) < MAX_RECORDS:
                self._begun[event.call] = call_row(record)  # now: the record goes on changing
            return
        del self._seqs[event.call]
        if len(self._ended) < MAX_RECORDS:
            self._ended[event.call] = record
        else:
            metrics.RECORDS_DROPPED.inc()

    async def _write_all(self) -> None:
        self._news.clear()
        delay = FIRST_RETRY_S
        while self._events or self._begun or self._ended:
            try:
                async with self._writing:
                    await self._write_some()
            except RecordsUnavailable as error:
                metrics.RECORDS_FAILED.inc()
                if not self._failing:
                    log.warning("records_not_written", error=error.message)
                self._failing = True
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_RETRY_S)
                continue
            if self._failing:
                log.info("records_written_again")
            self._failing, delay = False, FIRST_RETRY_S

    async def _write_some(self) -> None:
        """Write a batch; what was written is no longer kept, whatever came meanwhile is."""
        events = [self._events[index] for index in range(min(BATCH, len(self._events)))]
        begun, ended = list(self._begun), dict(self._ended)
        first = [row for call, row in self._begun.items() if call not in ended]
        calls, rows = await asyncio.to_thread(_rows, list(ended.values()), events)
        await self._store.write([*first, *calls], rows)
        for _ in events:
            self._events.popleft()
        for call in begun:
            self._begun.pop(call, None)
        for call in ended:
            del self._ended[call]


def _rows(records: Sequence[CallRecord], events: Sequence[tuple[int, CallEvent]]) -> tuple[list[Row], list[Row]]:
    """The records of calls that are over do not change any more, so a thread may read them."""
    return [call_row(record) for record in records], [event_row(*event) for event in events]

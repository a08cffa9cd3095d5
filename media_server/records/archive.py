"""All that is kept of calls: made ready at start, written through the calls, pruned once a day."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from media_server.call.events import CallEvent
from media_server.call.record import CallRecord
from media_server.errors import ConfigError, RecordsUnavailable
from media_server.records.database import prepare
from media_server.records.recordings import Recordings
from media_server.records.rows import call_row, crashed
from media_server.records.store import MAX_EVENTS, CallStore
from media_server.records.writer import RecordWriter

DATABASE = "calls.sqlite"
RECORDINGS = "recordings"
LAST_WRITE_S = 2.0
"""How long the records may take to be written when the server ends."""
_DAY_S = 24 * 3600.0

log = structlog.get_logger(__name__)


class Archive:
    """Records, events and recordings of the calls of one data folder."""

    def __init__(self, folder: Path, *, keep_days: int, find: Callable[[str], CallRecord]) -> None:
        """`find`: the record of a live call; raises `NotFound` where there is none."""
        self._path = folder / DATABASE
        self._keep_days = keep_days
        self.recordings = Recordings(folder / RECORDINGS)
        self.store = CallStore(self._path)
        self._writer = RecordWriter(self.store, find)
        self._tasks: list[asyncio.Task[None]] = []

    def receive(self, event: CallEvent) -> None:
        """An event of a call: to be kept. Never blocks, never raises."""
        self._writer.receive(event)

    async def open(self) -> None:
        """Make everything ready, end what a crash has left, forget what is old; then write and prune.

        Raises:
            ConfigError: The database cannot be used, or there is no room for recordings.
        """
        try:
            await asyncio.to_thread(prepare, self._path)
            await asyncio.to_thread(self.recordings.open)
            await self._end_crashed()
            await self.prune()
        except OSError as error:
            raise ConfigError(f"{self.recordings.folder}: {error.strerror or error} (data_dir)") from error
        except RecordsUnavailable as error:
            raise ConfigError(f"{self._path}: {error.message}") from error
        self._tasks = [asyncio.create_task(part) for part in (self._writer.run(), self._prune_daily())]

    async def aclose(self) -> None:
        """Write what waits, and let go of the database. All calls must be over."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._writer.flush(LAST_WRITE_S)
        await self.store.aclose()

    async def delete(self, call: str) -> None:
        """Forget a call that is over: its record, its events, its sound.

        Raises:
            RecordsUnavailable: It cannot be done just now.
        """
        await self._writer.delete(call)
        try:
            await asyncio.to_thread(self.recordings.delete, {call})
        except OSError as error:
            raise RecordsUnavailable(f"the recording: {error.strerror or error}") from error
        log.info("call_deleted", call=call)

    async def prune(self) -> None:
        """Forget what is older than it may be.

        Raises:
            RecordsUnavailable: It cannot be done just now.
            OSError: Likewise.
        """
        before = datetime.now(UTC) - timedelta(days=self._keep_days)
        old = await self.store.ids(state="ended", before=before.isoformat(timespec="milliseconds"))
        for call in old:
            await self._writer.delete(call)
        await asyncio.to_thread(self.recordings.delete, set(old))
        files = await asyncio.to_thread(self.recordings.prune, before.timestamp())
        if old or files:
            log.info("records_pruned", calls=len(old), files=files, older_than_days=self._keep_days)

    async def _prune_daily(self) -> None:
        due = time.time() + _DAY_S
        while True:
            await asyncio.sleep(min(3600.0, max(0.0, due - time.time())))  # also where the clock is set meanwhile
            if time.time() < due:
                continue
            due = time.time() + _DAY_S
            with contextlib.suppress(OSError, RecordsUnavailable):  # tomorrow is another day
                await self.prune()

    async def _end_crashed(self) -> None:
        """What was live when the server died, is over since then."""
        for call in await self.store.ids(state="live"):
            record = await self.store.record(call)
            texts: list[str] = []
            last = 0
            while events := await self.store.events(call, after=last):
                texts += [text for _, text in events]
                last = events[-1][0]
                if len(events) < MAX_EVENTS:
                    break
            try:
                ended = await asyncio.to_thread(crashed, record, texts)
            except ValueError:
                log.warning("record_unreadable", call=call)
                await self.store.delete(call)
                continue
            ended.recording = await asyncio.to_thread(self.recordings.left_by_crash, call) or ended.recording
            await self.store.write([call_row(ended)], [])
            log.warning("call_ended_by_crash", call=call)

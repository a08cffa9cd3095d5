"""The database of calls, asked and written without holding up the event loop (aiosqlite: a thread a connection)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Select, delete, event, select, tuple_
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from media_server.errors import NotFound, RecordsUnavailable
from media_server.records.rows import Row
from media_server.records.tables import CALLS, EVENTS

BUSY_S = 2.0
"""How long another program may hold the database before that counts as a failure."""
DEADLINE_S = 10.0
MAX_EVENTS = 1000
"""Events that are given out at once."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",  # what is committed survives the process, if not a power cut
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten
    f"PRAGMA busy_timeout = {round(BUSY_S * 1000)}",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place in the list of all, the newest first."""

    started_at: str
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls to list. `since`: ISO 8601 in UTC with milliseconds; `after`: those behind this place."""

    state: str | None = None
    provider_id: str | None = None
    dialplan: str | None = None
    since: str | None = None
    after: Place | None = None


class CallStore:
    """`calls.sqlite`, which `database.prepare` has made ready."""

    def __init__(self, path: Path) -> None:
        url = URL.create("sqlite+aiosqlite", database=str(path))
        self._engine = create_async_engine(url, pool_size=3, max_overflow=2, pool_timeout=DEADLINE_S)
        event.listen(self._engine.sync_engine, "connect", _configure)

    async def aclose(self) -> None:
        """Let go of the database."""
        await self._engine.dispose()

    async def write(self, calls: Sequence[Row], events: Sequence[Row]) -> None:
        """Keep these rows, all or none; a call that is there already is replaced, an event is not.

        Raises:
            RecordsUnavailable: The disk is full, or the database is locked or broken.
        """
        async with self._connection() as connection:
            if calls:
                upsert = insert(CALLS)
                renewed = {column.name: upsert.excluded[column.name] for column in CALLS.c if column.name != "id"}
                await connection.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=renewed), calls)
            if events:
                await connection.execute(insert(EVENTS).on_conflict_do_nothing(), events)

    async def summaries(self, wanted: Wanted, limit: int) -> list[tuple[Place, str]]:
        """Calls without what grows with a call, as JSON, the newest first.

        Raises:
            RecordsUnavailable: The database cannot be read.
        """
        query = select(CALLS.c.started_at, CALLS.c.id, CALLS.c.summary)
        for name in ("state", "provider_id", "dialplan"):
            if (value := getattr(wanted, name)) is not None:
                query = query.where(CALLS.c[name] == value)
        if wanted.since is not None:
            query = query.where(CALLS.c.started_at >= wanted.since)
        if wanted.after is not None:
            query = query.where(tuple_(CALLS.c.started_at, CALLS.c.id) < (wanted.after.started_at, wanted.after.id))
        query = query.order_by(CALLS.c.started_at.desc(), CALLS.c.id.desc()).limit(limit)
        return [(Place(started_at, call), summary) for started_at, call, summary in await self._rows(query)]

    async def record(self, call: str) -> str:
        """The record of a call, as JSON.

        Raises:
            NotFound: There is none of that id.
            RecordsUnavailable: The database cannot be read.
        """
        rows = await self._rows(select(CALLS.c.record).where(CALLS.c.id == call))
        if not rows:
            raise NotFound("no call of this id")
        return str(rows[0][0])

    async def events(self, call: str, *, after: int = 0, limit: int = MAX_EVENTS) -> list[tuple[int, str]]:
        """Events of a call with their numbers, as JSON, in order, from behind `after` on.

        Raises:
            RecordsUnavailable: The database cannot be read.
        """
        query = select(EVENTS.c.seq, EVENTS.c.event).where(EVENTS.c.call == call, EVENTS.c.seq > after)
        return [(int(seq), str(text)) for seq, text in await self._rows(query.order_by(EVENTS.c.seq).limit(limit))]

    async def ids(self, *, state: str | None = None, before: str | None = None) -> list[str]:
        """The ids of calls in this state, that began before this time.

        Raises:
            RecordsUnavailable: The database cannot be read.
        """
        query = select(CALLS.c.id)
        if state is not None:
            query = query.where(CALLS.c.state == state)
        if before is not None:
            query = query.where(CALLS.c.started_at < before)
        return [str(row[0]) for row in await self._rows(query)]

    async def delete(self, call: str) -> None:
        """Forget a call and its events.

        Raises:
            RecordsUnavailable: The database cannot be written.
        """
        async with self._connection() as connection:
            await connection.execute(delete(EVENTS).where(EVENTS.c.call == call))
            await connection.execute(delete(CALLS).where(CALLS.c.id == call))

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        async with self._connection() as connection:
            rows: Sequence[Any] = (await connection.execute(query)).all()
            return rows

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, with a deadline."""
        try:
            async with asyncio.timeout(DEADLINE_S), self._engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, TimeoutError, OSError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise RecordsUnavailable(f"the records of calls: {reason or type(error).__name__}") from error


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()

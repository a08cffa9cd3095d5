"""Where `media-server calls` looks calls up: the running server, or the database of one that does not run."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp
from pydantic import TypeAdapter

from media_server.call.events import CallEvent
from media_server.call.record import CallRecord
from media_server.config import Settings
from media_server.errors import NotFound, RecordsUnavailable
from media_server.records.archive import DATABASE, RECORDINGS
from media_server.records.export import write_export
from media_server.records.recordings import Recordings
from media_server.records.store import CallStore, Wanted

TIMEOUT_S = 10.0
PAGE = 500
_CHUNK = 1 << 16

_event: TypeAdapter[CallEvent] = TypeAdapter(CallEvent)


class Source(Protocol):
    """Where calls are looked up."""

    async def summaries(self, limit: int) -> list[CallRecord]:
        """The latest calls, the newest first."""
        ...

    async def record(self, call: str) -> CallRecord:
        """One call; raises NotFound."""
        ...

    async def export(self, call: str, path: Path) -> None:
        """Write all that is kept of a call into one file."""
        ...


class Running:
    """The running server."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def summaries(self, limit: int) -> list[CallRecord]:
        """The latest calls, the newest first."""
        found: list[CallRecord] = []
        cursor: str | None = ""
        while len(found) < limit and cursor is not None:
            query = {"limit": str(min(PAGE, limit - len(found)))} | ({"cursor": cursor} if cursor else {})
            body = json.loads(await self._get("/v1/calls", query))
            found += [CallRecord.model_validate(each) for each in body["calls"]]
            cursor = body.get("cursor")
        return found

    async def record(self, call: str) -> CallRecord:
        """One call."""
        return CallRecord.model_validate_json(await self._get(f"/v1/calls/{call}", {}))

    async def export(self, call: str, path: Path) -> None:
        """Write all that is kept of a call into one file."""
        async with self._http.get(f"{self._url}/v1/calls/{call}/export") as answer:
            await _check(answer)
            with path.open("wb") as file:
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    file.write(chunk)

    async def events(self) -> AsyncIterator[CallEvent]:
        """What happens from now on."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60.0)
        async with self._http.get(f"{self._url}/v1/calls/events", timeout=timeout) as answer:
            await _check(answer)
            async for line in answer.content:
                if line.startswith(b"data: "):
                    yield _event.validate_json(line.removeprefix(b"data: "))

    async def _get(self, path: str, query: Mapping[str, str]) -> str:
        async with self._http.get(self._url + path, params=query) as answer:
            await _check(answer)
            return await answer.text()


class Kept:
    """The database of a server that does not run."""

    def __init__(self, store: CallStore, recordings: Recordings) -> None:
        self._store = store
        self._recordings = recordings

    async def summaries(self, limit: int) -> list[CallRecord]:
        """The latest calls, the newest first."""
        return [CallRecord.model_validate_json(text) for _, text in await self._store.summaries(Wanted(), limit)]

    async def record(self, call: str) -> CallRecord:
        """One call."""
        return CallRecord.model_validate_json(await self._store.record(call))

    async def export(self, call: str, path: Path) -> None:
        """Write all that is kept of a call into one file."""
        record = await self._store.record(call)
        await asyncio.to_thread(write_export, path, record, self._recordings.wav(call), self._recordings.inputs(call))


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.ok:
        return
    try:
        detail = str(json.loads(await answer.text())["detail"])
    except (ValueError, LookupError, TypeError):
        detail = answer.reason or str(answer.status)
    raise NotFound(detail) if answer.status == NotFound.http_status else RecordsUnavailable(detail)


@asynccontextmanager
async def call_source(settings: Settings, url: str | None) -> AsyncIterator[Running | Kept]:
    """The server that runs, or else what it left."""
    key = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"} if settings.api_key else {}
    base = (url or settings.base_url).rstrip("/")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=2.0)
    async with aiohttp.ClientSession(headers=key, timeout=timeout) as http:
        try:
            async with http.get(f"{base}/healthz"):
                pass
        except (aiohttp.ClientError, TimeoutError) as error:
            database = settings.data_dir / DATABASE
            if url is not None or not database.is_file():
                raise RecordsUnavailable(f"no server answers at {base}, and there are no records") from error
        else:
            yield Running(http, base)
            return
    store = CallStore(database)
    try:
        yield Kept(store, Recordings(settings.data_dir / RECORDINGS))
    finally:
        await store.aclose()

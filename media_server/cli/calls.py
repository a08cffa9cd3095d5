"""`media-server calls`: asked of the running server, and of its database where none runs."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import typer
from pydantic import ValidationError

from media_server.cli.call_source import Kept, Running, Source, call_source
from media_server.cli.screen import complain
from media_server.config import load
from media_server.console import Console
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError, MediaServerError, NotFound, RecordsUnavailable
from media_server.records.recordings import ID_DIGITS
from media_server.story import story, summary_line

MAX_LOOKED_THROUGH = 20_000
"""Calls among which one is looked for by the beginning of its id."""


async def _whole_id(source: Source, beginning: str) -> str:
    """The id that begins so; raises NotFound where that is none, or several."""
    if len(beginning) == ID_DIGITS:
        return beginning
    found = [each.id for each in await source.summaries(MAX_LOOKED_THROUGH) if each.id.startswith(beginning)]
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'no'} calls have an id that begins with {beginning}")
    return found[0]


def list_calls(limit: int, url: str | None, config: Path | None) -> int:
    """Show the latest calls. Returns the exit code."""

    async def show(source: Running | Kept) -> None:
        for call in await source.summaries(limit):
            typer.echo(summary_line(call))

    return _run(show, url, config)


def show_call(call: str, url: str | None, config: Path | None, *, as_json: bool) -> int:
    """Show one call. Returns the exit code."""

    async def show(source: Running | Kept) -> None:
        record = await source.record(await _whole_id(source, call))
        for line in [record.model_dump_json(indent=2)] if as_json else story(record):
            typer.echo(line)

    return _run(show, url, config)


def tail_calls(url: str | None, config: Path | None) -> int:
    """Show what happens on calls, until Ctrl-C. Returns the exit code."""

    async def show(source: Running | Kept) -> None:
        if isinstance(source, Kept):
            raise RecordsUnavailable("no server runs whose calls could be followed")
        console = Console(typer.echo, datetime.now)
        async for event in source.events():
            console.receive(event)

    return _run(show, url, config)


def export_call(call: str, path: Path, url: str | None, config: Path | None) -> int:
    """Write all that is kept of a call into one file. Returns the exit code."""

    async def write(source: Running | Kept) -> None:
        await source.export(await _whole_id(source, call), path)
        typer.echo(f"{path}")

    return _run(write, url, config)


def _run(do: Callable[[Running | Kept], Coroutine[Any, Any, None]], url: str | None, config: Path | None) -> int:
    async def run() -> None:
        async with call_source(load(config), url) as source:
            await do(source)

    try:
        asyncio.run(run())
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return 0
    except (MediaServerError, aiohttp.ClientError, TimeoutError, OSError, ValidationError) as error:
        complain(str(error) or type(error).__name__)
        return 1
    return 0

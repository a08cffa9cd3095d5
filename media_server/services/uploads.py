"""What a client uploads: in pieces, counted, and never waited for without end."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import ExitStack
from math import inf
from typing import IO, TypeVar

from aiohttp import BodyPartReader, ClientPayloadError, MultipartReader, web

from media_server.errors import DeadlineExceeded, PeerError, TooLarge

T = TypeVar("T")

PIECE = 64 * 1024
SLOW_S = 30.0
"""A client that sends nothing for so long is gone."""
MAX_FIELD = 64 * 1024
MAX_FIELDS = 64


async def body(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """The body of a request as it comes.

    Raises:
        TooLarge: There are more than `most` bytes.
        DeadlineExceeded: Nothing comes.
    """
    taken = 0
    while piece := await _in_time(request.content.read(PIECE)):
        taken += len(piece)
        if taken > most:
            raise TooLarge(f"More than {most} bytes")
        yield piece


async def form(
    request: web.Request, most: int, *, within_s: float = inf
) -> tuple[dict[str, list[str]], IO[bytes] | None]:
    """The fields of a form, and its `file`, which is the caller's to close.

    Fields may follow the file, so that it is kept on disk until all are there.

    Raises:
        PeerError: It is no form, or one with two files.
        TooLarge: There are more than `most` bytes in the file.
        DeadlineExceeded: Nothing comes, or not all of it within this time.
    """
    try:
        async with asyncio.timeout(within_s):
            return await _form(request, most)
    except TimeoutError:
        raise DeadlineExceeded(f"The form was not there within {within_s:.0f} s") from None


async def pieces_of(file: IO[bytes]) -> AsyncIterator[bytes]:
    """A file from its beginning."""
    file.seek(0)
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


async def _form(request: web.Request, most: int) -> tuple[dict[str, list[str]], IO[bytes] | None]:
    try:
        reader = await request.multipart()
    except (ValueError, AssertionError) as error:
        raise PeerError("multipart/form-data is wanted") from error
    fields: dict[str, list[str]] = {}
    file: IO[bytes] | None = None
    with ExitStack() as opened:
        while (part := await _part(reader)) is not None:
            if part.name != "file":
                fields.setdefault((part.name or "").removesuffix("[]"), []).append(await _field(part))
                if sum(map(len, fields.values())) > MAX_FIELDS:
                    raise PeerError("There are too many fields")
            elif file is None:
                file = opened.enter_context(tempfile.TemporaryFile())
                await _spool(part, file, most)
            else:
                raise PeerError("file: one is enough")
        opened.pop_all()
    return fields, file


async def _part(reader: MultipartReader) -> BodyPartReader | None:
    try:
        part = await _in_time(reader.next())
    except ValueError as error:
        raise PeerError("The form is broken") from error
    if part is None or isinstance(part, BodyPartReader):
        return part
    raise PeerError("A form within a form")


async def _spool(part: BodyPartReader, file: IO[bytes], most: int) -> None:
    taken = 0
    while piece := await _in_time(part.read_chunk(PIECE)):
        taken += len(piece)
        if taken > most:
            raise TooLarge(f"file: more than {most} bytes")
        await asyncio.to_thread(file.write, piece)


async def _field(part: BodyPartReader) -> str:
    value = bytearray()
    while piece := await _in_time(part.read_chunk(PIECE)):
        value += piece
        if len(value) > MAX_FIELD:
            raise TooLarge(f"{part.name}: more than {MAX_FIELD} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise PeerError(f"{part.name}: no UTF-8") from error


async def _in_time(coming: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(SLOW_S):
            return await coming
    except (ClientPayloadError, ConnectionError) as error:
        raise PeerError("The client went away") from error
    except TimeoutError:
        raise DeadlineExceeded(f"Nothing came for {SLOW_S:.0f} s") from None

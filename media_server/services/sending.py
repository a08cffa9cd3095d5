"""Sending what is made while it is made, to clients that may not read it or go away meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from aiohttp import web

SEND_TIMEOUT_S = 20.0
"""A client that takes nothing for so long is cut off."""

MOST_AT_ONCE = 32 * 1024
"""Bytes of a message or of a write."""

LOOK_S = 0.25
"""How often it is looked whether the client of a file is there yet; nothing tells of it while nothing is sent."""

_log = structlog.get_logger(__name__)


async def send_file(request: web.Request, file: AsyncGenerator[bytes, None], content_type: str) -> web.StreamResponse:
    """The answer to a request: a file as it is made, which is closed at the end. Without a client it ends at once.

    What is raised before the first bytes are there can be an answer of its own yet.
    """
    response = web.StreamResponse(headers={"Content-Type": content_type})
    sending = asyncio.ensure_future(_send(request, response, file))
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    except ConnectionError:
        pass
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    return response


async def _send(request: web.Request, response: web.StreamResponse, file: AsyncGenerator[bytes, None]) -> None:
    async with aclosing(file):
        piece: bytes | None = await anext(file, None)
        await response.prepare(request)
        while piece is not None:
            for start in range(0, len(piece), MOST_AT_ONCE):
                await _write(request, response, piece[start : start + MOST_AT_ONCE])
            piece = await anext(file, None)
        await response.write_eof()


async def _write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await response.write(data)
    except TimeoutError:
        _log.warning("file_cut", code="slow_reader")
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None


async def _left(request: web.Request) -> None:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - see `LOOK_S`
        await asyncio.sleep(LOOK_S)

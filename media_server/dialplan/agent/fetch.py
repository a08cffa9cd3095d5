"""The seam by which HTTP tools reach the network, and the plain way across it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from yarl import URL

from media_server.errors import ToolError

MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: at most `MAX_BODY` bytes of it."""

    status: int
    content_type: str
    body: bytes


class Fetch(Protocol):
    """Sends one request. No redirect is followed, and no more than `MAX_BODY` bytes are read."""

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Fetched:
        """Send it.

        Raises:
            ToolError: There is no answer, or too much of it.
            TimeoutError: It did not come in time.
        """
        ...


class PlainFetch:
    """By an HTTP session, wherever the operator's settings point."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Fetched:
        """Send it.

        Raises:
            ToolError: There is no answer, or too much of it.
            TimeoutError: It did not come in time.
        """
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http.request(
                    method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
                ) as answer,
            ):
                read = bytearray()
                while part := await answer.content.readany():
                    read += part
                    if len(read) > MAX_BODY:
                        raise ToolError("the answer is too large")
                return Fetched(answer.status, answer.content_type, bytes(read))
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ToolError("the service cannot be reached") from error

"""What a session needs of an engine: a stream, and somebody who opens one. `connection` does it over WebSockets.

The seam is here so that a session, and all that is above it, runs over whatever speaks the engines' messages.
"""

import asyncio
import random
from collections.abc import Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from media_server.errors import EngineError

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.1, 1.0


class EngineStream(Protocol):
    """One open stream to an engine. Text and binary messages in order; a context manager that closes it."""

    @property
    def url(self) -> str:
        """Whose it is, for logs."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send_text(self, text: str) -> None:
        """Send a text message.

        Raises:
            EngineError: The stream is gone.
        """
        ...

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message.

        Raises:
            EngineError: The stream is gone.
        """
        ...

    async def receive(self) -> str | bytes | None:
        """The next message; None when the engine has closed the stream."""
        ...

    async def watch(self) -> None:
        """See whether anybody is there; returns only by raising.

        Raises:
            EngineError: Nobody is.
        """
        ...

    async def aclose(self) -> None:
        """Close the stream. Idempotent."""
        ...


class EngineStreams(Protocol):
    """Who opens streams to one kind of engine."""

    async def connect(self, path: str, query: Mapping[str, str]) -> EngineStream:
        """Open one.

        Raises:
            EngineUnavailable: No engine takes us.
        """
        ...


def delays() -> Iterator[float]:
    """How long to wait before each attempt to connect again: longer and longer, and never all at once."""
    delay = _FIRST_DELAY_S
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        delay = min(_LONGEST_DELAY_S, 2 * delay)


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all of them until the first one returns or raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def first_leaf(error: BaseException) -> Exception:
    """What really happened, of an exception that may be a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else EngineError(repr(error))

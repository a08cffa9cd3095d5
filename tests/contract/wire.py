"""What a wire is to the contract suite: how it is opened, what it can do, and who is at its far end.

A wire is opened as its server opens it, and the far end is a real peer wherever there is a real wire. `FarEnd` is what
somebody with a telephone or a page can do, and what they heard.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from media_server.transports.port import MediaPort, PortEvent

PTIME_S = 0.02
MEDIA_TIMEOUT_S = 0.7
"""After so long without sound a wire takes its far end for gone; as short as a test can bear."""


class FarEnd(Protocol):
    """The other side."""

    async def hear(self, pcm: bytes) -> None:
        """Its microphone hears this, at the port's rate; takes as long as it sounds."""
        ...

    async def press(self, digit: str) -> None:
        """A key is pressed."""
        ...

    async def text(self, text: str) -> None:
        """Something is typed."""
        ...

    async def hang_up(self) -> None:
        """It says goodbye."""
        ...

    async def vanish(self) -> None:
        """It is gone without a word."""
        ...

    async def closed(self) -> None:
        """Returns when it knows that the call is over."""
        ...

    def played(self) -> bytes:
        """What it has got to play and not thrown away, at the port's rate."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire and what it can do.

    Attributes:
        exact: Samples arrive as they were sent, and as many; else a lossy codec and a network are in between.
        texts: Something can be typed.
        queues: The far end queues what is sent to it, so that something may be thrown away.
        goodbye: Why `events` end where the far end hangs up; `vanished`: where it vanishes.
    """

    open: Callable[[], AbstractAsyncContextManager[tuple[MediaPort, FarEnd]]]
    exact: bool
    texts: bool
    queues: bool
    goodbye: str = "caller_hangup"
    vanished: tuple[str, ...] = ("connection_lost", "media_timeout")


class Player:
    """Plays what it is given in real time from its arrival, and returns marks as a telephone network does."""

    def __init__(self, sample_rate: int, returned: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._rate = sample_rate
        self._returned = returned
        self._until = 0.0
        self._pieces: list[tuple[float, bytes]] = []
        self._marks: dict[str, asyncio.TimerHandle] = {}

    def media(self, pcm: bytes) -> None:
        begins = max(self._loop.time(), self._until)
        self._pieces.append((begins, pcm))
        self._until = begins + len(pcm) / 2 / self._rate

    def mark(self, name: str) -> None:
        self._marks[name] = self._loop.call_at(max(self._loop.time(), self._until), self._return, name)

    def clear(self) -> None:
        now = self._loop.time()
        kept = [(begins, pcm[: 2 * max(0, round((now - begins) * self._rate))]) for begins, pcm in self._pieces]
        self._pieces, self._until = kept, min(self._until, now)
        for name in list(self._marks):
            self._return(name)

    def played(self) -> bytes:
        return b"".join(pcm for _, pcm in self._pieces)

    def close(self) -> None:
        for timer in self._marks.values():
            timer.cancel()

    def _return(self, name: str) -> None:
        self._marks.pop(name).cancel()
        self._returned(name)


async def in_real_time(pcm: bytes, sample_rate: int, send: Callable[[bytes], Awaitable[None]]) -> None:
    """Send this in pieces of 20 ms, each when its last sample was spoken."""
    clock = asyncio.get_running_loop().time
    begun, size = clock(), 2 * sample_rate // 50
    for number, at in enumerate(range(0, len(pcm), size)):
        await asyncio.sleep(max(0.0, begun + (number + 1) * PTIME_S - clock()))
        await send(pcm[at : at + size])


class Lent:
    """A port that a server lends to a test; once it is told so the server goes on as after a call."""

    def __init__(self) -> None:
        self.port: asyncio.Future[MediaPort] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()

    async def talk(self, port: MediaPort, _arrived: list[PortEvent]) -> None:
        self.port.set_result(port)
        await self.over.wait()


def cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    """As where the network breaks: no close, no more bytes."""
    transport = socket.get_extra_info("socket") and socket._conn.transport if socket._conn else None
    assert isinstance(transport, asyncio.Transport)
    transport.abort()

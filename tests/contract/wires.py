"""Every wire that makes a `MediaPort`, with the far end of it: a real peer wherever there is a real wire.

A wire is opened as its server opens it. `FarEnd` is what somebody with a telephone or a page can do, and what they
heard.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.transports.loopback import LoopbackPort
from media_server.transports.port import MediaPort, PortEvent
from media_server.transports.twilio import StreamLimits, TwilioPort
from tests.twilio_rig import EchoGate, Stream, checked, serve

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


# --- the loopback ----------------------------------------------------------------------------------------------------


class LoopbackEnd:
    def __init__(self, port: LoopbackPort) -> None:
        self._port = port

    async def hear(self, pcm: bytes) -> None:
        async def send(piece: bytes) -> None:
            self._port.hear(piece)

        await in_real_time(pcm, self._port.sample_rate, send)

    async def press(self, digit: str) -> None:
        self._port.press(digit)

    async def text(self, text: str) -> None:
        raise NotImplementedError

    async def hang_up(self) -> None:
        self._port.hang_up()

    async def vanish(self) -> None:
        self._port.hang_up("connection_lost")

    async def closed(self) -> None:
        """There is nobody to be told."""

    def played(self) -> bytes:
        return b"".join(pcm for _, pcm in self._port.played)


@asynccontextmanager
async def loopback() -> AsyncIterator[tuple[MediaPort, FarEnd]]:
    port = LoopbackPort()
    yield port, LoopbackEnd(port)


# --- Twilio ----------------------------------------------------------------------------------------------------------


class TwilioEnd:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._sent = 0
        self._player = Player(8000, self._return)
        self._returning: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    async def hear(self, pcm: bytes) -> None:
        await in_real_time(pcm, 8000, self._say)

    async def press(self, digit: str) -> None:
        await self._stream.ws.send_str(self._stream.far_end.dtmf(digit))

    async def text(self, text: str) -> None:
        raise NotImplementedError

    async def hang_up(self) -> None:
        await self._stream.ws.send_str(self._stream.far_end.stop())

    async def vanish(self) -> None:
        cut(self._stream.ws)

    async def closed(self) -> None:
        await self._reader

    def played(self) -> bytes:
        return self._player.played()

    async def aclose(self) -> None:
        self._player.close()
        self._reader.cancel()
        await asyncio.wait({self._reader, *self._returning})

    async def _say(self, pcm: bytes) -> None:
        await self._stream.say(self._sent // 8, encode_mulaw(pcm))
        self._sent += len(pcm) // 2

    async def _read(self) -> None:
        async for message in self._stream.ws:
            frame = checked(message.data, self._stream.stream_sid)
            match frame["event"]:
                case "media":
                    self._player.media(decode_mulaw(base64.b64decode(frame["media"]["payload"])))
                case "mark":
                    self._player.mark(frame["mark"]["name"])
                case "clear":
                    self._player.clear()

    def _return(self, name: str) -> None:
        sending = asyncio.create_task(self._stream.ws.send_str(self._stream.far_end.mark(name)))
        self._returning.add(sending)


@asynccontextmanager
async def twilio() -> AsyncIterator[tuple[MediaPort, FarEnd]]:
    lent = Lent()
    limits = StreamLimits(media_initial_s=5.0, media_s=MEDIA_TIMEOUT_S)
    async with serve(EchoGate(lent.talk), limits=limits) as server, server.stream() as stream:
        port = await lent.port
        assert isinstance(port, TwilioPort)
        far_end = TwilioEnd(stream)
        try:
            yield port, far_end
        finally:
            lent.over.set()
            await far_end.aclose()


class Lent:
    """A port that a server lends to a test, and takes back to close it."""

    def __init__(self) -> None:
        self.port: asyncio.Future[MediaPort] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()

    async def talk(self, port: MediaPort, _arrived: list[PortEvent] | None = None) -> None:
        self.port.set_result(port)
        await self.over.wait()
        await port.aclose()


def cut(socket: aiohttp.ClientWebSocketResponse) -> None:
    """As where the network breaks: no close, no more bytes."""
    transport = socket.get_extra_info("socket") and socket._conn.transport if socket._conn else None
    assert isinstance(transport, asyncio.Transport)
    transport.abort()


WIRES = {
    "loopback": Wire(loopback, exact=True, texts=False, queues=True, vanished=("connection_lost",)),
    "twilio": Wire(twilio, exact=True, texts=False, queues=True),
}

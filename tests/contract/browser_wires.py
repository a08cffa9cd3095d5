"""A page's WebSocket and WebRTC, with their far ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus

import aiohttp

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.resample import resample
from media_server.phone.caller_script import FRAME_BYTES
from media_server.phone.webrtc_phone import WebrtcLine
from media_server.phone.webrtc_phone import Wire as Phone
from media_server.protocol.browser_socket import SAMPLE_RATE
from media_server.transports.browser_socket import BrowserLimits
from media_server.transports.port import MediaPort
from media_server.transports.webrtc import PeerLimits
from tests import browser_rig, webrtc_rig
from tests.browser_rig import Page, page
from tests.contract.wire import MEDIA_TIMEOUT_S, FarEnd, Lent, Player, cut, in_real_time
from tests.webrtc_rig import PeerGate, connected, vanish


class PageEnd:
    def __init__(self, me: Page, lent: Lent) -> None:
        self._page = me
        self._lent = lent
        self._player = Player(SAMPLE_RATE, self._return)
        self._returning: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read())

    async def hear(self, pcm: bytes) -> None:
        await in_real_time(pcm, SAMPLE_RATE, self._page.say)

    async def press(self, digit: str) -> None:
        await self._page.tell(type="digit", digit=digit)

    async def text(self, text: str) -> None:
        await self._page.tell(type="text", text=text)

    async def hang_up(self) -> None:
        await self._page.ws.close()

    async def vanish(self) -> None:
        cut(self._page.ws)

    async def closed(self) -> None:
        self._lent.over.set()
        await self._reader

    def played(self) -> bytes:
        return self._player.played()

    async def aclose(self) -> None:
        self._player.close()
        self._reader.cancel()
        await asyncio.wait({self._reader, *self._returning})

    async def _read(self) -> None:
        async for message in self._page.ws:
            if message.type is aiohttp.WSMsgType.BINARY:
                self._player.media(message.data)
                continue
            told = message.json()
            if told["type"] == "mark":
                self._player.mark(told["name"])
            elif told["type"] == "clear":
                self._player.clear()

    def _return(self, name: str) -> None:
        self._returning.add(asyncio.create_task(self._page.tell(type="mark", name=name)))


@asynccontextmanager
async def browser_socket() -> AsyncIterator[tuple[MediaPort, FarEnd]]:
    lent = Lent()
    limits = BrowserLimits(media_initial_s=5.0, media_s=MEDIA_TIMEOUT_S)
    async with browser_rig.serve(browser_rig.EchoGate(lent.talk), limits=limits) as server, page(server) as me:
        far_end = PageEnd(me, lent)
        try:
            yield await lent.port, far_end
        finally:
            lent.over.set()
            await far_end.aclose()


class PeerEnd:
    """A browser: its microphone is always open, so there is a packet every 20 ms, of silence if of nothing else."""

    def __init__(self, line: WebrtcLine, lent: Lent, delete: Callable[[], Awaitable[int | None]], rate: int) -> None:
        self._line = line
        self._lent = lent
        self._delete = delete
        self._rate = rate
        self._waiting = bytearray()
        self._microphone = asyncio.create_task(self._run())

    async def hear(self, pcm: bytes) -> None:
        self._waiting += resample(pcm, self._rate, TELEPHONE_RATE)
        await asyncio.sleep(len(pcm) / 2 / self._rate)

    async def press(self, digit: str) -> None:
        await self._tell(type="digit", digit=digit)

    async def text(self, text: str) -> None:
        await self._tell(type="text", text=text)

    async def hang_up(self) -> None:
        assert await self._delete() == HTTPStatus.OK

    async def vanish(self) -> None:
        await self.stop()
        vanish(self._line)

    async def closed(self) -> None:
        self._lent.over.set()
        while not self._line.over:  # noqa: ASYNC110 - the line only says so
            await asyncio.sleep(0.02)

    def played(self) -> bytes:
        return resample(self._line.heard(), TELEPHONE_RATE, self._rate)

    async def stop(self) -> None:
        self._microphone.cancel()
        await asyncio.wait({self._microphone})

    async def _tell(self, **message: str) -> None:
        async with asyncio.timeout(2):
            while self._line.channel.readyState != "open":  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        self._line.channel.send(json.dumps(message))

    async def _run(self) -> None:
        async def say(_silence: bytes) -> None:
            frame = bytes(self._waiting[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
            del self._waiting[:FRAME_BYTES]
            self._line.say(frame)

        await in_real_time(bytes(60 * FRAME_BYTES * 50), TELEPHONE_RATE, say)


def webrtc(codec: str) -> Callable[[], AbstractAsyncContextManager[tuple[MediaPort, FarEnd]]]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[MediaPort, FarEnd]]:
        lent = Lent()
        gate = PeerGate(lent.talk)
        limits = PeerLimits(media_s=MEDIA_TIMEOUT_S)
        async with webrtc_rig.serve(gate, limits=limits) as server, connected(server, Phone(codec)) as (line, answer):
            port = await lent.port
            far_end = PeerEnd(line, lent, partial(server.whip.end, answer), port.sample_rate)
            try:
                yield port, far_end
            finally:
                lent.over.set()
                await far_end.stop()

    return opened

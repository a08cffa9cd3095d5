"""Both engines on free ports, as far as the media role sees them: real sockets, with scripted doubles behind them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import aiohttp
from aiohttp import web

from media_server.protocol.asr_stream import Final, SpeechStarted, TurnEager, TurnEnded
from media_server.speech import asr, tts
from tests.call.stage import FakeSocket, FakeVoice
from tests.calling_house import QuickEars

S = TypeVar("S", bound=FakeSocket)


@dataclass(slots=True)
class EngineApp(Generic[S]):
    """An engine that makes a double for each stream."""

    make: Callable[[], S]
    url: str = ""
    sockets: list[S] = field(default_factory=list)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        double = self.make()
        self.sockets.append(double)
        telling = asyncio.create_task(self._tell(ws, double))
        try:
            async for message in ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await double.send_text(message.data)
                else:
                    await double.send_bytes(message.data)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        return ws

    async def _tell(self, ws: web.WebSocketResponse, double: S) -> None:
        while (message := await double.receive()) is not None:
            await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
        await ws.close()


async def _ready(_request: web.Request) -> web.Response:
    return web.json_response({})


@asynccontextmanager
async def _served(engine: EngineApp[S], path: str) -> AsyncIterator[EngineApp[S]]:
    app = web.Application()
    app.add_routes([web.get(path, engine.stream), web.get("/readyz", _ready)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    engine.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield engine
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class EngineApps:
    """The recogniser and the voice."""

    ears: EngineApp[QuickEars]
    voice: EngineApp[FakeVoice]

    def hear(self, words: str) -> None:
        """On the newest call the caller has just said this."""
        (*_, ears) = self.ears.sockets
        at = ears.audio_bytes / 16000
        ears.tell(SpeechStarted(turn=1, at=at - 0.5))
        ears.tell(TurnEager(turn=1, revision=1, text=words, start=at - 0.5, end=at, probability=0.9))
        ears.tell(Final(turn=1, text=words, start=at - 0.5, end=at))
        ears.tell(TurnEnded(turn=1, end=at, at=at, probability=0.9, reason="complete"))


@asynccontextmanager
async def engine_apps() -> AsyncIterator[EngineApps]:
    async with (
        _served(EngineApp(QuickEars), asr.PATH) as ears,
        _served(EngineApp(lambda: FakeVoice(0.01)), tts.PATH) as voice,
    ):
        yield EngineApps(ears, voice)

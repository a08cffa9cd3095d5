"""The loopback and Twilio, with their far ends."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.transports.loopback import LoopbackPort
from media_server.transports.port import MediaPort
from media_server.transports.twilio import StreamLimits, TwilioPort
from tests.contract.wire import MEDIA_TIMEOUT_S, FarEnd, Lent, Player, cut, in_real_time
from tests.twilio_rig import EchoGate, Stream, checked, serve


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
        self._port.type(text)

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


class TwilioEnd:
    def __init__(self, stream: Stream, lent: Lent) -> None:
        self._stream = stream
        self._lent = lent
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
        self._lent.over.set()
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
        far_end = TwilioEnd(stream, lent)
        try:
            yield port, far_end
        finally:
            lent.over.set()
            await far_end.aclose()

"""The media role's side of `ws /v1/stream/asr`."""

from collections.abc import AsyncIterator

from media_server.errors import EngineError, ProtocolViolation
from media_server.protocol.speech import (
    AsrClosed,
    AsrEvent,
    AsrQuery,
    CloseStream,
    Configure,
    SpeechError,
    parse_asr_event,
    serialize,
)
from media_server.speech.connection import Engines, EngineSocket

MESSAGE_MS = 40
PATH = "/v1/stream/asr"


class AsrSession:
    """One listening stream. Audio in, `AsrEvent`s out; times are seconds of the audio sent."""

    def __init__(self, socket: EngineSocket, sample_rate: int) -> None:
        self._socket = socket
        self._message_bytes = sample_rate * MESSAGE_MS // 1000 * 2
        self._buffer = bytearray()
        self._finishing = False

    @classmethod
    async def open(cls, engines: Engines, query: AsrQuery) -> "AsrSession":
        """Connect to an engine that has room.

        Raises:
            EngineUnavailable: None has.
        """
        values = query.model_dump(exclude_none=True, exclude_defaults=True, mode="json")
        params = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
        return cls(await engines.connect(PATH, params), query.sample_rate)

    async def send(self, pcm: bytes) -> None:
        """Linear PCM at the session's rate; goes out in messages of 40 ms.

        Raises:
            EngineError: The engine went away.
        """
        self._buffer += pcm
        while len(self._buffer) >= self._message_bytes:
            message = bytes(self._buffer[: self._message_bytes])
            del self._buffer[: self._message_bytes]
            await self._socket.send_bytes(message)

    async def configure(self, configure: Configure) -> None:
        """Change what the end of a turn looks like, from now on."""
        await self._socket.send_text(serialize(configure))

    async def finish(self) -> None:
        """No more audio comes: the rest is decoded, `closed` is the last event."""
        self._finishing = True
        if self._buffer:
            await self._socket.send_bytes(bytes(self._buffer))
            self._buffer.clear()
        await self._socket.send_text(serialize(CloseStream()))

    async def events(self) -> AsyncIterator[AsrEvent]:
        """What the engine says, to `closed`.

        Raises:
            EngineError: It reported an error or went away before it said `closed`.
        """
        while (message := await self._socket.receive()) is not None:
            if isinstance(message, bytes):
                continue
            try:
                event = parse_asr_event(message)
            except ProtocolViolation as error:
                raise EngineError(f"{self._socket.url}: {error.message}") from error
            if isinstance(event, SpeechError):
                raise EngineError(f"{self._socket.url}: {event.code}: {event.message}")
            if event is not None:
                yield event
            if isinstance(event, AsrClosed):
                if self._finishing:
                    return
                break
        raise EngineError(f"{self._socket.url} went away")

    async def aclose(self) -> None:
        """Leave without waiting for anything."""
        await self._socket.aclose()

"""The media role's side of `ws /v1/stream/tts`: one socket a call, a context an utterance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from media_server.errors import EngineError
from media_server.protocol.speech import (
    CancelSpeech,
    Speak,
    SpeechError,
    SpeechWarning,
    TtsDone,
    TtsEvent,
    TtsQuery,
    TtsReady,
    Words,
    parse_tts_event,
    serialize,
)
from media_server.speech.connection import Engines, EngineSocket

PATH = "/v1/stream/tts"
MAX_WAITING = 256
"""Messages of one utterance that may wait for its reader; past that the engine is kept waiting."""

Chunk: TypeAlias = bytes | Words


class SpokenContext:
    """One utterance being made. Send it text; iterate over it for sound and word times."""

    def __init__(self, session: "TtsSession", context_id: str) -> None:
        self.id = context_id
        self._session = session
        self._chunks: asyncio.Queue[Chunk | TtsDone | EngineError] = asyncio.Queue(MAX_WAITING)
        self.cancelled = False

    async def send(self, text: str, *, more: bool = False) -> None:
        """Text to be spoken; `more` follows.

        Raises:
            EngineError: The engine went away.
        """
        await self._session.send(Speak.model_validate({"text": text, "context_id": self.id, "continue": more}))

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Linear PCM and the words in it, in order, to the end of the utterance.

        Raises:
            EngineError: The engine failed at it or went away.
        """
        while True:
            chunk = await self._chunks.get()
            if isinstance(chunk, EngineError):
                raise chunk
            if isinstance(chunk, TtsDone):
                return
            yield chunk

    async def cancel(self) -> None:
        """Stop it; its sound that is still under way is thrown away."""
        self.cancelled = True
        while not self._chunks.empty():
            self._chunks.get_nowait()
        await self._session.send(CancelSpeech(cancel=self.id))

    async def put(self, chunk: Chunk | TtsDone | EngineError) -> None:
        """The session's reader delivers."""
        if not self.cancelled or isinstance(chunk, TtsDone | EngineError):
            await self._chunks.put(chunk)


class TtsSession:
    """One voice. `run` reads the socket until it is closed; contexts are spoken in the order of their first text."""

    def __init__(self, socket: EngineSocket) -> None:
        self._socket = socket
        self._contexts: dict[str, SpokenContext] = {}
        self._speaking: SpokenContext | None = None
        self._failure: EngineError | None = None

    @classmethod
    async def open(cls, engines: Engines, query: TtsQuery) -> "TtsSession":
        """Connect to an engine that has room.

        Raises:
            EngineUnavailable: None has.
        """
        values = query.model_dump(exclude_none=True, mode="json")
        return cls(await engines.connect(PATH, {key: str(value) for key, value in values.items()}))

    def context(self, context_id: str) -> SpokenContext:
        """A new utterance; the id is the caller's to choose and unique in the session."""
        context = SpokenContext(self, context_id)
        self._contexts[context_id] = context
        return context

    async def send(self, command: Speak | CancelSpeech) -> None:
        """Send a message.

        Raises:
            EngineError: The engine went away.
        """
        if self._failure is not None:
            raise self._failure
        await self._socket.send_text(serialize(command))

    async def run(self) -> None:
        """Deliver what the engine says to its contexts; ends when the stream does."""
        failure = EngineError(f"{self._socket.url} went away")
        try:
            while (message := await self._socket.receive()) is not None:
                if isinstance(message, bytes):
                    if self._speaking is not None:
                        await self._speaking.put(message)
                    continue
                event = parse_tts_event(message)
                if isinstance(event, SpeechError) and event.context_id is None:
                    failure = EngineError(f"{event.code}: {event.message}")
                    break
                await self._dispatch(event)
        finally:
            self._failure = failure
            for context in self._contexts.values():
                context.cancelled = True  # room for the failure is certain only in an emptied queue
                while context._chunks.full():  # noqa: SLF001 - one module, two halves of one object
                    context._chunks.get_nowait()  # noqa: SLF001
                context._chunks.put_nowait(failure)  # noqa: SLF001

    async def _dispatch(self, event: TtsEvent) -> None:
        if isinstance(event, TtsReady | SpeechWarning):
            return
        assert event.context_id is not None
        context = self._contexts.get(event.context_id)
        if context is None:
            return
        if isinstance(event, SpeechError):
            del self._contexts[context.id]
            await context.put(EngineError(f"{event.code}: {event.message}"))
        elif isinstance(event, TtsDone):
            del self._contexts[context.id]
            self._speaking = None
            await context.put(event)
        elif isinstance(event, Words):
            await context.put(event)
        else:
            self._speaking = context

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """`run` meanwhile; the stream is closed at the end."""
        reader = asyncio.create_task(self.run())
        try:
            yield
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await self._socket.aclose()

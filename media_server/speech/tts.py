"""The media role's side of `ws /v1/stream/tts`: one socket a call, a context an utterance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from media_server.errors import EngineError, ProtocolViolation
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
MAX_TEXT = 8000
"""Characters of one message; a longer text goes in several."""
MAX_WAITING = 256
"""Messages of one utterance that may wait for its reader; past that the engine is kept waiting."""

Chunk: TypeAlias = bytes | Words


class SpokenContext:
    """One utterance being made. Send it text; iterate over it for sound and word times."""

    def __init__(self, session: "TtsSession", context_id: str) -> None:
        self.id = context_id
        self._session = session
        self._chunks: asyncio.Queue[Chunk | TtsDone | EngineError] = asyncio.Queue(MAX_WAITING)
        self._deaf = False

    async def send(self, text: str, *, more: bool = False) -> None:
        """Text to be spoken; `more` follows.

        Raises:
            EngineError: The engine went away.
        """
        pieces = [text[at : at + MAX_TEXT] for at in range(0, len(text), MAX_TEXT)] or [""]
        for number, piece in enumerate(pieces, 1):
            rest = more or number < len(pieces)
            await self._session.send(Speak.model_validate({"text": piece, "context_id": self.id, "continue": rest}))

    async def next(self) -> Chunk | None:
        """The next linear PCM, or the words in what follows; None at the end of the utterance.

        Raises:
            EngineError: The engine failed at it or went away.
        """
        chunk = await self._chunks.get()
        if isinstance(chunk, EngineError):
            raise chunk
        return None if isinstance(chunk, TtsDone) else chunk

    @property
    def engine_heard_at(self) -> float:
        """When the engine last said anything, by the loop's clock."""
        return self._session.heard_at

    async def cancel(self) -> None:
        """Stop it; its sound that is still under way is thrown away.

        Raises:
            EngineError: The engine went away.
        """
        self.ignore()
        await self._session.send(CancelSpeech(cancel=self.id))

    def ignore(self) -> None:
        """Nobody reads it any more."""
        self._deaf = True
        while not self._chunks.empty():
            self._chunks.get_nowait()

    async def put(self, chunk: Chunk | TtsDone | EngineError) -> None:
        """The session's reader delivers."""
        if not self._deaf:
            await self._chunks.put(chunk)

    def fail(self, error: EngineError) -> None:
        """Nothing comes any more; what waits is lost."""
        if not self._deaf:
            self.ignore()
            self._chunks.put_nowait(error)


class TtsSession:
    """One voice. `run` reads the socket until it is closed; contexts are spoken in the order of their first text."""

    def __init__(self, socket: EngineSocket) -> None:
        self._socket = socket
        self._contexts: dict[str, SpokenContext] = {}
        self._speaking: SpokenContext | None = None
        self._failure: EngineError | None = None
        self._now = asyncio.get_running_loop().time
        self.heard_at = self._now()

    @classmethod
    async def open(cls, engines: Engines, query: TtsQuery) -> "TtsSession":
        """Connect to an engine that has room.

        Raises:
            EngineUnavailable: None has.
        """
        values = query.model_dump(exclude_none=True, mode="json")
        return cls(await engines.connect(PATH, {key: str(value) for key, value in values.items()}))

    @property
    def gone(self) -> bool:
        """The engine went away; a new session is needed."""
        return self._failure is not None

    def context(self, context_id: str) -> SpokenContext:
        """A new utterance; the id is the caller's to choose and unique in the session.

        Raises:
            EngineError: The engine went away.
        """
        if self._failure is not None:
            raise self._failure
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
        """Deliver what the engine says to its contexts; ends when the stream does, and closes the socket."""
        failure = EngineError(f"{self._socket.url} went away")
        try:
            while (message := await self._socket.receive()) is not None:
                self.heard_at = self._now()
                if isinstance(message, bytes):
                    if self._speaking is not None:
                        await self._speaking.put(message)
                    continue
                event = parse_tts_event(message)
                if isinstance(event, SpeechError) and event.context_id is None:
                    failure = EngineError(f"{event.code}: {event.message}")
                    break
                if event is not None:
                    await self._dispatch(event)
        except ProtocolViolation as error:
            failure = EngineError(f"{self._socket.url}: {error.message}")
        finally:
            self._failure = failure
            for context in self._contexts.values():
                context.fail(failure)
            await self._socket.aclose()

    async def _dispatch(self, event: TtsEvent) -> None:
        if isinstance(event, TtsReady | SpeechWarning):
            return
        assert event.context_id is not None
        context = self._contexts.get(event.context_id)
        if context is None:
            return
        if isinstance(event, SpeechError | TtsDone):
            del self._contexts[context.id]
            if self._speaking is context:
                self._speaking = None
            await context.put(EngineError(event.message) if isinstance(event, SpeechError) else event)
        elif isinstance(event, Words):
            await context.put(event)
        else:
            self._speaking = context

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """`run` meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self.run())
            await asyncio.sleep(0)  # a task that never began would never clean up
            yield
            reader.cancel()

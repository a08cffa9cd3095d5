"""The media role's side of `ws /v1/stream/tts`: one session a call, a context an utterance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from media_server.errors import EngineError, EngineRefused, ProtocolViolation
from media_server.protocol.speech import SpeechError, SpeechWarning, serialize
from media_server.protocol.tts_stream import (
    CancelSpeech,
    Speak,
    TtsDone,
    TtsEvent,
    TtsFlushed,
    TtsQuery,
    TtsReady,
    Words,
    parse_tts_event,
)
from media_server.speech.engine_stream import EngineStream, EngineStreams, delays, first_of
from media_server.speech.spoken import Chunk, Spoken

PATH = "/v1/stream/tts"
MAX_TEXT = 8000
"""Characters of one message; a longer text goes in several."""
MAX_WAITING = 256
"""Messages of one utterance that may wait for its reader; past that the engine is kept waiting."""
TRIES = 3
"""A text that brings down so many streams in a row is not tried again."""

log = structlog.get_logger(__name__)


class SpokenContext:
    """One utterance being made. Send it text; ask it for sound and word times."""

    def __init__(self, session: "TtsSession", context_id: str, sample_rate: int) -> None:
        self.id = context_id
        self.spoken = Spoken(sample_rate)
        self._session = session
        self._chunks: asyncio.Queue[Chunk | TtsDone | EngineError] = asyncio.Queue(MAX_WAITING)
        self._deaf = False
        self.losses = 0
        """How many streams in a row were lost over it."""

    def send(self, text: str, *, more: bool = False) -> None:
        """Text to be spoken; `more` follows."""
        self.spoken.add(text, more=more)
        self._session.wake()

    async def next(self) -> Chunk | None:
        """The next linear PCM, the words in what follows, or what to throw away; None at the end of the utterance.

        Raises:
            EngineError: The engine failed at it, or there was none for too long.
        """
        chunk = await self._chunks.get()
        if isinstance(chunk, EngineError):
            raise chunk
        return None if isinstance(chunk, TtsDone) else chunk

    @property
    def is_next(self) -> bool:
        """Whether the engine has nothing to speak before it."""
        return self._session.is_next(self)

    @property
    def engine_heard_at(self) -> float:
        """When the engine last said anything, by the loop's clock; now, while there is none."""
        return self._session.heard_at

    def cancel(self) -> None:
        """Stop it; its sound that is still under way is thrown away."""
        self._deaf = True
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._session.cancel(self)

    async def put(self, chunk: Chunk | TtsDone | EngineError) -> None:
        """The session's reader delivers."""
        if not self._deaf:
            await self._chunks.put(chunk)

    def fail(self, error: EngineError) -> None:
        """Nothing comes any more; what waits is lost."""
        while not self._chunks.empty():
            self._chunks.get_nowait()
        if not self._deaf:
            self._chunks.put_nowait(error)


class TtsSession:
    """One voice. `run` keeps it connected; contexts are spoken in the order of their first text.

    When an engine dies or hangs, another one (or the same, once it is back) goes on where the sound ends.
    """

    def __init__(self, engines: EngineStreams, query: TtsQuery, *, gone_s: float) -> None:
        """`gone_s`: after so long without an engine what is to be said fails."""
        self._engines = engines
        self._query = query
        self._gone_s = gone_s
        self._now = asyncio.get_running_loop().time
        self._contexts: dict[str, SpokenContext] = {}
        self._cancelled: list[str] = []
        self._speaking: SpokenContext | None = None
        self._work = asyncio.Event()
        self._message_at: float | None = None
        self.reconnects = 0
        """How often a stream was lost."""

    @property
    def heard_at(self) -> float:
        """When the engine last said anything; now, while there is none."""
        return self._now() if self._message_at is None else self._message_at

    def is_next(self, context: "SpokenContext") -> bool:
        """Whether the engine has nothing to speak before it."""
        return next((each for each in self._contexts.values() if each.spoken.asked), None) is context

    def context(self, context_id: str) -> SpokenContext:
        """A new utterance; the id is the caller's to choose and unique in the session."""
        context = SpokenContext(self, context_id, self._query.sample_rate)
        self._contexts[context_id] = context
        return context

    def cancel(self, context: SpokenContext) -> None:
        """Forget an utterance."""
        if self._contexts.pop(context.id, None) is not None:
            self._cancelled.append(context.id)
            self.wake()

    def wake(self) -> None:
        """There is something to send."""
        self._work.set()

    async def run(self) -> None:
        """Stay connected; ends only by cancellation. Without an engine for too long, what is to be said fails."""
        try:
            while True:
                try:
                    async with await self._connect() as socket:
                        await self._serve(socket)
                except EngineError as error:
                    await self._lose(error)
        finally:
            self._fail(EngineError("the session is over"))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """`run` meanwhile."""
        reader = asyncio.create_task(self.run())
        try:
            yield
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    # --- one stream ----------------------------------------------------------------------------------------------

    async def _connect(self) -> EngineStream:
        """A stream; while there is none for too long, the contexts fail, and it is tried again for the next one."""
        params = {key: str(value) for key, value in self._query.model_dump(exclude_none=True, mode="json").items()}
        lost_at = self._now()
        for delay in delays():
            try:
                return await self._engines.connect(PATH, params)
            except EngineError as error:
                if self._now() + delay - lost_at >= self._gone_s:
                    self._fail(error)
                    while not self._contexts:
                        self._work.clear()
                        await self._work.wait()
                    lost_at = self._now()
                await asyncio.sleep(delay)
        raise AssertionError("the delays have no end")

    async def _serve(self, socket: EngineStream) -> None:
        self._message_at = self._now()
        self._cancelled.clear()
        await first_of(self._speak(socket), self._listen(socket), socket.watch())

    async def _speak(self, socket: EngineStream) -> None:
        while True:
            self._work.clear()
            while self._cancelled:
                await socket.send_text(serialize(CancelSpeech(cancel=self._cancelled.pop())))
            for context in list(self._contexts.values()):
                while (asked := context.spoken.ask(MAX_TEXT)) is not None:
                    text, more = asked
                    speak = Speak.model_validate({"text": text, "context_id": context.id, "continue": more})
                    await socket.send_text(serialize(speak))
            await self._work.wait()

    async def _listen(self, socket: EngineStream) -> None:
        while (message := await socket.receive()) is not None:
            self._message_at = self._now()
            if isinstance(message, bytes):
                if self._speaking is not None:
                    self._speaking.losses = 0
                    await self._speaking.put(self._speaking.spoken.receive(message))
                continue
            try:
                event = parse_tts_event(message)
            except ProtocolViolation as error:
                raise EngineError(f"{socket.url}: {error.message}") from error
            if isinstance(event, SpeechError) and event.context_id is None:
                text = f"{event.code}: {event.message}"
                raise EngineError(text) if event.retryable else EngineRefused(text)
            if event is not None:
                await self._dispatch(event)
        raise EngineError(f"{socket.url} went away")

    async def _dispatch(self, event: TtsEvent) -> None:
        if isinstance(event, TtsReady | TtsFlushed | SpeechWarning):
            return
        assert event.context_id is not None
        context = self._contexts.get(event.context_id)
        if context is None:
            self._speaking = None  # what comes is of one that was cancelled
        elif isinstance(event, SpeechError | TtsDone):
            del self._contexts[context.id]
            if self._speaking is context:
                self._speaking = None
            await context.put(EngineError(event.message) if isinstance(event, SpeechError) else event)
        elif isinstance(event, Words):
            await context.put(context.spoken.receive(event))
        else:
            self._speaking = context

    async def _lose(self, error: EngineError) -> None:
        self.reconnects += 1
        self._message_at = None
        log.warning("tts_stream_lost", error=error.message, contexts=len(self._contexts))
        speaking, self._speaking = self._speaking, None
        if isinstance(error, EngineRefused):
            self._fail(error)
        elif speaking is not None:
            speaking.losses += 1
            if speaking.losses >= TRIES:
                self._contexts.pop(speaking.id, None)
                speaking.fail(error)
        for context in self._contexts.values():
            await context.put(context.spoken.lose())

    def _fail(self, error: EngineError) -> None:
        contexts, self._contexts = self._contexts, {}
        for context in contexts.values():
            context.fail(error)

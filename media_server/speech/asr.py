"""The media role's side of `ws /v1/stream/asr`: one session a call, whatever becomes of the engines behind it."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable

import structlog

from media_server.errors import EngineError, EngineRefused, ProtocolViolation
from media_server.protocol.asr_stream import (
    AsrClosed,
    AsrEvent,
    AsrQuery,
    CloseStream,
    Configure,
    Partial,
    TurnEager,
    parse_asr_event,
)
from media_server.protocol.speech import SpeechError, serialize
from media_server.speech.engine_stream import EngineStream, EngineStreams, delays, first_of
from media_server.speech.replay import Replay

MESSAGE_MS = 40
REPLAY_MESSAGE_BYTES = 16_000
"""Of sound that waits more goes into one message."""
FINAL_S = 3.0
"""A turn that may be over, and of which nothing is heard for so long beyond its longest silence: the engine hangs."""
PATH = "/v1/stream/asr"
_CHECK_S = 0.5
_LONGEST_SILENCE_S = {"quick": 1.5, "normal": 2.0, "patient": 3.5}

log = structlog.get_logger(__name__)


class AsrSession:
    """One listening session. Audio in, `AsrEvent`s out; times are seconds of the audio sent.

    `run` keeps it connected: when an engine dies or hangs, another one (or the same, once it is back) hears again what
    was not final yet. `send` never waits.
    """

    def __init__(self, engines: EngineStreams, query: AsrQuery, *, gone_s: float) -> None:
        """`gone_s`: after so long without an engine the session fails."""
        self._engines = engines
        self._query = query
        self._gone_s = gone_s
        self._now = asyncio.get_running_loop().time
        self._replay = Replay(query.sample_rate)
        self._message_bytes = query.sample_rate * MESSAGE_MS // 1000 * 2
        self._work = asyncio.Event()
        self._events: deque[AsrEvent | None] = deque()
        self._news = asyncio.Event()
        self._configured = Configure()
        self._unsent: deque[Configure | CloseStream] = deque()
        self._finishing = False
        self._closed = False
        self._eager_at: float | None = None
        self.on_configure: Callable[[Configure, float], None] = lambda _configure, _seconds: None
        """Told what `configure` changes, and how many seconds of audio had come by then."""
        self.reconnects = 0
        """How often a stream was lost."""

    @property
    def skipped(self) -> int:
        """Samples that no engine could make words of."""
        return self._replay.skipped

    def send(self, pcm: bytes) -> None:
        """Linear PCM at the session's rate; goes out in messages of 40 ms."""
        self._replay.push(pcm)
        self._work.set()

    def configure(self, configure: Configure) -> None:
        """Change what the end of a turn looks like, from now on."""
        self._configured = Configure.model_validate({**self._configured.changes, **configure.changes})
        self._unsent.append(configure)
        self.on_configure(configure, self._replay.seconds)
        self._work.set()

    def finish(self) -> None:
        """No more audio comes: the rest is decoded, `closed` is the last event."""
        self._finishing = True
        self._unsent.append(CloseStream())
        self._work.set()

    async def events(self) -> AsyncIterator[AsrEvent]:
        """What the engines say, to `closed`; `run` must run meanwhile."""
        while True:
            while not self._events:
                self._news.clear()
                await self._news.wait()
            event = self._events.popleft()
            if event is None:
                return
            yield event

    async def run(self) -> None:
        """Stay connected, until `closed`.

        Raises:
            EngineError: There was no engine for too long, or it refuses what we ask for.
        """
        try:
            lost_at = self._now()
            while not self._closed:
                socket = await self._connect(lost_at)
                try:
                    await self._serve(socket)
                except EngineError as error:
                    if self._closed:
                        break
                    if not error.retryable:
                        raise
                    lost_at = self._now()
                    self._lose(error)
                    await asyncio.sleep(self._replay.wait_s * random.random())  # noqa: S311 - no secret
                finally:
                    await socket.aclose()
        finally:
            self._tell(None)

    # --- one stream ----------------------------------------------------------------------------------------------

    async def _connect(self, lost_at: float) -> EngineStream:
        values = self._query.model_dump(exclude_none=True, exclude_defaults=True, mode="json")
        params = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
        for delay in delays():
            try:
                return await self._engines.connect(PATH, params)
            except EngineError:
                if self._now() + delay - lost_at >= self._gone_s:
                    raise
                await asyncio.sleep(delay)
        raise AssertionError("the delays have no end")

    async def _serve(self, socket: EngineStream) -> None:
        """Everything that is to be done on one stream; returns when it was closed in order."""
        self._eager_at = None
        self._replay.begin(self._now())
        self._unsent = deque([self._configured] if self._configured.changes else [])
        if self._finishing:
            self._unsent.append(CloseStream())
        await first_of(self._speak(socket), self._listen(socket), socket.watch(), self._check())

    async def _speak(self, socket: EngineStream) -> None:
        while True:
            self._work.clear()
            while pcm := self._replay.take(1 if self._finishing else self._message_bytes, REPLAY_MESSAGE_BYTES):
                await socket.send_bytes(pcm)
            while self._unsent:
                await socket.send_text(serialize(self._unsent.popleft()))
            await self._work.wait()

    async def _listen(self, socket: EngineStream) -> None:
        while (message := await socket.receive()) is not None:
            if isinstance(message, bytes):
                continue
            try:
                event = parse_asr_event(message)
            except ProtocolViolation as error:
                raise EngineError(f"{socket.url}: {error.message}") from error
            if isinstance(event, SpeechError):
                message = f"{socket.url}: {event.code}: {event.message}"
                raise EngineError(message) if event.retryable else EngineRefused(message)
            if isinstance(event, AsrClosed):
                if not self._finishing:
                    break
                self._closed = True
                self._tell(event)
                return
            told = self._replay.receive(event) if event is not None else None
            if event is not None and not isinstance(event, Partial):  # a partial may still come of what was before
                self._eager_at = self._now() if isinstance(event, TurnEager) else None
            if told is not None:
                self._tell(told)
        raise EngineError(f"{socket.url} went away")

    async def _check(self) -> None:
        """Look for what should have happened by now."""
        while True:
            await asyncio.sleep(_CHECK_S)
            for event in self._replay.on_deadline(self._now()):
                self._tell(event)
            if self._eager_at is not None and self._now() - self._eager_at > FINAL_S + self._longest_silence_s:
                raise EngineError("no final came")

    def _lose(self, error: EngineError) -> None:
        self.reconnects += 1
        log.warning("asr_stream_lost", error=error.message, seconds_kept=round(self._replay.seconds, 1))
        for event in self._replay.lose():
            self._tell(event)

    @property
    def _longest_silence_s(self) -> float:
        most = self._configured.max_silence_ms or self._query.max_silence_ms
        return most / 1000 if most else _LONGEST_SILENCE_S[self._configured.patience or self._query.patience]

    def _tell(self, event: AsrEvent | None) -> None:
        self._events.append(event)
        self._news.set()

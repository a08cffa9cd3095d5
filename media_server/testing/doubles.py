"""The engines of a test, at the lowest edge: their end of a stream. All that is above it is the real thing."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from typing_extensions import override

from media_server.errors import EngineError, EngineUnavailable
from media_server.protocol.speech import Message, serialize
from media_server.protocol.tts_stream import Speak, TtsDone, TtsReady, TtsStarted, Word, Words, parse_tts_command
from media_server.testing.sound import Lexicon

ANSWERS_S = 2.0
"""After this an engine that hangs is found out."""


class FakeSocket:
    """An engine's end of a stream: `tell` is what the engine says."""

    def __init__(self) -> None:
        self.url = "fake"
        self.to_client: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.audio_bytes = 0
        self.texts: list[str] = []
        self.closed = False
        self.hung = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def watch(self) -> None:
        """See `EngineStream`; it hangs from when `hung` is set."""
        await self.hung.wait()
        await asyncio.sleep(ANSWERS_S)
        raise EngineError("it does not answer")

    async def send_text(self, text: str) -> None:
        """See `EngineStream`."""
        self.texts.append(text)

    async def send_bytes(self, data: bytes) -> None:
        """See `EngineStream`."""
        self.audio_bytes += len(data)

    async def receive(self) -> str | bytes | None:
        """See `EngineStream`."""
        return await self.to_client.get()

    async def aclose(self) -> None:
        """See `EngineStream`."""
        self.closed = True
        self.to_client.put_nowait(None)

    def tell(self, message: Message) -> None:
        """Send the client a message."""
        self.to_client.put_nowait(serialize(message))


class FakeVoice(FakeSocket):
    """A voice that speaks `delay_s` after the text came; it remembers what it was asked.

    Attributes:
        said: The texts, as they came.
        said_at: When each of them came.
        cancelled: The contexts that were stopped.
    """

    def __init__(self, delay_s: float, lexicon: Lexicon | None = None) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.said: list[str] = []
        self.said_at: list[float] = []
        self.cancelled: list[str] = []
        self._lexicon = lexicon or Lexicon()
        self._samples: dict[str, int] = {}
        self._letters: dict[str, int] = {}
        self._commands: deque[Speak] = deque()
        self.tell(TtsReady(session="s", voice="tone", max_text=10_000))

    @override
    async def send_text(self, text: str) -> None:
        command = parse_tts_command(text)
        if not isinstance(command, Speak):
            self.cancelled.append(command.cancel)
            self._samples.pop(command.cancel, None)
            self.tell(TtsDone(context_id=command.cancel, audio_s=0.0, cancelled=True))
            return
        self.said.append(command.text)
        loop = asyncio.get_running_loop()
        self.said_at.append(loop.time())
        self._commands.append(command)
        loop.call_later(self.delay_s, self._speak_next)

    def _speak_next(self) -> None:
        self._speak(self._commands.popleft())  # timers for one instant come in any order

    def _speak(self, command: Speak) -> None:
        name, rate = command.context_id, self._lexicon.sample_rate
        if name in self.cancelled:
            return
        if name not in self._samples:
            self._samples[name] = 0
            self.tell(TtsStarted(context_id=name))
        start, letters = self._samples[name], self._letters.get(name, 0)
        pcm, spoken = self._lexicon.speak(command.text)
        words = [
            Word(
                text=word.text,
                offset=letters + word.offset,
                start=(start + word.start) / rate,
                end=(start + word.end) / rate,
            )
            for word in spoken
        ]
        self._letters[name] = letters + len(command.text)
        self.tell(Words(context_id=name, words=words, exact=False))
        self.to_client.put_nowait(pcm)
        self._samples[name] += len(pcm) // 2
        if not command.more:
            self.tell(TtsDone(context_id=name, audio_s=self._samples.pop(name) / rate, cancelled=False))


class FakeEngines:
    """Hands out sockets, and keeps them.

    Attributes:
        delay_s: How long it takes to connect.
        refuse: Nobody is taken.
        queries: What each of them was asked with.
    """

    def __init__(self, make: Callable[[], FakeSocket]) -> None:
        self._make = make
        self.sockets: list[FakeSocket] = []
        self.queries: list[Mapping[str, str]] = []
        self.delay_s = 0.0
        self.refuse = False

    async def connect(self, path: str, query: Mapping[str, str]) -> FakeSocket:  # noqa: ARG002 - one kind
        """See `EngineStreams`."""
        await asyncio.sleep(self.delay_s)
        if self.refuse:
            raise EngineUnavailable
        self.sockets.append(self._make())
        self.queries.append(query)
        return self.sockets[-1]

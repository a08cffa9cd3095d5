"""A whole conversation in virtual time: a loopback wire, scripted ears, a voice that makes a tone.

The doubles stand at the lowest edge, the engine's socket: everything above it is the real thing. `Script` plays the
recogniser's side (it says what the caller says, and when); `FakeVoice` answers each text with 50 ms of sound a letter.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, cast

from typing_extensions import override

from media_server.call.chronicle import CallFacts
from media_server.call.conversation import Conversation, Speech
from media_server.call.events import CallEvent
from media_server.call.phrases import Phrase, Phrases
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.errors import EngineError, EngineUnavailable
from media_server.protocol.asr_stream import AsrEvent, AsrQuery, Final, SpeechStarted, TurnEager, TurnEnded, TurnResumed
from media_server.protocol.speech import Message, serialize
from media_server.protocol.tts_stream import (
    Speak,
    TtsDone,
    TtsQuery,
    TtsReady,
    TtsStarted,
    Word,
    Words,
    parse_tts_command,
)
from media_server.speech.connection import Engines
from media_server.transports.loopback import LoopbackPort

TONE = b"\x00\x20\x00\xe0" * 80
SECONDS_A_LETTER = 0.05


class FakeSocket:
    """An engine's end of a stream."""

    def __init__(self) -> None:
        self.url = "fake"
        self.to_client: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.audio_bytes = 0
        self.texts: list[str] = []
        self.closed = False
        self.hung = asyncio.Event()
        self.heard_at = asyncio.get_running_loop().time()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def watch(self) -> None:
        await self.hung.wait()
        await asyncio.sleep(2.0)
        raise EngineError("it does not answer")

    async def send_text(self, text: str) -> None:
        self.texts.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.audio_bytes += len(data)

    async def receive(self) -> str | bytes | None:
        return await self.to_client.get()

    async def aclose(self) -> None:
        self.closed = True
        self.to_client.put_nowait(None)

    def tell(self, message: Message) -> None:
        self.to_client.put_nowait(serialize(message))


class FakeVoice(FakeSocket):
    """Speaks a tone, `delay_s` after the text came; remembers what it was asked."""

    def __init__(self, delay_s: float) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.said: list[str] = []
        self.said_at: list[float] = []
        self.cancelled: list[str] = []
        self._made: dict[str, float] = {}
        self._letters: dict[str, int] = {}
        self._commands: deque[Speak] = deque()
        self.tell(TtsReady(session="s", voice="tone", max_text=10_000))

    @override
    async def send_text(self, text: str) -> None:
        command = parse_tts_command(text)
        if not isinstance(command, Speak):
            self.cancelled.append(command.cancel)
            self._made.pop(command.cancel, None)
            self.tell(TtsDone(context_id=command.cancel, audio_s=0.0, cancelled=True))
            return
        self.said.append(command.text)
        self.said_at.append(asyncio.get_running_loop().time())
        self._commands.append(command)
        asyncio.get_running_loop().call_later(self.delay_s, self._speak_next)

    def _speak_next(self) -> None:
        self._speak(self._commands.popleft())  # timers for one instant come in any order

    def _speak(self, command: Speak) -> None:
        if command.context_id in self.cancelled:
            return
        if command.context_id not in self._made:
            self._made[command.context_id] = 0.0
            self.tell(TtsStarted(context_id=command.context_id))
        seconds = len(command.text) * SECONDS_A_LETTER
        start = self._made[command.context_id]
        letters = self._letters.get(command.context_id, 0)
        words = [
            Word(
                text=found[0],
                offset=letters + found.start(),
                start=start + found.start() * SECONDS_A_LETTER,
                end=start + found.end() * SECONDS_A_LETTER,
            )
            for found in re.finditer(r"\S+", command.text)
        ]
        self._letters[command.context_id] = letters + len(command.text)
        self.tell(Words(context_id=command.context_id, words=words, exact=False))
        self.to_client.put_nowait((TONE * 200)[: int(seconds * 8000) * 2])
        self._made[command.context_id] += seconds
        if not command.continue_:
            self.tell(
                TtsDone(context_id=command.context_id, audio_s=self._made.pop(command.context_id), cancelled=False)
            )


class FakeEngines:
    """Hands out sockets."""

    def __init__(self, make: Callable[[], FakeSocket]) -> None:
        self._make = make
        self.sockets: list[FakeSocket] = []
        self.delay_s = 0.0
        self.refuse = False

    async def connect(self, _path: str, _query: Mapping[str, str]) -> FakeSocket:
        await asyncio.sleep(self.delay_s)
        if self.refuse:
            raise EngineUnavailable
        self.sockets.append(self._make())
        return self.sockets[-1]


class Stage:
    """The caller's side of a conversation in virtual time."""

    def __init__(self, port: LoopbackPort, asr: FakeEngines, tts: FakeEngines, events: list[CallEvent]) -> None:
        self.port = port
        self.asr = asr
        self.tts = tts
        self.events = events
        self._turn = 0
        self._sent_s = 0.0
        self.conversation: Conversation | None = None

    @property
    def voice(self) -> FakeVoice:
        return cast("FakeVoice", self.tts.sockets[0])

    async def sound(self, seconds: float) -> None:
        """The wire carries `seconds` of sound, in real time."""
        for _ in range(round(seconds * 50)):
            self.port.hear(bytes(320))
            self._sent_s += 0.02
            await asyncio.sleep(0.02)

    def tell(self, event: AsrEvent) -> None:
        self.asr.sockets[-1].tell(event)

    async def begins(self) -> None:
        self._turn += 1
        self.tell(SpeechStarted(turn=self._turn, at=self._sent_s))
        await self.sound(0.5)

    async def pauses(self, words: str) -> None:
        self.tell(TurnEager(turn=self._turn, revision=1, text=words, start=0, end=self._sent_s, probability=0.9))
        await self.sound(0.2)

    async def resumes(self) -> None:
        self.tell(TurnResumed(turn=self._turn, revision=1, at=self._sent_s))
        await self.sound(0.3)

    async def ends(self, words: str) -> None:
        if words:
            self.tell(Final(turn=self._turn, text=words, start=0, end=self._sent_s))
        end = self._sent_s - 0.3
        self.tell(TurnEnded(turn=self._turn, end=end, at=self._sent_s, probability=0.9, reason="complete"))
        await self.sound(0.1)

    async def says(self, words: str) -> None:
        """A whole turn, with its eager end."""
        await self.begins()
        await self.pauses(words)
        await self.ends(words)

    def audible(self) -> list[float]:
        """When each frame that is not silence begins to sound at the caller's ear."""
        return [begins for begins, pcm in self.port.played if any(pcm)]


@asynccontextmanager
async def on_stage(
    dialplan: Callable[[Call], Awaitable[None]],
    *,
    phrases: tuple[str, ...] = (),
    voice_delay_s: float = 0.1,
    no_input_s: float = 8.0,
    max_call_s: float = 7200.0,
    recording: Recording | None = None,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Stage]:
    """A call under way; at the end of the block the caller hangs up, and the books are checked."""
    port = LoopbackPort()
    asr, tts = FakeEngines(FakeSocket), FakeEngines(lambda: FakeVoice(voice_delay_s))
    made = Phrases(TtsQuery(sample_rate=8000))
    for text in phrases:
        made._made[text] = Phrase((TONE * 200)[: int(len(text) * SECONDS_A_LETTER * 8000) * 2], (), exact=False)
    speech = Speech(
        cast("Engines", asr), cast("Engines", tts), made, AsrQuery(sample_rate=8000), no_input_s, max_call_s, 5.0
    )
    events: list[CallEvent] = []
    facts = CallFacts("c" * 32, "CA1", "loopback", "+15550001", "+15550002", "test", settings or {})
    stage = Stage(port, asr, tts, events)
    stage.conversation = Conversation(facts, port, speech, events.append, recording)

    async def plan(conversation: Conversation) -> None:
        await dialplan(Call(conversation))

    running = asyncio.create_task(stage.conversation.run(plan))
    await asyncio.sleep(0)
    try:
        yield stage
    finally:
        port.hang_up()
        async with asyncio.timeout(60):
            await running
    assert stage.conversation.chronicle.snapshot().ledger.balances

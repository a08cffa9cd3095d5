"""A whole conversation in virtual time: a loopback wire, scripted ears, a voice that makes a tone.

The doubles stand at the lowest edge, the engine's socket: everything above it is the real thing. `Stage` plays the
recogniser's side (it says what the caller says, and when); `FakeVoice` answers each text with 50 ms of sound a letter.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from media_server.audio.echo import EchoGuard
from media_server.audio.frame import frame_bytes
from media_server.call.chronicle import CallFacts
from media_server.call.conversation import Conversation, Speech
from media_server.call.events import CallEvent
from media_server.call.phrases import Phrase, Phrases
from media_server.call.record import EventSink
from media_server.call.recorder import Recording
from media_server.dialplan import Call
from media_server.protocol.asr_stream import AsrEvent, AsrQuery, Final, SpeechStarted, TurnEager, TurnEnded, TurnResumed
from media_server.protocol.tts_stream import TtsQuery
from media_server.testing.doubles import FakeEngines, FakeSocket, FakeVoice
from media_server.testing.sound import SECONDS_A_LETTER, Lexicon
from media_server.transports.loopback import LoopbackPort

__all__ = ["FakeEngines", "FakeSocket", "FakeVoice", "Stage", "on_stage"]

TONE = b"\x00\x20\x00\xe0" * 80


class Stage:
    """The caller's side of a conversation in virtual time."""

    def __init__(
        self,
        port: LoopbackPort,
        asr: FakeEngines,
        tts: FakeEngines,
        events: list[CallEvent],
    ) -> None:
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
            self.port.hear(bytes(frame_bytes(self.port.sample_rate)))
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
    sample_rate: int = 8000,
    watch: EventSink | None = None,
) -> AsyncIterator[Stage]:
    """A call under way; at the end of the block the caller hangs up, and the books are checked."""
    port = LoopbackPort(sample_rate=sample_rate)
    asr = FakeEngines(FakeSocket)
    tts = FakeEngines(lambda: FakeVoice(voice_delay_s, Lexicon(sample_rate=sample_rate)))
    made = Phrases(TtsQuery.model_validate({"sample_rate": sample_rate}))
    for text in phrases:
        made._made[text] = Phrase((TONE * 400)[: int(len(text) * SECONDS_A_LETTER * sample_rate) * 2], (), exact=False)
    query = AsrQuery(sample_rate=8000)
    speech = Speech(asr, tts, made, query, no_input_s, max_call_s, 5.0, echo=EchoGuard)
    events: list[CallEvent] = []
    facts = CallFacts("c" * 32, "CA1", "loopback", "+15550001", "+15550002", "test", settings or {})
    stage = Stage(port, asr, tts, events)
    stage.conversation = Conversation(facts, port, speech, events.append, recording, watch=watch)

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

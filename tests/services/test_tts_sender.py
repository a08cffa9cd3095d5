"""The writer, where the moment of a cancel decides: a socket that takes all at once, and a voice of one big piece."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import cast

import numpy as np
import pytest
from aiohttp import web

from engines.ports import Speech, SpokenWord
from engines.scheduler import Scheduler
from engines.tts.session import TtsSession
from media_server.protocol.tts_stream import TtsDone, TtsEvent, TtsQuery, parse_tts_event
from media_server.services.sending import MOST_AT_ONCE
from media_server.services.tts_sender import TtsSender

RATE = 16000
TEXT = "one two three four five six seven eight nine ten"


class Slow:
    """A voice that takes a second for each word, at one go."""

    sample_rate = RATE
    voices = ("slow",)
    language = "en"

    def synthesize(self, text: str, voice: str, speed: float = 1.0) -> Iterator[Speech]:
        del voice, speed
        words = [SpokenWord(word, text.index(word), place, place + 1.0) for place, word in enumerate(text.split())]
        yield Speech(np.ones(len(words) * RATE, np.int16), tuple(words), exact=True)


class Taking:
    """A socket that takes everything; it calls `then` behind so many binary messages."""

    def __init__(self, then_at: int) -> None:
        self.then_at = then_at
        self.events: list[TtsEvent | None] = []
        self.audio: list[bytes] = []
        self.reached = asyncio.Event()
        self.over = asyncio.Event()

    async def send_str(self, text: str) -> None:
        self.events.append(parse_tts_event(text))
        if isinstance(self.events[-1], TtsDone):
            self.over.set()

    async def send_bytes(self, audio: bytes) -> None:
        self.audio.append(audio)
        if len(self.audio) == self.then_at:
            self.reached.set()


@pytest.fixture
async def session() -> AsyncIterator[TtsSession]:
    scheduler = Scheduler(1)
    session = TtsSession(Slow(), scheduler, "slow")
    yield session
    session.close()
    await asyncio.to_thread(scheduler.close)


@pytest.mark.parametrize(
    ("encoding", "messages", "spoken"), [("linear16", 3, "one two three"), ("mulaw", 2, "one two three four")]
)
async def test_a_cancel_stops_the_sound_in_the_middle_of_a_piece(
    session: TtsSession, encoding: str, messages: int, spoken: str
) -> None:
    socket = Taking(messages)
    query = TtsQuery.model_validate({"encoding": encoding, "sample_rate": RATE})
    sender = TtsSender(session, cast("web.WebSocketResponse", socket), query, RATE)
    session.speak("a", TEXT)
    running = asyncio.create_task(sender.run())
    await socket.reached.wait()
    session.cancel("a")
    await socket.over.wait()
    assert [len(audio) for audio in socket.audio] == [MOST_AT_ONCE] * messages
    assert socket.events[-1] == TtsDone(
        context_id="a",
        audio_s=messages * MOST_AT_ONCE / RATE / (2 if encoding == "linear16" else 1),
        cancelled=True,
        spoken=spoken,
        remaining=TEXT.removeprefix(spoken),
    )
    socket.over.clear()
    session.speak("a", "Again.")
    await socket.over.wait()
    assert socket.events[-1] == TtsDone(context_id="a", audio_s=1.0, cancelled=False)
    session.close()
    await running

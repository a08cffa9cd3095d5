"""The making of an utterance: its text goes to the engine as it comes, its sound goes to the playout."""

import asyncio
from collections.abc import AsyncIterator

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.call.leg import Leg
from media_server.call.speaking import Speaking
from media_server.errors import EngineError
from media_server.protocol.tts_stream import Words
from media_server.speech.spoken import Chunk, Rewind, speakable
from media_server.speech.tts import SpokenContext
from media_server.turn.sentences import SentenceSplitter

MAX_UTTERANCE_S = 600.0
"""Sound of one utterance; what a runaway text makes beyond it is left out."""
SOUND_TIMEOUT_S = 5.0
"""How long the engine may owe us the sound of a text."""


class Making:
    """One utterance being made: text to the engine, sound from it, side by side."""

    def __init__(self, speaking: Speaking, context: SpokenContext, leg: Leg) -> None:
        self._speaking = speaking
        self._context = context
        self._leg = leg
        self._owed_at: float | None = None
        """Since when the whole text is there, and the rest of its sound is the engine's to make."""

    async def send(self, text: str | AsyncIterator[str]) -> None:
        """Send the text as it comes, in pieces that can be spoken."""
        if isinstance(text, str):
            self._send(text, more=False)
            return
        splitter = SentenceSplitter()
        async for part in text:
            for piece in splitter.feed(part):
                self._send(piece, more=True)
        self._send(splitter.flush(), more=False)

    def _send(self, piece: str, *, more: bool) -> None:
        speaking, piece = self._speaking, speakable(piece)
        speaking.text += piece
        if speaking.text_at is None:
            speaking.text_at = self._leg.now()
        self._context.send(piece, more=more)
        if not more:
            self._owed_at = self._leg.now()

    async def receive(self) -> None:
        """Take the sound as it comes.

        Raises:
            EngineError: It did not come in time, or the engine failed.
        """
        speaking, room = self._speaking, int(MAX_UTTERANCE_S * self._leg.port.sample_rate) * BYTES_PER_SAMPLE
        while (chunk := await self._next()) is not None:
            if isinstance(chunk, Words):
                speaking.place(chunk.words, self._leg.port.sample_rate)
                continue
            if isinstance(chunk, Rewind):
                self._rewind(chunk.sample)
                continue
            if speaking.voiced_at is None:
                speaking.voiced_at = self._leg.now()
            room -= len(chunk)
            if room < 0:
                self._context.cancel()
                return
            self._leg.playout.push(speaking.utterance, chunk)
            self._leg.wake()

    def _rewind(self, sample: int) -> None:
        """The sound from there on is made again."""
        speaking, rate = self._speaking, self._leg.port.sample_rate
        self._leg.playout.truncate(speaking.utterance, sample)
        speaking.words = [word for word in speaking.words if round(word.end * rate) <= sample]

    async def _next(self) -> Chunk | None:
        while True:
            try:
                async with asyncio.timeout(SOUND_TIMEOUT_S):
                    return await self._context.next()
            except TimeoutError:
                # Words of ours may wait behind others, or for the rest of the text; an engine that says nothing hangs.
                silent_since = max(self._owed_at or self._leg.now(), self._context.engine_heard_at)
                if self._context.is_next and self._leg.now() - silent_since >= SOUND_TIMEOUT_S:
                    raise EngineError(f"no sound came for {SOUND_TIMEOUT_S:g} s") from None

"""The voice of a call: texts become utterances, in the order in which they were said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.call.leg import Leg
from media_server.call.phrases import Phrases
from media_server.errors import EngineError
from media_server.protocol.speech import Word, Words
from media_server.speech.connection import Engines
from media_server.speech.tts import SpokenContext, TtsSession
from media_server.turn.playout import Utterance
from media_server.turn.sentences import SentenceSplitter

MAX_UTTERANCE_S = 600.0
"""Sound of one utterance; what a runaway text makes beyond it is left out."""


@dataclass(eq=False, slots=True)
class Speaking:
    """One utterance on its way to the caller's ear.

    Attributes:
        utterance: Its sound.
        text: What was said of it so far.
        words: Where its words are, in seconds from its first sample.
        text_at: When its first text was there (monotonic seconds).
        voiced_at: When its first sound was made.
        turn: The caller's turn that it answers.
        over: Done when it was heard to its end, withdrawn, or the call is over.
        failure: Why its sound could not be made.
    """

    utterance: Utterance
    turn: int | None = None
    text: str = ""
    words: list[Word] = field(default_factory=list)
    text_at: float | None = None
    voiced_at: float | None = None
    failure: EngineError | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    maker: "asyncio.Task[None] | None" = None
    context: SpokenContext | None = None


class Voice:
    """Speaks on one leg, by one stream of the TTS role, opened when it is first needed."""

    def __init__(self, leg: Leg, engines: Engines, phrases: Phrases, tasks: asyncio.TaskGroup) -> None:
        self._leg = leg
        self._engines = engines
        self._phrases = phrases
        self._tasks = tasks
        self._count = 0
        self._opening: asyncio.Task[TtsSession] | None = None
        self._closing = asyncio.Event()
        self.speaking: dict[Utterance, Speaking] = {}
        self.on_over: Callable[[Speaking], None] = lambda _speaking: None
        leg.on_heard = self._heard

    def open(self) -> None:
        """Open the stream now, so that the first text need not wait for it."""
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.ensure_future(self._connect())
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())

    def say(self, text: str | AsyncIterator[str], *, held: bool = False, turn: int | None = None) -> Speaking:
        """Say something after all that was said before. `held`: not audible before `release`."""
        self._count += 1
        speaking = Speaking(Utterance(f"u{self._count}", held=held), turn)
        self.speaking[speaking.utterance] = speaking
        self._leg.playout.open(speaking.utterance)
        phrase = self._phrases.get(text) if isinstance(text, str) else None
        if phrase is not None:
            assert isinstance(text, str)
            speaking.text, speaking.words = text, list(phrase.words)
            speaking.text_at = speaking.voiced_at = self._leg.now()
            self._leg.playout.push(speaking.utterance, phrase.pcm)
            self._finish(speaking)
        else:
            speaking.maker = self._tasks.create_task(self._make(speaking, text))
        return speaking

    def release(self, speaking: Speaking) -> None:
        """It may be audible now."""
        self._leg.playout.release(speaking.utterance)
        self._leg.wake()

    async def withdraw(self, speaking: Speaking) -> bool:
        """Take it back; False when some of it was sent already."""
        if not self._leg.playout.withdraw(speaking.utterance):
            return False
        self._close(speaking)
        self._leg.wake()
        if speaking.maker is not None and not speaking.maker.done():
            speaking.maker.cancel()
        if speaking.context is not None:
            await speaking.context.cancel()
        return True

    def heard(self, speaking: Speaking) -> str:
        """What the caller has heard of it, to the word."""
        start = speaking.utterance.start
        if speaking.complete:
            return speaking.text
        if start is None:
            return ""
        seconds = (self._leg.playout.heard(self._leg.now()) - start) / self._leg.port.sample_rate
        heard = [word for word in speaking.words if word.end <= seconds]
        return speaking.text[: heard[-1].offset + len(heard[-1].text)] if heard else ""

    def end(self) -> None:
        """The call is over: report what was being said."""
        for speaking in list(self.speaking.values()):
            self._close(speaking)
        self._closing.set()

    # --- making it -----------------------------------------------------------------------------------------------

    async def _connect(self) -> TtsSession:
        session = await TtsSession.open(self._engines, self._phrases.query)
        self._tasks.create_task(self._run(session))
        return session

    async def _run(self, session: TtsSession) -> None:
        async with session.running():
            await self._closing.wait()

    async def _make(self, speaking: Speaking, text: str | AsyncIterator[str]) -> None:
        try:
            self.open()
            assert self._opening is not None
            session = await asyncio.shield(self._opening)
            speaking.context = context = session.context(speaking.utterance.id)
            sender = asyncio.ensure_future(self._send(speaking, context, text))
            try:
                await self._receive(speaking, context)
                await sender
            finally:
                sender.cancel()
        except EngineError as error:
            speaking.failure = error
        finally:
            self._finish(speaking)

    async def _send(self, speaking: Speaking, context: SpokenContext, text: str | AsyncIterator[str]) -> None:
        if isinstance(text, str):
            self._texted(speaking, text)
            await context.send(text)
            return
        splitter = SentenceSplitter()
        async for part in text:
            for piece in splitter.feed(part):
                self._texted(speaking, piece)
                await context.send(piece, more=True)
        rest = splitter.flush()
        self._texted(speaking, rest)
        await context.send(rest)

    def _texted(self, speaking: Speaking, piece: str) -> None:
        speaking.text += piece
        if speaking.text_at is None:
            speaking.text_at = self._leg.now()

    async def _receive(self, speaking: Speaking, context: SpokenContext) -> None:
        room = int(MAX_UTTERANCE_S * self._leg.port.sample_rate) * BYTES_PER_SAMPLE
        async for chunk in context.chunks():
            if isinstance(chunk, Words):
                speaking.words += chunk.words
                continue
            if speaking.voiced_at is None:
                speaking.voiced_at = self._leg.now()
            room -= len(chunk)
            if room < 0:
                await context.cancel()
                return
            self._leg.playout.push(speaking.utterance, chunk)
            self._leg.wake()

    # --- how it ends ---------------------------------------------------------------------------------------------

    def _finish(self, speaking: Speaking) -> None:
        self._leg.playout.finish(speaking.utterance)
        self._leg.wake()

    def _heard(self, utterance: Utterance) -> None:
        speaking = self.speaking.get(utterance)
        if speaking is not None:
            speaking.complete = speaking.failure is None
            self._close(speaking)

    def _close(self, speaking: Speaking) -> None:
        if self.speaking.pop(speaking.utterance, None) is not None:
            self.on_over(speaking)
            speaking.over.set()

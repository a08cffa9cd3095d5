"""The voice of a call: texts become utterances, in the order in which they were said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.audio.tones import WORKING, Tone
from media_server.call.leg import Leg
from media_server.call.phrases import Phrases
from media_server.errors import EngineError
from media_server.protocol.tts_stream import Word, Words
from media_server.speech.engine_stream import EngineStreams
from media_server.speech.spoken import Chunk, Rewind, speakable
from media_server.speech.tts import SpokenContext, TtsSession
from media_server.turn.barge_in import BargeIn
from media_server.turn.sentences import SentenceSplitter
from media_server.turn.utterance import Utterance

MAX_UTTERANCE_S = 600.0
"""Sound of one utterance; what a runaway text makes beyond it is left out."""
SOUND_TIMEOUT_S = 5.0
"""How long the engine may owe us the sound of a text."""


@dataclass(eq=False, slots=True)
class Speaking:
    """One utterance on its way to the caller's ear.

    Attributes:
        utterance: Its sound.
        turn: The caller's turn that it answers.
        text: What was said of it so far.
        words: Where its words are, in seconds from its first sample.
        text_at: When its first text was there (monotonic seconds).
        voiced_at: When its first sound was made.
        failure: Why not all of its sound could be made: the engine's fault, or that of the text's source.
        over: Set when it was heard to its end, interrupted, withdrawn, dropped, or the call is over.
        complete: It was heard to its end.
        heard: What of it was heard, once it is over.
        followers: What is not said either where the caller interrupts it.
    """

    utterance: Utterance
    turn: int | None = None
    text: str = ""
    words: list[Word] = field(default_factory=list)
    text_at: float | None = None
    voiced_at: float | None = None
    failure: Exception | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    heard: str = ""
    maker: "asyncio.Task[None] | None" = None
    followers: "Sequence[Speaking]" = ()


class Voice:
    """Speaks on one leg, by a stream of the TTS role for each voice, opened when it is first needed."""

    def __init__(
        self, leg: Leg, engines: EngineStreams, phrases: Phrases, tasks: asyncio.TaskGroup, *, gone_s: float
    ) -> None:
        self._leg = leg
        self._engines = engines
        self._gone_s = gone_s
        self._sessions: dict[str, TtsSession] = {}
        self._phrases = phrases
        self._tasks = tasks
        self._count = 0
        self._prepared: dict[str, bytes] = {}
        self._until_end: list[asyncio.Task[None]] = []
        self.speaking: dict[Utterance, Speaking] = {}
        self.on_over: Callable[[Speaking], None] = lambda _speaking: None
        leg.on_heard = self._heard
        leg.on_cut = self._cut

    def open(self, voice: str = "") -> TtsSession:
        """Open the stream of a voice (empty: the call's own) now, so that the first text need not wait for it."""
        if voice not in self._sessions:
            query = self._phrases.query
            query = query.model_copy(update={"voice": voice}) if voice else query
            self._sessions[voice] = session = TtsSession(self._engines, query, gone_s=self._gone_s)
            self._until_end.append(self._tasks.create_task(session.run(), name="voice"))
        return self._sessions[voice]

    def say(
        self,
        text: str | AsyncIterator[str],
        *,
        barge_in: BargeIn = BargeIn.ON,
        held: bool = False,
        turn: int | None = None,
        voice: str = "",
    ) -> Speaking:
        """Say something after all that was said before. `held`: not audible before `release`."""
        speaking = self._new(barge_in, held=held, turn=turn)
        self._leg.playout.open(speaking.utterance)
        phrase = self._phrases.get(text) if isinstance(text, str) and not voice else None
        if phrase is not None:
            assert isinstance(text, str)
            self._fill(speaking, text, phrase.pcm, phrase.words)
        else:
            speaking.maker = self._tasks.create_task(self._make(speaking, text, voice), name="utterance")
        return speaking

    def prepare(self, text: str) -> None:
        """Have a text made that may be slipped in later."""
        if self._phrases.get(text) is None and text not in self._prepared:
            self._prepared[text] = b""
            made = self._prepare(text, f"prepared-{len(self._prepared)}")
            self._until_end.append(self._tasks.create_task(made, name="prepared"))

    async def _prepare(self, text: str, context_id: str) -> None:
        context = self.open().context(context_id)
        context.send(speakable(text))
        pcm = bytearray()
        try:
            while (chunk := await context.next()) is not None:
                if isinstance(chunk, Rewind):
                    del pcm[chunk.sample * BYTES_PER_SAMPLE :]
                elif isinstance(chunk, bytes):
                    pcm += chunk
        except EngineError:
            return  # a tone does as well
        self._prepared[text] = bytes(pcm)

    def play(self, pcm: bytes, *, barge_in: BargeIn = BargeIn.ON) -> Speaking:
        """Play linear PCM at the leg's rate after all that was said before; it is no text."""
        speaking = self._new(barge_in)
        self._leg.playout.open(speaking.utterance)
        self._fill(speaking, "", pcm, ())
        return speaking

    def slip_in(self, what: str | Tone) -> Speaking | None:
        """Say a phrase that is made, or a tone, before all that waits; None where something of ours goes on."""
        phrase = self._phrases.get(what) if isinstance(what, str) else None
        prepared = self._prepared.get(what) if isinstance(what, str) else None
        tone = what if isinstance(what, Tone) else WORKING
        speaking = self._new(BargeIn.ON)
        if not self._leg.playout.slip_in(speaking.utterance):
            del self.speaking[speaking.utterance]
            return None
        if phrase is not None:
            assert isinstance(what, str)
            self._fill(speaking, what, phrase.pcm, phrase.words)
        elif prepared:
            assert isinstance(what, str)
            self._fill(speaking, what, prepared, ())
        else:
            self._fill(speaking, "", tone.pcm(self._leg.port.sample_rate), ())
        return speaking

    def _new(self, barge_in: BargeIn, *, held: bool = False, turn: int | None = None) -> Speaking:
        self._count += 1
        speaking = Speaking(Utterance(f"u{self._count}", barge_in, held=held), turn)
        self.speaking[speaking.utterance] = speaking
        return speaking

    def _fill(self, speaking: Speaking, text: str, pcm: bytes, words: Iterable[Word]) -> None:
        """All of its sound is there."""
        speaking.text = text
        place_words(speaking, words, self._leg.port.sample_rate)
        speaking.text_at = speaking.voiced_at = self._leg.now()
        self._leg.playout.push(speaking.utterance, pcm)
        self._finish(speaking)

    def release(self, speaking: Speaking) -> None:
        """It may be audible now."""
        self._leg.playout.release(speaking.utterance)
        self._leg.wake()

    def withdraw(self, speaking: Speaking) -> bool:
        """Take it back; False when some of it was sent already."""
        if not self._leg.playout.withdraw(speaking.utterance):
            return False
        self._drop(speaking)
        return True

    def cut_short(self) -> None:
        """Make room for the last words: what has not begun is dropped, what has begun ends here."""
        for utterance in self._leg.playout.cut_short():
            self._drop(self.speaking[utterance])
        for speaking in self.speaking.values():
            _stop(speaking)
        self._leg.wake()

    def heard(self, speaking: Speaking) -> str:
        """What the caller has heard of it, to the word."""
        if speaking.over.is_set():
            return speaking.heard
        if speaking.complete:
            return speaking.text
        seconds = self._leg.playout.heard_of(speaking.utterance, self._leg.now()) / self._leg.port.sample_rate
        heard = [word for word in speaking.words if word.end <= seconds]
        return speaking.text[: heard[-1].offset + len(heard[-1].text)] if heard else ""

    def sounds_until(self, speaking: Speaking) -> float:
        """When the sound of it that is made will have been played, by the clock (monotonic seconds)."""
        return self._leg.playout.plays_until(speaking.utterance, self._leg.now())

    def end(self) -> None:
        """The call is over: report what was being said, and leave nothing running."""
        for speaking in list(self.speaking.values()):
            self._drop(speaking)
        for task in self._until_end:
            task.cancel()

    # --- making it -----------------------------------------------------------------------------------------------

    async def _make(self, speaking: Speaking, text: str | AsyncIterator[str], voice: str) -> None:
        context = self.open(voice).context(speaking.utterance.id)
        try:
            async with asyncio.TaskGroup() as both:
                making = Making(speaking, context, self._leg)
                both.create_task(making.send(text))
                both.create_task(making.receive())
        except BaseException as error:
            context.cancel()
            if not isinstance(error, Exception):
                raise
            speaking.failure = first_leaf(error)
        finally:
            self._finish(speaking)

    # --- how it ends ---------------------------------------------------------------------------------------------

    def _finish(self, speaking: Speaking) -> None:
        self._leg.playout.finish(speaking.utterance)
        self._leg.wake()

    def _heard(self, utterance: Utterance) -> None:
        speaking = self.speaking.get(utterance)
        if speaking is not None:
            speaking.complete = speaking.failure is None and not utterance.cut
            self._close(speaking)

    def _cut(self, utterance: Utterance) -> None:
        if (speaking := self.speaking.get(utterance)) is not None:
            self._drop(speaking)
            for follower in speaking.followers:
                self.withdraw(follower)

    def _drop(self, speaking: Speaking) -> None:
        self._close(speaking)
        _stop(speaking)
        self._leg.wake()

    def _close(self, speaking: Speaking) -> None:
        if self.speaking.pop(speaking.utterance, None) is not None:
            speaking.heard = self.heard(speaking)
            speaking.over.set()
            self.on_over(speaking)


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
                place_words(speaking, chunk.words, self._leg.port.sample_rate)
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


def place_words(speaking: Speaking, words: Iterable[Word], sample_rate: int) -> None:
    """These words end in the sound that comes next; behind each of them it may be taken up again."""
    for word in words:
        speaking.words.append(word)
        speaking.utterance.seams.append(ceil(word.end * sample_rate))


def _stop(speaking: Speaking) -> None:
    """Nothing more of it is made."""
    if speaking.maker is not None:
        speaking.maker.cancel()


def first_leaf(error: BaseException) -> Exception:
    """What really happened, of an exception that may be a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else EngineError(repr(error))

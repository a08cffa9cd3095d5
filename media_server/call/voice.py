"""The voice of a call: texts become utterances, in the order in which they were said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from media_server.audio.tones import WORKING, Tone
from media_server.call.leg import Leg
from media_server.call.making import Making
from media_server.call.phrases import Phrases, collect
from media_server.call.speaking import Speaking
from media_server.errors import EngineError
from media_server.protocol.tts_stream import Word
from media_server.speech.engine_stream import EngineStreams, first_leaf
from media_server.speech.spoken import speakable
from media_server.speech.tts import TtsSession
from media_server.turn.barge_in import BargeIn
from media_server.turn.utterance import Utterance


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
        try:
            self._prepared[text] = (await collect(context)).pcm
        except EngineError:
            return  # a tone does as well

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
        speaking.place(words, self._leg.port.sample_rate)
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
            speaking.stop()
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
        speaking.stop()
        self._leg.wake()

    def _close(self, speaking: Speaking) -> None:
        if self.speaking.pop(speaking.utterance, None) is not None:
            speaking.heard = self.heard(speaking)
            speaking.over.set()
            self.on_over(speaking)

"""One client's stream of speech: text goes in by contexts, events come out in the order in which they will be heard.

An asyncio shell around `ContextQueue`: each piece of a clause is a job for the shared worker threads, and the one whose
listener runs dry first is done first: a context's first piece is due when it is asked for, a later one when all the
sound before it is played, if that began as soon as it was made. Only one clause of a session is in work, and only when
the reader has taken what was made before, so a slow reader holds up nobody but itself.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from time import monotonic
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.errors import EnginesError
from engines.ports import Speech, SpokenWord, TtsEngine
from engines.scheduler import Scheduler
from engines.tts.cache import PhraseCache
from engines.tts.contexts import Clause, ContextFlushed, ContextOver, ContextQueue, Text
from engines.tts.lexicon import Lexicon
from engines.tts.making import Making
from engines.tts.reader import Reader
from engines.tts.silence import joint
from engines.tts.spoken_text import NO_LEXICON

CLAUSE_DEADLINE_S = 20.0
"""For one piece of a clause, with its wait for a worker; past it the context fails."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ContextStarted:
    """All audio from here to the end of the context is this context's."""

    context_id: str


@dataclass(frozen=True, slots=True)
class ContextWords:
    """The words that end in the audio that follows, in offsets and seconds of the context."""

    context_id: str
    words: tuple[SpokenWord, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class ContextAudio:
    """16-bit mono at the engine's rate.

    `took_s`: from when its turn came to when this was made. `more`: the sound goes on in the next one, without a seam.
    """

    context_id: str
    pcm: NDArray[np.int16]
    took_s: float
    more: bool = False


@dataclass(frozen=True, slots=True)
class ContextDone:
    """A context has ended, with `samples` of audio handed out. `text`: what was received of a cancelled one."""

    context_id: str
    samples: int
    cancelled: bool
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class ContextFailed:
    """A context has ended because it cannot be said; the session goes on."""

    context_id: str
    code: str
    message: str
    retryable: bool


SessionEvent: TypeAlias = ContextStarted | ContextWords | ContextAudio | ContextFlushed | ContextDone | ContextFailed


class SynthesisFailed(EnginesError):
    """The synthesiser failed at this text."""

    retryable = True


class TtsSession:
    """Speaks for one client. All methods belong to one event loop; `events` has one reader."""

    def __init__(
        self,
        engine: TtsEngine,
        scheduler: Scheduler,
        voice: str,
        *,
        speed: float = 1.0,
        cache: PhraseCache | None = None,
        lexicon: Lexicon = NO_LEXICON,
    ) -> None:
        self._engine = Reader(engine, lexicon)
        self._scheduler = scheduler
        self._cache = cache
        self._voice = voice
        self._speed = speed
        self._queue = ContextQueue()
        self._changed = asyncio.Event()
        self._closed = False
        self._job: asyncio.Task[Speech | None] | None = None
        self._speaking: str | None = None
        self._samples = 0
        self._sounds_since = 0.0  # when the first sound of the context was there

    def speak(
        self, context_id: str, text: str, *, more: bool = False, flush: bool = False, speed: float | None = None
    ) -> None:
        """Text for a context; `more` will follow, which is not waited for with `flush`.

        `speed`: of a new context, where it has one of its own.

        Raises:
            InputError: There is no room for another context.
        """
        self._queue.add(context_id, text, more=more, flush=flush, speed=speed)
        self._wake()

    def wants(self, context_id: str) -> bool:
        """Whether what was made of a context, and has been handed out, is to be heard yet."""
        return not self._queue.is_ending(context_id)

    def cancel(self, context_id: str) -> None:
        """End a context now: what waits leaves the queue, what is being made is thrown away."""
        self._queue.cancel(context_id)
        self._wake()

    def close(self) -> None:
        """End `events`, and drop all work."""
        self._closed = True
        if self._job is not None:
            self._job.cancel()
        self._changed.set()

    async def events(self) -> AsyncIterator[SessionEvent]:
        """What happens, until `close`."""
        while not self._closed:
            step = self._queue.next()
            if step is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            if self._speaking != step.context_id:
                self._speaking, self._samples = step.context_id, 0
                if not (isinstance(step, ContextOver) and (step.cancelled or step.failure)):
                    yield ContextStarted(step.context_id)
            match step:
                case Clause():
                    async for event in self._say(step):
                        yield event
                case ContextFlushed():
                    yield step
                case ContextOver():
                    self._speaking = None
                    yield self._ended(step)

    async def _say(self, clause: Clause) -> AsyncIterator[SessionEvent]:
        speed = self._speed if clause.speed is None else clause.speed
        pieces = Making(self._engine, self._scheduler, self._cache, text=clause.text, voice=self._voice, speed=speed)
        clause_start: int | None = None
        goes_on = False
        begun = monotonic()
        while (speech := await self._make(clause.context_id, pieces)) is not None:
            if not self._samples:
                self._sounds_since = monotonic()
            silence = joint(self._engine.sample_rate) if self._samples and not goes_on else 0
            # A piece's word times count from its clause's first sample, without the joints that are put in here.
            clause_start = self._samples + silence if clause_start is None else clause_start + silence
            words = _moved(speech.words, clause.offset, clause_start / self._engine.sample_rate)
            if words:
                yield ContextWords(clause.context_id, words, speech.exact)
            if self._queue.is_ending(clause.context_id):
                return
            pcm = np.concatenate((np.zeros(silence, np.int16), speech.pcm))
            self._samples += len(pcm)
            yield ContextAudio(clause.context_id, pcm, monotonic() - begun, speech.more)
            if self._queue.is_ending(clause.context_id):
                return
            goes_on = speech.more
            begun = monotonic()

    async def _make(self, context_id: str, pieces: Making) -> Speech | None:
        """The next piece; None at the clause's end, or when its context was cancelled or failed meanwhile."""
        played = self._sounds_since + self._samples / self._engine.sample_rate
        deadline = played if self._samples else monotonic()
        self._job = job = asyncio.ensure_future(pieces.next(deadline))
        try:
            done, _ = await asyncio.wait({job}, timeout=CLAUSE_DEADLINE_S)
            if self._closed or self._queue.is_ending(context_id):
                return None
            if done:
                return job.result()
            self._queue.fail(context_id, SynthesisFailed("the synthesiser did not answer in time"))
        except EnginesError as error:
            self._queue.fail(context_id, error)
        except Exception:  # noqa: BLE001 - logged; one text's failure, whatever it is, must not end the session
            _log.exception("synthesis failed")
            self._queue.fail(context_id, SynthesisFailed())
        finally:
            self._job = None
            if not job.cancel() and not job.cancelled():
                job.exception()  # seen, should it have failed after it was not wanted any more
        return None

    def _wake(self) -> None:
        if self._job is not None and self._speaking is not None and self._queue.is_ending(self._speaking):
            self._job.cancel()
        self._changed.set()

    def _ended(self, over: ContextOver) -> SessionEvent:
        if over.failure is not None:
            failure = over.failure
            message = str(failure) or (type(failure).__doc__ or failure.code)
            return ContextFailed(over.context_id, failure.code, message, failure.retryable)
        return ContextDone(over.context_id, self._samples, over.cancelled, over.text)


def _moved(words: tuple[SpokenWord, ...], offset: int, seconds: float) -> tuple[SpokenWord, ...]:
    return tuple(
        replace(word, offset=word.offset + offset, start=word.start + seconds, end=word.end + seconds) for word in words
    )

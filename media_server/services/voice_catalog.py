"""The voices that can be spoken with, built in and cloned: who speaks with which, and how they come and go.

The folder of the store is the truth: it may be another process's too (several instances behind one address), so that it
is looked into every `LOOK_S`, and whenever a voice is asked for that is not known here. What an engine makes of a
recording is made in the scheduler's last lane, so that nobody who listens waits for it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from engines.errors import EnginesError
from engines.ports import Samples, TtsEngine
from engines.scheduler import Lane, Scheduler
from engines.tts.voice_file import BrokenVoice, ClonedVoice, is_id, new_id
from media_server.errors import EngineError, Forbidden, MediaServerError, NotFound, Overloaded, PeerError
from media_server.services.cloning import Cloning, Kept

LOOK_S = 5.0
CLONE_S = 60.0
"""For one voice, with its wait for a worker."""

DEFAULT = "default"
CONSENT = "Whoever uploaded the recording said that its speaker agrees to this voice."

_log = structlog.get_logger(__name__)


class CannotClone(MediaServerError):
    """This engine has the voices that it has."""

    code = "cannot_clone"
    http_status = 501


class VoiceInUse(PeerError):
    """Somebody speaks with it."""

    code = "voice_in_use"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Label:
    """How a voice that is to be made is called."""

    name: str
    description: str = ""
    language: str = ""


class VoiceCatalog:
    """All methods belong to one event loop."""

    def __init__(self, engine: TtsEngine, scheduler: Scheduler, kept: Kept | None) -> None:
        """`engine` has no cloned voice yet. `kept`: `Cloning` for one that clones; None where no folder can be had."""
        self.built_in: Sequence[str] = tuple(engine.voices)
        self.default = self.built_in[0]
        self._scheduler = scheduler
        self._kept = kept
        self._cloning = kept if isinstance(kept, Cloning) else None
        self._cloned: dict[str, ClonedVoice] = {}
        self.refused: dict[str, str] = {}  # files of the folder that are no voices of this engine, by id, and why
        self._leaving: set[str] = set()  # gone from the folder, not yet from the engine
        self._speaking: Counter[str] = Counter()
        self._changing = asyncio.Lock()

    @property
    def cloned(self) -> Sequence[ClonedVoice]:
        """Those that can be spoken with, by id."""
        return [self._cloned[voice] for voice in sorted(self._cloned)]

    @property
    def can_clone(self) -> bool:
        """Whether voices can be made here."""
        return self._cloning is not None

    @asynccontextmanager
    async def kept_up(self) -> AsyncIterator[None]:
        """Know what is in the folder, from the beginning of this to its end."""
        await self.look()
        looking = asyncio.create_task(self._look_again())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait({looking})

    @asynccontextmanager
    async def speaking(self, asked: str) -> AsyncIterator[str]:
        """The id of the voice that is asked for, which is there until the end of this.

        Raises:
            NotFound: There is none of this id.
        """
        voice = self.default if asked == DEFAULT else asked
        if voice not in self.built_in:
            await self.find(voice)
        self._speaking[voice] += 1
        try:
            yield voice
        finally:
            self._speaking[voice] -= 1
            if not self._speaking[voice]:
                del self._speaking[voice]

    async def find(self, voice: str) -> ClonedVoice:
        """A cloned voice.

        Raises:
            NotFound: There is none of this id.
        """
        if voice not in self._cloned and is_id(voice):
            await asyncio.shield(self.look())  # whoever asks may leave, but not halfway
        if voice not in self._cloned:
            raise _unknown(voice)
        return self._cloned[voice]

    async def check_room(self) -> None:
        """See whether another voice can be made.

        Raises:
            CannotClone: Never here.
            TooManyVoices: There is no place for another one.
        """
        await asyncio.to_thread(self._can_clone().store.check_room)

    async def create(self, label: Label, reference: Samples, sample_rate: int) -> ClonedVoice:
        """Make a voice of a recording.

        Raises:
            CannotClone: Never here.
            InputError: The recording does not do; its `code` says why.
            TooManyVoices: There is no place for another one.
            EngineError: What the engine made is no voice.
            Overloaded: It was not made in time.
        """
        cloning = self._can_clone()
        try:
            async with asyncio.timeout(CLONE_S):
                # Not by a worker: a GPU's only one would be kept from those who wait for it.
                speech = await asyncio.to_thread(cloning.speech_in, reference, sample_rate)
                tensors = await self._scheduler.run(Lane.FILE, cloning.engine.clone, speech, sample_rate)
        except TimeoutError:
            raise Overloaded(f"The voice was not made within {CLONE_S:.0f} s", retry_after_s=30) from None
        voice = ClonedVoice(
            new_id(label.name),
            name=label.name,
            engine=cloning.store.engine,
            created=datetime.now(UTC).replace(microsecond=0),
            consent=CONSENT,
            reference_s=round(len(speech) / sample_rate, 2),
            description=label.description,
            language=label.language,
        )
        async with self._changing:
            try:
                await asyncio.to_thread(cloning.keep, voice, tensors)
            except BrokenVoice as error:
                raise EngineError(f"What the engine made of it is no voice: {error}") from error
            self._cloned[voice.id] = voice
        _log.info("voice.created", voice=voice.id)
        return voice

    async def delete(self, voice: str) -> None:
        """Forget a voice: its file, and whatever anything here has made of it.

        Raises:
            Forbidden: It is built in.
            NotFound: There is none of this id.
            VoiceInUse: Somebody speaks with it.
        """
        if voice in self.built_in:
            raise Forbidden("A voice that is built in cannot be deleted")
        if self._kept is None or not is_id(voice):
            raise _unknown(voice)
        async with self._changing:
            if self._speaking[voice]:
                raise VoiceInUse("Somebody speaks with it; try again when they are done")
            known = self._cloned.pop(voice, None)  # from here on nobody is given it
            if known is not None:
                self._leaving.add(voice)
            try:
                await asyncio.to_thread(self._kept.store.delete, voice)
            except KeyError:
                if known is None:
                    raise _unknown(voice) from None
            self.refused.pop(voice, None)
            await (self._forget_who_left() if known else asyncio.to_thread(self._kept.forget_phrases, voice))
        _log.info("voice.deleted", voice=voice)

    async def look(self) -> None:
        """Find what has come into the folder, and what has gone from it.

        Raises:
            OSError: It cannot be read.
        """
        if self._cloning is None:
            return
        async with self._changing:
            there = set(await asyncio.to_thread(self._cloning.store.ids))
            for voice in self.refused.keys() - there:
                del self.refused[voice]
            for voice in self._cloned.keys() - there:
                del self._cloned[voice]
                self._leaving.add(voice)
            await self._forget_who_left()
            await self._take_in(self._cloning, there - self._cloned.keys() - self.refused.keys() - self._leaving)

    async def _forget_who_left(self) -> None:
        for voice in self._leaving - self._speaking.keys():
            await asyncio.to_thread(self._can_clone().forget, voice)
            self._leaving.remove(voice)

    async def _take_in(self, cloning: Cloning, new: AbstractSet[str]) -> None:
        """Of these as many as there is room for."""
        room = cloning.store.most - len(self._cloned) - len(self.refused)
        if len(new) > room > 0:
            _log.warning("voices.left_out", count=len(new) - room, reason=f"tts.max_voices is {cloning.store.most}")
        for voice in sorted(new)[: max(0, room)]:
            try:
                if voice in self.built_in:
                    raise BrokenVoice("a voice of this id is built in")
                self._cloned[voice] = await asyncio.to_thread(cloning.take_in, voice)
            except EnginesError as error:
                self.refused[voice] = str(error)
                _log.warning("voice.refused", voice=voice, code=error.code, reason=str(error))

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - logged; it may not fail the next time
                _log.exception("voices.look_failed")

    def _can_clone(self) -> Cloning:
        if self._cloning is None:
            raise CannotClone(f"{self.default!r} cannot take on other voices; Chatterbox can (tts.voice)")
        return self._cloning


def _unknown(voice: str) -> NotFound:
    return NotFound(f"voice: there is no {voice[:64]!r}; GET /v1/voices lists those that there are")

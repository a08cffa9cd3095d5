"""A clause being made, piece by piece: as it is kept, else by the shared workers."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from engines.ports import Speech, TtsEngine
from engines.scheduler import Lane, Scheduler
from engines.tts.cache import PhraseCache

_next: Callable[[Iterator[Speech], None], Speech | None] = next


class Making:
    """The pieces of one clause in order. What is kept comes without a place in the workers' queue."""

    def __init__(
        self,
        engine: TtsEngine,
        scheduler: Scheduler,
        cache: PhraseCache | None,
        *,
        text: str,
        voice: str,
        speed: float,
    ) -> None:
        self._scheduler = scheduler
        self._cache = cache
        self._phrase = cache.phrase(text, voice, speed) if cache is not None else None
        self._synthesize = partial(engine.synthesize, text, voice, speed)
        self._pieces: Iterator[Speech] | None = None
        self._is_kept = False
        self._made: list[Speech] | None = None

    async def next(self, deadline: float) -> Speech | None:
        """The next piece, needed at `deadline` (monotonic seconds); None at the clause's end.

        Raises:
            Exception: Whatever the engine raises.
        """
        if self._pieces is None:
            self._pieces = await self._look_up() or self._synthesize()
        if self._is_kept:
            return next(self._pieces, None)
        speech = await self._scheduler.run(Lane.FINAL, _next, self._pieces, None, deadline=deadline)
        if self._made is not None and self._cache is not None and self._phrase is not None:
            if speech is not None:
                self._made.append(speech)
            elif not any(piece.cut for piece in self._made):
                self._cache.keep(self._phrase, self._made)
        return speech

    async def _look_up(self) -> Iterator[Speech] | None:
        if self._cache is None or self._phrase is None:
            return None
        pieces = await asyncio.to_thread(self._cache.load, self._phrase) if self._cache.has(self._phrase) else None
        self._cache.on_lookup(pieces is not None)
        if pieces is not None:
            self._is_kept = True
            return iter(pieces)
        if self._cache.is_asked_again(self._phrase):
            self._made = []
        return None

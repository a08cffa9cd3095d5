"""No caller meets dead air: what is heard while we have the word and say nothing.

It is our move unless a verb waits for the caller (`theirs`). Where we have been silent for `FIRST_S` on our move, a
phrase is said, and then a soft tone every `AGAIN_S`, until something of the dialplan's sounds: whatever the dialplan, a
model or a webhook is doing meanwhile. A filler holds nothing up: it is slipped in before what waits for its sound, also
into the gap of an utterance that has run dry.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from media_server.audio.tones import WORKING, Tone
from media_server.call.leg import Leg
from media_server.call.phrases import ONE_MOMENT
from media_server.call.speaking import Speaking
from media_server.call.voice import Voice
from media_server.turn.floor import Holder

FIRST_S = 1.3
"""So long we may say nothing."""
AGAIN_S = 1.5
"""So long after a filler comes the next one."""
WORKING_S = 0.8
"""In place of `FIRST_S`, where the dialplan has said that it works."""
RETRY_S = 0.2


class Filler:
    """Of one call. `run` is its task; verbs tell it whose move it is."""

    def __init__(self, leg: Leg, voice: Voice) -> None:
        self._leg = leg
        self._voice = voice
        self._theirs = 0
        self._ours_since = leg.now()
        self._latest: Speaking | None = None
        self._filled = False
        """The latest thing of ours that was audible was a filler."""
        self._text: str | Tone = ONE_MOMENT
        self._first_s = FIRST_S
        self._news = asyncio.Event()

    @contextmanager
    def theirs(self, unless: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """It is the caller's move meanwhile, or nobody minds the silence. `unless`: our answer is on its way."""
        if unless():
            yield
            return
        self._theirs += 1
        try:
            yield
        finally:
            self._theirs -= 1
            self._begin_anew()

    @property
    def is_theirs(self) -> bool:
        """Whether it is the caller's move."""
        return self._theirs > 0

    @contextmanager
    def working(self, text: str | Tone) -> Iterator[None]:
        """We work meanwhile: this is said soon, once."""
        before = self._text, self._first_s
        self._text, self._first_s = text, WORKING_S
        self._begin_anew()
        try:
            yield
        finally:
            self._text, self._first_s = before

    def audible(self, speaking: Speaking) -> None:
        """Something of ours is audible now."""
        self._filled = speaking is self._latest

    async def run(self) -> None:
        """Watch the silence; ends by cancellation."""
        while True:
            self._news.clear()
            wait = self._due() - self._leg.now()
            if wait <= 0 and self._fill():
                continue
            try:
                async with asyncio.timeout(max(RETRY_S, wait)):
                    await self._news.wait()
            except TimeoutError:
                pass

    def _begin_anew(self) -> None:
        self._ours_since = self._leg.now()
        self._filled = False
        self._news.set()

    def _due(self) -> float:
        """When a filler is due, as far as can be told now."""
        leg = self._leg
        under_way = self._latest is not None and not self._latest.over.is_set()
        if self._theirs or under_way or leg.floor.holder not in (Holder.FREE, Holder.AGENT):
            return leg.now() + self._first_s
        since = max(self._ours_since, leg.playout.silent_since)
        if leg.floor.holder is Holder.FREE:
            since = max(since, leg.floor.since)
        return since + (AGAIN_S if self._filled else self._first_s)

    def _fill(self) -> bool:
        """Say something; False where it cannot be said now."""
        speaking = self._voice.slip_in(WORKING if self._filled else self._text)
        if speaking is None:
            return False
        self._latest, self._filled = speaking, True
        return True

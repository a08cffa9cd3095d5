"""`turns`: what the caller says, a turn at a time; and what becomes of a caller who says nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from media_server.call.conversation import Conversation
from media_server.call.ears import Deaf, Digit, EarEvent
from media_server.call.phrases import GOODBYE, REPROMPT
from media_server.call.speaking import Speaking
from media_server.dialplan.say import say
from media_server.speech.turns import TurnOver

REPROMPTS = 2
"""Silences in a row that are answered with a question before the goodbye."""


@dataclass(slots=True)
class Turn:
    """Something the caller said or pressed.

    Attributes:
        text: The words.
        heard: What the caller had heard of our last words when they spoke.
        dtmf: The key, when it was one.
        reason: Why the turn was over: complete, slot, silence, limit, finalize, close; dtmf for a key.
    """

    text: str
    heard: str = ""
    dtmf: str = ""
    reason: str = ""
    relied_on: bool = False
    """Somebody was told that it is committed: it cannot be taken back any more."""
    withdrawn: bool = False
    """It was not over after all, or nothing of its answer was heard: its words are part of the next turn."""
    committed_at: float | None = None
    """When it was over for certain (the call's monotonic seconds)."""
    answer: Speaking | None = None
    """What answers it, once there is something."""
    _committed: asyncio.Event = field(default_factory=asyncio.Event)

    async def committed(self) -> None:
        """Wait until the turn is over for certain; anything with an effect waits for this."""
        await self._committed.wait()
        self.relied_on = True

    def commit(self, reason: str, at: float | None = None) -> None:
        """The turn is over."""
        self.reason = reason
        self.committed_at = at
        self._committed.set()


async def ear_events(conversation: Conversation, *, busy: Callable[[], bool]) -> AsyncIterator[EarEvent]:
    """What the ears hear, until the caller was silent too often. `busy`: an answer is on its way, so silence is ours.

    Raises:
        CallEnded: The caller left.
        EngineError: The recogniser is gone.
    """
    ears, floor = conversation.listen(), conversation.leg.floor
    patience_s = conversation.speech.no_input_s
    silences = 0
    asked_at = conversation.now()
    while True:
        quiet = min(floor.quiet_for(conversation.now()), conversation.now() - asked_at)
        with conversation.filler.theirs(unless=busy):
            event = await conversation.alive(ears.next(max(0.05, min(1.0, patience_s - quiet))))
        if event is not None:
            if isinstance(event, Deaf):
                raise event.error
            if isinstance(event, Digit) or (isinstance(event, TurnOver) and event.text):
                silences = 0
            yield event
            asked_at = conversation.now()
        elif busy():
            asked_at = conversation.now()
        elif min(floor.quiet_for(conversation.now()), conversation.now() - asked_at) >= patience_s:
            silences += 1
            if silences > REPROMPTS:
                await say(conversation, GOODBYE)
                return
            await say(conversation, REPROMPT)


async def turns(conversation: Conversation) -> AsyncIterator[Turn]:
    """Committed turns only."""
    async for event in ear_events(conversation, busy=lambda: False):
        if isinstance(event, TurnOver) and event.text:
            turn = Turn(event.text, heard=conversation.last_heard)
        elif isinstance(event, Digit):
            turn = Turn("", heard=conversation.last_heard, dtmf=event.digit)
        else:
            continue
        turn.commit(event.reason if isinstance(event, TurnOver) else "dtmf")
        yield turn

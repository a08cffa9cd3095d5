"""`converse`: speculate early, commit late.

At `MaybeOver` the reply is asked for and its sound is made, behind a closed gate. `TurnOver` opens the gate. `WentOn`,
or other words than it was begun on, cancels it. When the caller speaks again before the reply was audible, the turn
was not over after all: the reply is withdrawn, and its words and the next turn's are answered together.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from media_server.call.conversation import Conversation
from media_server.call.ears import Digit, EarEvent
from media_server.call.voice import Speaking
from media_server.dialplan.turns import Turn, ear_events
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnOver, WentOn

Answer: TypeAlias = str | AsyncIterator[str] | None
Reply: TypeAlias = Callable[[Turn], Awaitable[Answer] | AsyncIterator[str]]


class Attempt:
    """One reply in the making: the turn that it answers, and its utterance once there is one."""

    def __init__(self, conversation: Conversation, reply: Reply, turn: Turn, number: int) -> None:
        self.turn = turn
        self._conversation = conversation
        self._number = number
        self._open = False
        self.speaking: Speaking | None = None
        self.task = asyncio.ensure_future(self._make(reply))

    async def _make(self, reply: Reply) -> None:
        result = reply(self.turn)
        answer = await result if isinstance(result, Awaitable) else result
        if answer is not None:
            self.speaking = self._conversation.voice.say(answer, held=not self._open, turn=self._number)

    def open(self) -> None:
        """The turn is over: the reply may be heard."""
        self._open = True
        if self.speaking is not None:
            self._conversation.voice.release(self.speaking)

    async def cancel(self) -> bool:
        """Take it all back; False when some of it was heard already."""
        if self.speaking is not None and not await self._conversation.voice.withdraw(self.speaking):
            return False
        if not self.task.done():
            self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if self.speaking is not None:  # it got there while it was being cancelled
            await self._conversation.voice.withdraw(self.speaking)
        return True

    @property
    def pending(self) -> bool:
        """Nothing of it was sent yet."""
        if self.speaking is None:
            return not self.task.done()
        return self.speaking.utterance.start is None and self.speaking.failure is None

    def check(self) -> None:
        """Raise what went wrong with it."""
        if self.task.done() and not self.task.cancelled() and (error := self.task.exception()) is not None:
            raise error
        if self.speaking is not None and self.speaking.failure is not None:
            raise self.speaking.failure


class Converser:
    """The state of one `converse`: at most one attempt is speculative, at most one is on its way to the ear."""

    def __init__(self, conversation: Conversation, reply: Reply) -> None:
        self._conversation = conversation
        self._reply = reply
        self._early: Attempt | None = None
        self._answer: Attempt | None = None
        self._unanswered = ""
        """Words of turns whose reply was withdrawn since the caller went on."""

    @property
    def busy(self) -> bool:
        """An answer is on its way."""
        self.check()
        return self._early is not None or (self._answer is not None and self._answer.pending)

    def check(self) -> None:
        """Raise what went wrong with an answer that is wanted."""
        if self._answer is not None:
            self._answer.check()

    async def receive(self, event: EarEvent) -> None:
        """Do what an event asks for."""
        match event:
            case SpeechBegan():
                await self._take_back()
            case MaybeOver():
                await self._drop_early()
                if event.text:
                    self._early = self._attempt(event.text, event.turn)
            case WentOn():
                await self._drop_early()
            case TurnOver():
                await self._commit(event)
            case Digit():
                await self._answer_to(Turn("", heard=self._conversation.last_heard, dtmf=event.digit), "dtmf", None)

    async def aclose(self) -> None:
        """Leave nothing behind."""
        for attempt in (self._early, self._answer):
            if attempt is not None and not attempt.task.done():
                attempt.task.cancel()
                await asyncio.gather(attempt.task, return_exceptions=True)

    def _attempt(self, text: str, number: int) -> Attempt:
        words = f"{self._unanswered} {text}".strip()
        turn = Turn(words, heard=self._conversation.last_heard)
        return Attempt(self._conversation, self._reply, turn, number)

    async def _take_back(self) -> None:
        if self._answer is not None and self._answer.pending and await self._answer.cancel():
            self._unanswered = self._answer.turn.text
            self._answer = None

    async def _drop_early(self) -> None:
        if self._early is not None:
            await self._early.cancel()
            self._early = None

    async def _commit(self, over: TurnOver) -> None:
        words = f"{self._unanswered} {over.text}".strip()
        if self._early is not None and (not words or self._early.turn.text != words):
            await self._drop_early()
        if not words:
            return
        early, self._early = self._early, None
        if over.text:
            self._conversation.commit(over, speculated=early is not None)
        self._unanswered = ""
        self._answer = early or Attempt(self._conversation, self._reply, self._new_turn(words), over.turn)
        self._answer.turn.commit(over.reason)
        self._answer.open()

    def _new_turn(self, words: str) -> Turn:
        return Turn(words, heard=self._conversation.last_heard)

    async def _answer_to(self, turn: Turn, reason: str, number: int | None) -> None:
        turn.commit(reason)
        self._answer = Attempt(self._conversation, self._reply, turn, -1 if number is None else number)
        self._answer.open()


async def converse(conversation: Conversation, reply: Reply) -> None:
    """Answer each turn.

    Raises:
        CallEnded: The caller left.
        EngineError: Speech failed.
    """
    converser = Converser(conversation, reply)
    try:
        async for event in ear_events(conversation, busy=lambda: converser.busy):
            converser.check()
            await converser.receive(event)
    finally:
        await converser.aclose()

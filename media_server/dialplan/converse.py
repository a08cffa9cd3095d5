"""`converse`: speculate early, commit late.

At `MaybeOver` the reply is asked for and its sound is made, behind a closed gate. `TurnOver` opens the gate. `WentOn`,
or other words than it was begun on, cancels it. When the caller speaks again before the reply was audible, the turn
was not over after all: the reply is withdrawn, and its words and the next turn's are answered together; but a reply
that was told that its turn is committed is never taken back, since it may have acted on that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

from media_server.call.conversation import Conversation
from media_server.call.ears import Digit, EarEvent
from media_server.call.speaking import Speaking
from media_server.dialplan.turns import Turn, ear_events
from media_server.errors import DeadlineExceeded
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnOver, WentOn
from media_server.turn.barge_in import BargeIn

Answer: TypeAlias = str | AsyncIterator[str] | None
Reply: TypeAlias = Callable[[Turn], Awaitable[Answer] | AsyncIterator[str]]

ANSWER_S = 20.0
"""How long an answer may take to sound, once its turn is over; the caller hears an apology then."""
_MARKS = str.maketrans(".,", "  ")


class Attempt:
    """One reply in the making: the turn that it answers, and its utterance once there is one."""

    def __init__(
        self, conversation: Conversation, reply: Reply, turn: Turn, number: int | None, barge_in: BargeIn
    ) -> None:
        self.turn = turn
        self.number = number
        self.wanted_at: float | None = None
        self.speaking: Speaking | None = None
        self._conversation = conversation
        self._barge_in = barge_in
        self.task = asyncio.ensure_future(self._make(reply))

    async def _make(self, reply: Reply) -> None:
        result = reply(self.turn)
        answer = await result if isinstance(result, Awaitable) else result
        if answer is not None:
            held = self.wanted_at is None
            self.speaking = self._conversation.voice.say(answer, barge_in=self._barge_in, held=held, turn=self.number)
            self.turn.answer = self.speaking

    def open(self, reason: str) -> None:
        """The turn is over: the reply may be heard."""
        self.wanted_at = self._conversation.now()
        self.turn.commit(reason, self.wanted_at)
        if self.speaking is not None:
            self._conversation.voice.release(self.speaking)

    async def cancel(self) -> bool:
        """Take it all back; False when some of it was sent already."""
        if self.speaking is not None and not self._conversation.voice.withdraw(self.speaking):
            return False
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if self.speaking is not None:  # it got there while it was being cancelled
            self._conversation.voice.withdraw(self.speaking)
        return True

    @property
    def pending(self) -> bool:
        """Nothing of it was sent yet."""
        if self.speaking is None:
            return not self.task.done()
        return not self.speaking.utterance.begun and not self.speaking.over.is_set()

    @property
    def unheard(self) -> bool:
        """It was interrupted before a word of it was heard."""
        speaking = self.speaking
        return speaking is not None and speaking.over.is_set() and not (speaking.complete or speaking.heard)

    @property
    def final(self) -> bool:
        """It must not be made again."""
        return self.turn.relied_on or bool(self.turn.dtmf)

    def check(self) -> None:
        """Raise what went wrong with it.

        Raises:
            DeadlineExceeded: It takes too long to sound.
        """
        if self.task.done() and not self.task.cancelled() and (error := self.task.exception()) is not None:
            raise error
        if self.speaking is not None and self.speaking.failure is not None:
            raise self.speaking.failure
        waits = self.wanted_at is not None and self.pending and self._conversation.leg.floor.may_begin
        if waits and self._conversation.now() - (self.wanted_at or 0.0) > ANSWER_S:
            raise DeadlineExceeded(f"no answer came in {ANSWER_S:g} s")


class Converser:
    """The state of one `converse`: one attempt at most is speculative, the wanted ones are on their way to the ear."""

    def __init__(self, conversation: Conversation, reply: Reply, barge_in: BargeIn) -> None:
        self._conversation = conversation
        self._reply = reply
        self._barge_in = barge_in
        self._early: Attempt | None = None
        self._wanted: list[Attempt] = []
        self._unanswered = ""
        """Words of turns whose reply was withdrawn since the caller went on."""

    @property
    def busy(self) -> bool:
        """An answer is on its way."""
        self.check()
        return self._early is not None or any(attempt.pending for attempt in self._wanted)

    def check(self) -> None:
        """Raise what went wrong with an answer that is wanted; forget those that need nothing more.

        What nobody heard a word of is no answer: the turn is answered together with the one that interrupted it.
        """
        for attempt in self._wanted:
            attempt.check()
            if attempt.unheard and not attempt.final:
                self._keep(attempt)
        self._wanted = [
            attempt
            for attempt in self._wanted
            if not attempt.task.done() or (attempt.speaking is not None and not attempt.speaking.over.is_set())
        ]

    async def receive(self, event: EarEvent) -> None:
        """Do what an event asks for."""
        match event:
            case SpeechBegan():
                await self._take_back()
            case MaybeOver():
                await self._drop_early()
                if event.text:
                    self._early = self._answer(event.text, event.turn)
            case WentOn():
                await self._drop_early()
            case TurnOver():
                await self._commit(event)
            case Digit():
                turn = Turn("", heard=self._conversation.last_heard, dtmf=event.digit)
                self._want(self._attempt(turn, None), "dtmf")

    async def aclose(self) -> None:
        """Leave nothing behind."""
        await self._drop_early()
        for attempt in self._wanted:
            attempt.task.cancel()
            await asyncio.gather(attempt.task, return_exceptions=True)

    def _answer(self, text: str, number: int | None) -> Attempt:
        words = f"{self._unanswered} {text}".strip()
        return self._attempt(Turn(words, heard=self._conversation.last_heard), number)

    def _attempt(self, turn: Turn, number: int | None) -> Attempt:
        return Attempt(self._conversation, self._reply, turn, number, self._barge_in)

    def _want(self, attempt: Attempt, reason: str) -> None:
        attempt.open(reason)
        self._wanted.append(attempt)

    async def _take_back(self) -> None:
        for attempt in list(self._wanted):
            if not attempt.final and attempt.pending and await attempt.cancel():
                self._keep(attempt)
                self._wanted.remove(attempt)

    def _keep(self, attempt: Attempt) -> None:
        """Its turn is still to be answered."""
        attempt.turn.withdrawn = True
        self._unanswered = f"{self._unanswered} {attempt.turn.text}".strip()

    async def _drop_early(self) -> None:
        if self._early is not None:
            await self._early.cancel()
            self._early = None

    async def _commit(self, over: TurnOver) -> None:
        words = f"{self._unanswered} {over.text}".strip()
        if self._early is not None and not same_words(self._early.turn.text, words):
            await self._drop_early()
        if not words:
            return
        number = over.turn if over.text else self._conversation.chronicle.unanswered
        attempt = self._early or self._answer(over.text, number)
        self._early, self._unanswered = None, ""
        self._want(attempt, over.reason)


def same_words(one: str, other: str) -> bool:
    """Whether two texts differ in commas, full stops and capitals at most: the answer to them is the same."""
    return one.translate(_MARKS).casefold().split() == other.translate(_MARKS).casefold().split()


async def converse(conversation: Conversation, reply: Reply, barge_in: BargeIn = BargeIn.ON) -> None:
    """Answer each turn.

    Raises:
        CallEnded: The caller left.
        EngineError: Speech failed.
        DeadlineExceeded: An answer took too long.
    """
    converser = Converser(conversation, reply, barge_in)
    try:
        async for event in ear_events(conversation, busy=lambda: converser.busy):
            converser.check()
            await converser.receive(event)
    finally:
        await converser.aclose()

"""One conversation of an agent with a caller, from the first turn to its outcome."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import structlog

from media_server.call.conversation import Conversation
from media_server.dialplan.agent.mind import Mind
from media_server.dialplan.agent.outcome import Ended, Outcome
from media_server.dialplan.agent.reply import Reply
from media_server.dialplan.converse import converse
from media_server.dialplan.say import say
from media_server.dialplan.turns import Turn
from media_server.turn.barge_in import BargeIn

log = structlog.get_logger(__name__)

FAILURES = 2
"""So many answers without the model in a row, and it is down."""
KEYS_S = 1.0
"""So long after a key the next one still belongs to it."""
MAX_KEYS = 40
FINISH_S = 8.0
"""How long, at the limit of minutes, an answer that sounds may go on."""
EFFECTS_S = 4.0
"""How long, at the end, a tool with an effect may go on."""


class Talk:
    """The state of one `Agent.talk`."""

    def __init__(self, mind: Mind, barge_in: BargeIn) -> None:
        self._mind = mind
        self._barge_in = barge_in
        self._keys = ""
        self._failures = 0
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._followers: set[asyncio.Task[None]] = set()

    @property
    def _conversation(self) -> Conversation:
        return self._mind.conversation

    async def run(self) -> Outcome:
        """Talk until it is over.

        Raises:
            CallEnded: The caller left.
            EngineError: Speech failed.
        """
        with self._conversation.filler.theirs():  # our own fillers are part of the replies
            return await self._run()

    async def _run(self) -> Outcome:
        talking = asyncio.ensure_future(converse(self._conversation, self.reply, self._barge_in))
        try:
            ends: set[asyncio.Future[Any]] = {talking, self._outcome}
            await asyncio.wait(ends, timeout=60 * self._mind.limits.max_minutes, return_when=asyncio.FIRST_COMPLETED)
            if self._outcome.done():
                return self._outcome.result()
            if talking.done():
                talking.result()
                return Ended.GOODBYE  # the caller was silent for too long, and was told goodbye
            await asyncio.wait(ends, timeout=FINISH_S if self._speaks else 0.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop(talking)
        if self._outcome.done():
            return self._outcome.result()
        await say(self._conversation, self._mind.words.limit, barge_in=False)
        return Ended.LIMIT

    async def reply(self, turn: Turn) -> AsyncIterator[str] | None:
        """Answer a turn. Keys that are pressed one after the other are one turn, answered at the last of them."""
        asked = turn.text
        if turn.dtmf:
            keys = await self._pressed(turn.dtmf)
            if not keys:
                return None
            asked = f"(The caller pressed {' '.join(keys)} on the keypad.)"
        reply = Reply(self._mind, self._mind.take(turn, asked))
        return self._followed(reply)

    async def _followed(self, reply: Reply) -> AsyncIterator[str]:
        follower = asyncio.create_task(self._follow(reply), name="follower")
        self._followers.add(follower)
        follower.add_done_callback(self._followers.discard)
        async with aclosing(reply.text()) as pieces:
            async for piece in pieces:
                yield piece

    async def _follow(self, reply: Reply) -> None:
        """What becomes of the conversation once an answer is over."""
        speaking = reply.turn.answer
        assert speaking is not None, "it speaks"
        await speaking.over.wait()
        if reply.turn.committed_at is None:
            return
        self._failures = self._failures + 1 if reply.failed else 0
        ending = Ended.DOWN if self._failures >= FAILURES else reply.ending
        if ending is Ended.GOODBYE and not speaking.complete:
            return  # the caller has more to say
        if ending is not None and not self._outcome.done():
            self._outcome.set_result(ending)

    async def _pressed(self, key: str) -> str:
        """All keys so far; nothing when more of them follow."""
        self._keys = keys = (self._keys + key)[-MAX_KEYS:]
        if key != "#":
            await asyncio.sleep(KEYS_S)
        if self._keys is not keys:
            return ""
        self._keys = ""
        return keys

    @property
    def _speaks(self) -> bool:
        return self._conversation.leg.playout.sounding

    async def _stop(self, talking: "asyncio.Future[None]") -> None:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        if not self._conversation.over.is_set():
            self._conversation.voice.cut_short()
        for follower in list(self._followers):
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)
        effects = set(self._mind.effects)
        if effects:
            await asyncio.wait(effects, timeout=EFFECTS_S)
            for task in effects:
                task.cancel()
            await asyncio.gather(*effects, return_exceptions=True)

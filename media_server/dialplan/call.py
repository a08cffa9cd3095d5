"""`Call`: what a dialplan holds in its hand. The verbs are in the files named after them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from media_server.call.chronicle import Direction
from media_server.call.conversation import Conversation
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.converse import Reply, converse
from media_server.dialplan.echo import echo
from media_server.dialplan.say import Interruptible, Said, barge_in_of, say
from media_server.dialplan.turns import Turn, turns


class Call:
    """One call. Every verb raises `CallEnded` when the caller is gone, and `EngineError` when speech fails."""

    def __init__(self, conversation: Conversation, agent_pool: AgentPool | None = None) -> None:
        """`agent_pool`: what agents share with those of other calls."""
        self._conversation = conversation
        self._agent_pool = agent_pool

    @property
    def conversation(self) -> Conversation:
        """What the verbs work on; a dialplan has no use for it."""
        return self._conversation

    @property
    def agent_pool(self) -> AgentPool | None:
        """What agents share with those of other calls, where there is such a thing."""
        return self._agent_pool

    @property
    def id(self) -> str:
        """The call's id, as in the API and the logs."""
        return self._conversation.facts.id

    @property
    def caller(self) -> str:
        """The caller's number; empty when it is withheld."""
        return self._conversation.facts.caller

    @property
    def called(self) -> str:
        """The number that was called."""
        return self._conversation.facts.called

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the route that the call came by."""
        return self._conversation.facts.settings

    @property
    def direction(self) -> Direction:
        """Who called: they us (`inbound`), or we them."""
        return self._conversation.facts.direction

    async def say(self, text: str | AsyncIterator[str], *, barge_in: Interruptible = True) -> Said:
        """Say something; returns when the caller has heard it. An iterator is spoken from its first clause on.

        The caller may interrupt, unless `barge_in` is False; with "words" a voice alone does not silence us.
        """
        return await say(self._conversation, text, barge_in=barge_in)

    def turns(self) -> AsyncIterator[Turn]:
        """The caller's turns as they end. Silence is answered with a question, then a goodbye; then it ends."""
        return turns(self._conversation)

    async def converse(self, reply: Reply, *, barge_in: Interruptible = True) -> None:
        """Answer each turn with what `reply(turn)` returns: a text, an iterator of text, or None for nothing.

        The reply is begun while the turn may still go on, and is heard only if it is over. What must not be done for
        nothing waits for `await turn.committed()` first. The caller may interrupt as with `say`. Ends like `turns`.
        """
        await converse(self._conversation, reply, barge_in_of(barge_in))

    async def echo(self) -> None:
        """Send the caller's sound back as it comes, until they hang up."""
        await echo(self._conversation)

    def note(self, **values: str | float | bool | None) -> None:
        """Keep something in the call's record."""
        self._conversation.chronicle.note(dict(values))

    async def hangup(self) -> None:
        """Hang up, once all that was said was heard."""
        await self._conversation.alive(self._conversation.leg.drained())
        self._conversation.end("completed")

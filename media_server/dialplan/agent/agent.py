"""`Agent`: a language model behind a number.

::

    agent = Agent(call.settings["llm"], "You are the help line of Northwind...", tools=[order_status, human])
    outcome = await agent.talk(call)

An answer is thought, and its sound is made, while the caller's turn may still go on; it is heard only if the turn is
over. What the model is told of the past is what the caller heard. Where it is late, empty, broken or down there are
words, never silence.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from media_server.dialplan.agent.chat import ChatModel
from media_server.dialplan.agent.llm import Llm, llm_of
from media_server.dialplan.agent.mind import Limits, Mind
from media_server.dialplan.agent.outcome import Outcome
from media_server.dialplan.agent.patience import Patience
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.agent.talk import Talk
from media_server.dialplan.agent.tool import Tool, ToolSource
from media_server.dialplan.agent.toolbox import Toolbox
from media_server.dialplan.agent.words import ON_A_PHONE, WHEN_DOWN, AgentWords
from media_server.dialplan.say import Interruptible, barge_in_of

if TYPE_CHECKING:
    from media_server.dialplan.call import Call

MAX_INSTRUCTIONS = 60_000


class Agent:
    """A model, its instructions and its tools. It may talk on several calls, also at once."""

    def __init__(
        self,
        llm: str | Mapping[str, Any] | Llm | ChatModel | None,
        instructions: str,
        *,
        tools: Sequence[Tool | ToolSource] = (),
        when_down: str = WHEN_DOWN,
        max_minutes: float = 10,
        max_tokens: int = 400,
        max_call_tokens: int = 300_000,
        max_tool_rounds: int = 5,
        words: AgentWords | None = None,
    ) -> None:
        """An agent.

        Args:
            llm: The model: a URL, a table of settings; None or an empty text: the server's own (`--llm`).
            instructions: Who it is and what it is to do.
            tools: What it may do: functions with `@tool`, `http_tools(...)`, `mcp_tools(...)`.
            when_down: What the caller hears when the model is of no use.
            max_minutes: How long it may talk.
            max_tokens: The longest answer.
            max_call_tokens: What all requests of one call may come to, prompts included.
            max_tool_rounds: How often, in one turn, tools are run and the model is asked again.
            words: What it says that no model wrote, for another language than English.

        Raises:
            ConfigError: The settings name no model, or the instructions are longer than anybody means.
        """
        self._model = llm if isinstance(llm, ChatModel) else None
        self._llm = None if not llm or self._model is not None else llm_of(llm)
        self._instructions = instructions[:MAX_INSTRUCTIONS]
        self._tools = tuple(tools)
        self._when_down = when_down
        self._limits = Limits(max_tokens, max_call_tokens, max_tool_rounds, max_minutes=max_minutes)
        self._words = words or AgentWords()

    async def talk(self, call: "Call", *, barge_in: Interruptible = True) -> Outcome:
        """Talk with the caller until somebody takes leave or is handed over, a limit is reached or the model is down.

        Raises:
            CallEnded: The caller left.
            EngineError: Speech failed.
            ConfigError: No model is named, or a tool has a name that none may have.
        """
        async with AsyncExitStack() as stack:
            pool = call.agent_pool
            if pool is None:
                pool = await stack.enter_async_context(AgentPool())
            model = self._model or pool.model(self._llm)
            toolbox = asyncio.ensure_future(self._toolbox(call, pool))
            warming = asyncio.ensure_future(model.warm())
            stack.push_async_callback(_end, toolbox, warming)
            mind = Mind(
                call.conversation,
                model,
                toolbox,
                f"{self._instructions}\n\n{ON_A_PHONE}\n\nIt is {datetime.now().astimezone():%A, %d %B %Y, %H:%M}.",
                self._words,
                self._when_down,
                self._limits,
                self._patience(pool),
            )
            mind.begin()
            return await Talk(mind, barge_in_of(barge_in)).run()

    def _patience(self, pool: AgentPool) -> Patience:
        llm = self._llm or pool.llm
        return Patience() if llm is None else Patience(llm.first_token_s, llm.between_tokens_s, llm.total_s)

    async def _toolbox(self, call: "Call", pool: AgentPool) -> Toolbox:
        """All tools; servers of them are asked side by side."""
        sources = [each for each in self._tools if isinstance(each, ToolSource)]
        served = await asyncio.gather(*(source.tools(call, pool) for source in sources))
        own = [each for each in self._tools if not isinstance(each, ToolSource)]
        return Toolbox(call, [*own, *(each for tools in served for each in tools)], pool)


async def _end(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

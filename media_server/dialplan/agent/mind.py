"""What the answers of one conversation have in common: the model, the tools, what was said so far, what is spent."""

import asyncio
from dataclasses import dataclass, field

from media_server.call.conversation import Conversation
from media_server.dialplan.agent.chat import ChatModel, ChatRequest, Message
from media_server.dialplan.agent.history import Exchange, assemble
from media_server.dialplan.agent.patience import Patience
from media_server.dialplan.agent.toolbox import Ran, Toolbox
from media_server.dialplan.agent.words import AgentWords
from media_server.dialplan.turns import Turn

MAX_LINES = 30
"""Of what was said before the agent began."""
BEGIN = "(The call begins.)"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one conversation may cost.

    Attributes:
        max_tokens: Of one answer.
        max_call_tokens: Of all requests of a call, prompts included.
        max_tool_rounds: How often, in one turn, tools are run and the model is asked again.
        max_parallel_tools: How many tools one answer may call.
        max_minutes: How long the conversation may last.
    """

    max_tokens: int = 400
    max_call_tokens: int = 300_000
    max_tool_rounds: int = 5
    max_parallel_tools: int = 4
    max_minutes: float = 10


@dataclass(eq=False, slots=True)
class Answered:
    """A turn and its exchange."""

    turn: Turn
    exchange: Exchange
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing more of it is made."""

    @property
    def counts(self) -> bool:
        """The turn was over for certain, and stayed so."""
        return self.turn.committed_at is not None and not self.turn.withdrawn

    def messages(self) -> list[Message]:
        """It as the model is told of it. What is still on its way will be heard before anything that is made now."""
        speaking = self.turn.answer
        if speaking is None:
            return self.exchange.messages(0)
        cut = speaking.over.is_set() and not speaking.complete
        return self.exchange.messages(len(speaking.heard) if cut else None)


@dataclass(eq=False, slots=True)
class Mind:
    """One conversation's."""

    conversation: Conversation
    model: ChatModel
    toolbox: "asyncio.Future[Toolbox]"
    instructions: str
    words: AgentWords
    when_down: str
    limits: Limits
    patience: Patience
    answered: list[Answered] = field(default_factory=list)
    tokens: int = 0
    effects: set["asyncio.Task[Ran]"] = field(default_factory=set)
    """Tools with an effect that run; nothing but their own deadline ends them."""
    before: list[Message] = field(default_factory=list)

    def begin(self) -> None:
        """Take down what was said on this call so far."""
        self.before = [{"role": "user", "content": BEGIN}]
        for line in self.conversation.chronicle.record.transcript[-MAX_LINES:]:
            role = "user" if line.who == "caller" else "assistant"
            if role == self.before[-1]["role"]:
                self.before[-1] = {"role": role, "content": f"{self.before[-1]['content']}\n{line.text}"}
            elif line.text.strip():
                self.before.append({"role": role, "content": line.text})

    def take(self, turn: Turn, asked: str) -> Answered:
        """A turn is to be answered; those before it that were taken back are forgotten."""
        self.answered = [each for each in self.answered if each.counts]
        self.answered.append(Answered(turn, Exchange(asked)))
        return self.answered[-1]

    async def those_before(self, present: Answered) -> None:
        """Until everything that was to be answered before it is: what was done there belongs to the history."""
        for each in list(self.answered):
            if each is present:
                break
            if each.counts:
                await each.done.wait()
        if self.effects:
            await asyncio.wait(self.effects)

    def request(self, present: Answered, toolbox: Toolbox, *, may_call: bool) -> ChatRequest:
        """What the model is asked."""
        past = [each.messages() for each in self.answered if each is not present and each.counts]
        messages = assemble(self.instructions, [self.before, *past], present.exchange.messages(None))
        return ChatRequest(messages, toolbox.schemas, may_call, self.limits.max_tokens)

"""A chat model at the lowest edge, in virtual time: each request is answered by the next part of its script."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from media_server.dialplan.agent.chat import ChatEvent, ChatRequest, Finished, Message, TextDelta, ToolCall
from media_server.errors import ModelError

Step: TypeAlias = str | float | ToolCall | ModelError | Finished
"""Text, which comes word by word; seconds of silence; a tool to be called; how it fails; an early end."""


@dataclass
class Asked:
    """One request, and what became of it."""

    request: ChatRequest
    at: float
    cancelled: bool = False

    @property
    def messages(self) -> Sequence[Message]:
        return self.request.messages

    @property
    def latest(self) -> str:
        """The caller's latest words."""
        return next(str(each["content"]) for each in reversed(self.messages) if each["role"] == "user")


@dataclass
class FakeModel:
    """`script`: an answer a request; a function is told what was asked. After the last one, it says "Fine."."""

    script: list[Sequence[Step] | Callable[[Asked], Sequence[Step]]]
    first_token_s: float = 0.3
    token_s: float = 1 / 60
    asked: list[Asked] = field(default_factory=list)
    warmed: int = 0

    async def warm(self) -> None:
        self.warmed += 1

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        asked = Asked(request, asyncio.get_running_loop().time())
        self.asked.append(asked)
        steps = self.script.pop(0) if self.script else ("Fine.",)
        calls: list[ToolCall] = []
        try:
            await asyncio.sleep(self.first_token_s)
            for step in steps(asked) if callable(steps) else steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, ModelError):
                    raise step
                elif isinstance(step, Finished):
                    yield step
                    return
                elif isinstance(step, ToolCall):
                    calls.append(step)
                else:
                    for word in step.split(" "):
                        await asyncio.sleep(self.token_s)
                        yield TextDelta(f"{word} ")
            yield Finished("tool_calls" if calls else "stop", tuple(calls))
        except (asyncio.CancelledError, GeneratorExit):
            asked.cancelled = True
            raise

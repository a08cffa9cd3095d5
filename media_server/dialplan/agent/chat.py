"""What goes to a chat model and what comes back, as values; and the seam behind which a model is. Pure."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

Message: TypeAlias = dict[str, Any]
"""One message of the chat API: `role`, `content`, `tool_calls`, `tool_call_id`."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool to be run; `arguments` is what it wrote, which should be a JSON object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text."""

    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Something came that is no text yet: a part of a tool call."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete; always the last event.

    Attributes:
        reason: stop, length, tool_calls, content_filter, or empty where the model did not say.
        calls: The tools that it wants to be run.
        tokens: What it counted, of prompt and answer; None where it did not say.
    """

    reason: str
    calls: tuple[ToolCall, ...] = ()
    tokens: int | None = None


ChatEvent: TypeAlias = TextDelta | Alive | Finished


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request.

    Attributes:
        messages: The conversation so far.
        tools: What may be called, in the API's own form.
        may_call: Whether a tool may be called now; the tools are named all the same, since the history does.
        max_tokens: The longest answer.
    """

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]]
    may_call: bool
    max_tokens: int


@runtime_checkable
class ChatModel(Protocol):
    """A chat model somewhere."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it comes. Closing the generator cancels the request.

        Raises:
            ModelError: It refused, failed or is gone.
        """
        ...

    async def warm(self) -> None:
        """Have a connection ready. Never raises but for cancellation."""
        ...

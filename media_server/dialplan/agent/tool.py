"""`@tool`: an author's function that a model may call.

The function takes the call first (if it wants it), then what the model is to give::

    @tool(filler="Let me look that up.", timeout_s=6)
    async def order_status(call: Call, order: Annotated[str, Digits(6)]) -> str:
        \"\"\"Where an order is. `order`: the six digits on the receipt.\"\"\"

It runs only once the caller's turn is final. A plain function runs in a thread. What it returns is the result: text, or
anything that JSON can say; a `Transfer` ends the conversation. What it raises is an error that the model hears of: the
text of a `ToolError`, of others only that they happened.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

from media_server.dialplan.agent.tool_schema import Signature, signature_of

if TYPE_CHECKING:
    from media_server.dialplan.agent.pool import AgentPool
    from media_server.dialplan.call import Call

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT_S = 6.0


class Tool(Protocol):
    """Something that a model may call.

    Attributes:
        name: Its name for the model: letters, digits, `_` and `-`.
        description: What it is for.
        parameters: A JSON schema of an object.
        filler: Words for the caller, when it takes longer than a moment; empty for the usual ones.
        timeout_s: How long it may take.
        effect: It changes something: it never runs twice for one turn, and is not broken off by an interruption.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - above
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def parameters(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def filler(self) -> str: ...  # noqa: D102
    @property
    def timeout_s(self) -> float: ...  # noqa: D102
    @property
    def effect(self) -> bool: ...  # noqa: D102

    async def run(self, call: "Call", arguments: Mapping[str, Any], pool: "AgentPool") -> object:
        """Run it; returns the result.

        Raises:
            ToolError: The arguments do not fit, or it did not do its work.
        """
        ...


@runtime_checkable
class ToolSource(Protocol):
    """Something that has tools, once it is asked (a server of them)."""

    async def tools(self, call: "Call", pool: "AgentPool") -> Sequence[Tool]:
        """The tools that are there now. Never raises but for cancellation: one that is down has none."""
        ...


@dataclass(frozen=True)
class FunctionTool(Generic[P, R]):
    """An author's function as a tool. Calling it calls the function."""

    function: Callable[P, R]
    signature: Signature
    filler: str
    timeout_s: float
    effect: bool

    @property
    def name(self) -> str:
        """Of the function."""
        return self.signature.name

    @property
    def description(self) -> str:
        """From its docstring."""
        return self.signature.description

    @property
    def parameters(self) -> Mapping[str, Any]:
        """From its signature."""
        return self.signature.parameters

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself."""
        return self.function(*args, **kwargs)

    async def run(self, call: "Call", arguments: Mapping[str, Any], pool: "AgentPool") -> object:
        """Run it with what the model gave.

        Raises:
            ToolError: The arguments do not fit.
        """
        values = self.signature.read(arguments)
        function: Callable[..., Any] = self.function
        bound = partial(function, call, **values) if self.signature.takes_call else partial(function, **values)
        if iscoroutinefunction(function):
            return await bound()
        result = await asyncio.get_running_loop().run_in_executor(pool.threads, bound)
        return await result if isinstance(result, Awaitable) else result


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, filler: str = "", timeout_s: float = TIMEOUT_S, effect: bool = False
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None, /, *, filler: str = "", timeout_s: float = TIMEOUT_S, effect: bool = False
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a function a tool; as `@tool` or `@tool(...)`.

    Raises:
        ConfigError: Its signature cannot be told to a model.
    """

    def make(function: Callable[P, R]) -> FunctionTool[P, R]:
        return FunctionTool(function, signature_of(function), filler, timeout_s, effect)

    return make if function is None else make(function)

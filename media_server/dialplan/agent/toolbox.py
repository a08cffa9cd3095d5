"""The tools of one conversation, and the running of them: whatever happens, there is a result that a model can read."""

import asyncio
import json
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic_core import to_json

from media_server.call.events import ToolRan
from media_server.dialplan.agent.chat import ToolCall
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.agent.tool import Tool
from media_server.dialplan.transfer import Transfer
from media_server.errors import ConfigError, ToolError

if TYPE_CHECKING:
    from media_server.dialplan.call import Call

log = structlog.get_logger(__name__)

MAX_TOOLS = 64
MAX_RESULT = 4000
"""Characters of a result that a model is told."""
END_CALL = "end_call"
_END_CALL_SCHEMA: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": END_CALL,
        "description": "Hang up: when the caller is done, after you have said goodbye in the same answer.",
        "parameters": {"type": "object", "properties": {}},
    },
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a call of a tool: `text` for the model; `transfer` where the caller is to be handed over."""

    text: str
    ok: bool
    transfer: Transfer | None = None


class Toolbox:
    """The tools by their names."""

    def __init__(self, call: "Call", tools: Sequence[Tool], pool: AgentPool) -> None:
        """The first of two tools with one name counts.

        Raises:
            ConfigError: A tool has a name that no model may use, or there are too many.
        """
        self._call = call
        self._pool = pool
        self._tools: dict[str, Tool] = {}
        for each in tools:
            if _NAME.fullmatch(each.name) is None or each.name == END_CALL:
                raise ConfigError(f"a tool cannot be named {each.name!r}")
            self._tools.setdefault(each.name, each)
        if len(self._tools) > MAX_TOOLS:
            raise ConfigError(f"{len(self._tools)} tools are more than a model can be told of ({MAX_TOOLS})")

    @property
    def schemas(self) -> list[Mapping[str, Any]]:
        """What the model is told of them."""
        told = [
            {
                "type": "function",
                "function": {"name": each.name, "description": each.description, "parameters": each.parameters},
            }
            for each in self._tools.values()
        ]
        return [*told, _END_CALL_SCHEMA]

    def get(self, name: str) -> Tool | None:
        """A tool, if there is one of that name."""
        return self._tools.get(name)

    async def run(self, wanted: ToolCall) -> Ran:
        """Run a tool; whatever is wrong with it or its arguments is its result."""
        now = asyncio.get_running_loop().time
        began = now()
        reason = ""
        try:
            ran = Ran(*await self._run(wanted))
        except ToolError as error:
            reason = error.message
            ran = Ran(f"Error: {reason}", ok=False)
        except TimeoutError:
            reason = "it took too long"
            ran = Ran(f"Error: {reason}", ok=False)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            log.exception("tool_failed", call=self._call.id, tool=wanted.name, error=reason)
            ran = Ran("Error: it failed", ok=False)
        self._call.conversation.chronicle.tell(
            ToolRan, tool=wanted.name[:64], ok=ran.ok, ms=round(1000 * (now() - began)), reason=reason[:200]
        )
        return ran

    async def _run(self, wanted: ToolCall) -> tuple[str, bool, Transfer | None]:
        known = self._tools.get(wanted.name)
        if known is None:
            raise ToolError(f"there is no tool of that name; there are {', '.join([*self._tools, END_CALL])}")
        arguments = arguments_of(wanted)
        async with asyncio.timeout(known.timeout_s):
            value = await known.run(self._call, arguments, self._pool)
        if isinstance(value, Transfer):
            return "The caller is being handed over.", True, value
        return result_text(value), True, None


def arguments_of(wanted: ToolCall) -> Mapping[str, Any]:
    """What the model gave.

    Raises:
        ToolError: It is no JSON object.
    """
    try:
        arguments = json.loads(wanted.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise ToolError("the arguments are no JSON object")
    return arguments


def result_text(value: object) -> str:
    """A result as a model reads it."""
    if value is None:
        return "Done."
    text = value if isinstance(value, str) else to_json(value, fallback=str).decode()
    return text if len(text) <= MAX_RESULT else f"{text[:MAX_RESULT]} [cut off]"

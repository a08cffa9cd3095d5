"""What a dialplan author imports.

A dialplan is an async function of one `Call`::

    from media_server.dialplan import Call

    async def hello(call: Call) -> None:
        await call.say("Hello.")
        async for turn in call.turns():
            await call.say(f"You said {turn.text}")

Returning hangs up, once the last words were heard. When the caller leaves first, the next await raises `CallEnded`.
"""

from media_server.dialplan.agent.agent import Agent
from media_server.dialplan.agent.http_tool import http_tools
from media_server.dialplan.agent.mcp_tools import mcp_tools
from media_server.dialplan.agent.outcome import Outcome
from media_server.dialplan.agent.tool import tool
from media_server.dialplan.agent.words import AgentWords
from media_server.dialplan.call import Call
from media_server.dialplan.say import Said
from media_server.dialplan.transfer import Transfer
from media_server.dialplan.turns import Turn
from media_server.errors import CallEnded, ToolError

__all__ = [
    "Agent",
    "AgentWords",
    "Call",
    "CallEnded",
    "Outcome",
    "Said",
    "ToolError",
    "Transfer",
    "Turn",
    "http_tools",
    "mcp_tools",
    "tool",
]

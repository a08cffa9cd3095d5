"""What a dialplan author imports.

A dialplan is an async function of one `Call`::

    from media_server.dialplan import Call

    async def hello(call: Call) -> None:
        await call.say("Hello.")
        async for turn in call.turns():
            await call.say(f"You said {turn.text}")

Returning hangs up, once the last words were heard. When the caller leaves first, the next await raises `CallEnded`.
"""

from media_server.audio.tones import BEEP, Tone
from media_server.dialplan.agent.agent import Agent
from media_server.dialplan.agent.http_tool import http_tools
from media_server.dialplan.agent.mcp_tools import mcp_tools
from media_server.dialplan.agent.outcome import Outcome
from media_server.dialplan.agent.tool import tool
from media_server.dialplan.agent.words import AgentWords
from media_server.dialplan.call import Call
from media_server.dialplan.play import Played
from media_server.dialplan.record import Recorded
from media_server.dialplan.run import Ran
from media_server.dialplan.say import Said
from media_server.dialplan.slots import Choice, Date, Digits, Email, Name, Number, Slot, Text, Time, YesNo, spell
from media_server.dialplan.transfer import Transfer, Transferred
from media_server.dialplan.turns import Turn
from media_server.dialplan.webhook import Webhook, WebhookSettings
from media_server.errors import (
    CallEnded,
    DeadlineExceeded,
    EngineError,
    HookError,
    InvalidVerbs,
    NoAnswer,
    NotFound,
    PeerError,
    ToolError,
)

__all__ = [
    "BEEP",
    "Agent",
    "AgentWords",
    "Call",
    "CallEnded",
    "Choice",
    "Date",
    "DeadlineExceeded",
    "Digits",
    "Email",
    "EngineError",
    "HookError",
    "InvalidVerbs",
    "Name",
    "NoAnswer",
    "NotFound",
    "Number",
    "Outcome",
    "PeerError",
    "Played",
    "Ran",
    "Recorded",
    "Said",
    "Slot",
    "Text",
    "Time",
    "Tone",
    "ToolError",
    "Transfer",
    "Transferred",
    "Turn",
    "Webhook",
    "WebhookSettings",
    "YesNo",
    "http_tools",
    "mcp_tools",
    "spell",
    "tool",
]

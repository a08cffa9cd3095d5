"""What a dialplan author imports.

A dialplan is an async function of one `Call`::

    from media_server.dialplan import Call

    async def hello(call: Call) -> None:
        await call.say("Hello.")
        async for turn in call.turns():
            await call.say(f"You said {turn.text}")

Returning hangs up, once the last words were heard. When the caller leaves first, the next await raises `CallEnded`.
"""

from media_server.dialplan.call import Call
from media_server.dialplan.run import Ran
from media_server.dialplan.say import Said
from media_server.dialplan.turns import Turn
from media_server.dialplan.webhook import Webhook, WebhookSettings
from media_server.errors import CallEnded, HookError

__all__ = ["Call", "CallEnded", "HookError", "Ran", "Said", "Turn", "Webhook", "WebhookSettings"]

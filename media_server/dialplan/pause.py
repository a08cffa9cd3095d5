"""`pause`: nothing, for a while."""

import asyncio

from media_server.call.conversation import Conversation


async def pause(conversation: Conversation, seconds: float) -> None:
    """Say nothing for so long; what the caller says meanwhile is kept.

    Raises:
        CallEnded: The caller left.
    """
    with conversation.filler.theirs():
        await conversation.alive(asyncio.sleep(max(0.0, seconds)))

"""`echo`: the caller's own sound, straight back. No engine takes part."""

from media_server.call.conversation import Conversation
from media_server.call.leg import Leg
from media_server.turn.utterance import Utterance


async def echo(conversation: Conversation) -> None:
    """Send back what comes, as it comes, until the caller hangs up.

    Raises:
        CallEnded: The caller hung up.
    """
    with conversation.filler.theirs():
        await conversation.alive(_loop(conversation.leg))


async def _loop(leg: Leg) -> None:
    queue = leg.listen()
    utterance = Utterance("echo", live=True)
    leg.playout.open(utterance)
    while (frame := await queue.get()) is not None:
        leg.playout.push(utterance, frame.pcm)
        leg.wake()

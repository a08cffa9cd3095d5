"""What a caller is told before their call is recorded."""

from media_server.call.conversation import Conversation, Plan
from media_server.turn.barge_in import BargeIn


def with_consent(plan: Plan, text: str) -> Plan:
    """A plan that begins with this announcement; the recorder, paused till then, goes on once all of it was heard.

    An announcement that cannot be spoken ends the call as any words would: nobody is recorded without having heard it.
    """

    async def perform(conversation: Conversation) -> None:
        speaking = conversation.voice.say(text, barge_in=BargeIn.OFF)
        await conversation.alive(speaking.over.wait())
        if speaking.failure is not None:
            raise speaking.failure
        if conversation.kept.recorder is not None and speaking.complete:
            conversation.kept.recorder.resume()
        await plan(conversation)

    return perform

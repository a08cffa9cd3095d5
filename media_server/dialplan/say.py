"""`say`: text to the caller's ear."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from media_server.call.conversation import Conversation
from media_server.call.voice import Speaking


@dataclass(frozen=True, slots=True)
class Said:
    """What became of something that was said.

    Attributes:
        heard: The words that the caller heard.
        complete: All of it.
    """

    heard: str
    complete: bool


async def say(conversation: Conversation, text: str | AsyncIterator[str]) -> Said:
    """Say it after all that was said before, and wait until it was heard.

    Raises:
        CallEnded: The caller left first.
        EngineError: It could not be made.
    """
    conversation.listen()  # from the first word on, the caller is heard too
    return await heard(conversation, conversation.voice.say(text, turn=conversation.chronicle.unanswered))


async def heard(conversation: Conversation, speaking: Speaking) -> Said:
    """Wait until something was heard to its end."""
    await conversation.alive(speaking.over.wait())
    if speaking.failure is not None:
        raise speaking.failure
    return Said(conversation.voice.heard(speaking), speaking.complete)

"""`say`: text to the caller's ear."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from media_server.call.conversation import Conversation
from media_server.call.speaking import Speaking
from media_server.turn.barge_in import BargeIn

Interruptible: TypeAlias = bool | Literal["words"]
"""Whether the caller may interrupt: by any voice (True), not at all, or by words only ("mhm" and noises never do)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of something that was said.

    Attributes:
        heard: The words that the caller heard.
        complete: All of it; else the caller interrupted.
    """

    heard: str
    complete: bool


def barge_in_of(barge_in: Interruptible) -> BargeIn:
    """What the floor calls it."""
    if barge_in == "words":
        return BargeIn.WORDS
    return BargeIn.ON if barge_in else BargeIn.OFF


async def say(
    conversation: Conversation, text: str | AsyncIterator[str], *, barge_in: Interruptible = True, voice: str = ""
) -> Said:
    """Say it after all that was said before, and wait until it was heard, or interrupted.

    Raises:
        CallEnded: The caller left first.
        EngineError: It could not be made.
    """
    conversation.listen()  # from the first word on, the caller is heard too
    turn = conversation.chronicle.unanswered
    speaking = conversation.voice.say(text, barge_in=barge_in_of(barge_in), turn=turn, voice=voice)
    return await heard(conversation, speaking)


async def heard(conversation: Conversation, speaking: Speaking) -> Said:
    """Wait until something is over."""
    await conversation.alive(speaking.over.wait())
    if speaking.failure is not None:
        raise speaking.failure
    return Said(conversation.voice.heard(speaking), speaking.complete)

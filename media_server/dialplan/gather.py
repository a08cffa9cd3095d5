"""`gather`: one attempt at an answer."""

from typing import Any, TypeVar

from media_server.call.conversation import Conversation
from media_server.call.events import SlotHeard
from media_server.call.speaking import Speaking
from media_server.dialplan.answering import Answer, Answering
from media_server.dialplan.say import Interruptible, barge_in_of
from media_server.dialplan.slots.slot import Slot

T = TypeVar("T")


async def gather(
    conversation: Conversation,
    slot: Slot[T],
    *,
    question: str = "",
    timeout_s: float | None = None,
    barge_in: Interruptible = True,
    name: str = "",
) -> T | None:
    """Put a question, and take the answer that fits; None where none came.

    Raises:
        CallEnded: The caller left.
        EngineError: Speech failed.
    """
    texts = [question] if question else []
    answer = await attempt(conversation, slot, texts, timeout_s=timeout_s, barge_in=barge_in)
    tell(conversation, name, slot, answer)
    value: T | None = answer.value
    return value


async def attempt(
    conversation: Conversation,
    slot: Slot[Any],
    texts: list[str],
    *,
    timeout_s: float | None = None,
    barge_in: Interruptible = True,
) -> Answer:
    """Say these texts, one after the other, and listen for an answer from the first word of the last one on.

    Raises:
        CallEnded: The caller left.
        EngineError: Speech failed.
    """
    conversation.listen()
    turn = conversation.chronicle.unanswered
    asked = [conversation.voice.say(text, barge_in=barge_in_of(barge_in), turn=turn) for text in texts]
    for number, speaking in enumerate(asked):
        speaking.followers = asked[number + 1 :]
    no_input_s = conversation.speech.no_input_s if timeout_s is None else timeout_s
    answering = Answering(
        conversation, slot, no_input_s=no_input_s, since=conversation.now(), asked=lambda: _sounds(asked)
    )
    answer = await answering.run()
    if barge_in:  # who has answered already need not hear what is left of the question
        for speaking in asked:
            conversation.voice.withdraw(speaking)
    _check(asked)
    return answer


def tell(conversation: Conversation, name: str, slot: Slot[Any], answer: Answer) -> None:
    """Tell what a slot was filled with, or that it was not."""
    conversation.chronicle.tell(
        SlotHeard,
        name=name or type(slot).__name__.lower(),
        filled=answer.fits,
        value=slot.spoken(answer.value) if answer.fits and not slot.secret else None,
        secret=slot.secret,
    )


def _sounds(asked: list[Speaking]) -> bool:
    """Whether the last of it has begun to sound, or never will."""
    return not asked or asked[-1].utterance.begun or asked[-1].over.is_set()


def _check(asked: list[Speaking]) -> None:
    """Raise what went wrong with the question."""
    for speaking in asked:
        if speaking.failure is not None:
            raise speaking.failure

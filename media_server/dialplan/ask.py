"""`ask`: a question until it is answered, or it is no use.

The first time as it stands; then after an apology, in the author's other words where there are some; the third time
with how to give the answer by keys. With `confirm` what was understood is said back, and corrected where it is wrong.
"""

from typing import Any, TypeVar

from media_server.call.conversation import Conversation
from media_server.call.phrases import NOT_HEARD, NOT_UNDERSTOOD
from media_server.dialplan.gather import attempt, tell
from media_server.dialplan.say import Interruptible
from media_server.dialplan.slots.slot import Slot, Value
from media_server.dialplan.slots.text import Text
from media_server.dialplan.slots.yes_no import YesNo
from media_server.errors import NoAnswer

T = TypeVar("T")

KEYS_FROM = 2
"""The attempt from which on keys are offered, the first one being 0."""


async def ask(
    conversation: Conversation,
    question: str,
    slot: Slot[T],
    *,
    retries: int = 2,
    barge_in: Interruptible = True,
    confirm: str | bool = False,
    again: str = "",
    name: str = "",
) -> T:
    """Ask until there is an answer that fits, `retries` times more at most.

    Raises:
        NoAnswer: There was none.
        CallEnded: The caller left.
        EngineError: Speech failed.
    """
    if confirm and slot.secret:
        raise ValueError("a secret is not said back: confirm does not go with it")
    reason = ""
    for number in range(retries + 1):
        texts = question_texts(question, reason, number, again=again, keys_hint=slot.keys_hint)
        answer = await attempt(conversation, slot, texts, barge_in=barge_in)
        tell(conversation, name, slot, answer)
        reason = answer.reason
        if not answer.fits:
            continue
        value = await confirmed(conversation, slot, answer.value, confirm, name=name) if confirm else answer.value
        if value is not None:
            result: T = value
            return result
        reason = "corrected"
    raise NoAnswer(question, reason)


def question_texts(question: str, reason: str, number: int, *, again: str = "", keys_hint: str = "") -> list[str]:
    """What is said at the attempt of this number, after one that failed for this reason."""
    texts: list[str] = []
    if number and reason != "corrected":
        texts.append(NOT_HEARD if reason == "silence" else NOT_UNDERSTOOD)
    texts.append(again if number and again else question)
    if number >= KEYS_FROM and keys_hint:
        texts.append(keys_hint)
    return texts


async def confirmed(
    conversation: Conversation, slot: Slot[Any], value: Any, confirm: str | bool, *, name: str
) -> Any | None:
    """The value, once the caller has said that it is right; another one where they correct it; None: ask again."""
    for _ in range(2):
        said = slot.spoken(value)
        names = {name or "_": value, "value": said}
        text = f"{said}. Is that right?" if confirm is True else str(confirm).format(**names)
        answer = await attempt(conversation, YesNo(), [text])
        if answer.value is not False:
            return value if answer.fits else None
        corrected = slot.feed(answer.text)
        if isinstance(slot, Text) or not isinstance(corrected, Value):  # to a text, "no" is a text like any other
            return None
        value = corrected.value
    return None

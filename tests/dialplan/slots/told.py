"""What a slot says of an answer, in short."""

from typing import Any

from media_server.dialplan.slots import Slot, Value


def told(slot: Slot[Any], text: str, dtmf: str = "") -> Any:
    """The value, or the reason why there is none."""
    answer = slot.feed(text, dtmf)
    return answer.value if isinstance(answer, Value) else answer.reason

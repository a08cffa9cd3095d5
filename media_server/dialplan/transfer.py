"""`Transfer`: to whom a call is to be handed over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """A destination.

    Attributes:
        to: A number, or a SIP address.
        timeout_s: How long it may ring there.
        whisper: What the one who answers hears first.
        music: What the caller hears meanwhile.
    """

    to: str
    timeout_s: float = 20
    whisper: str = ""
    music: str = ""

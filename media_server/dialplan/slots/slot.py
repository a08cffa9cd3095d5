"""`Slot`: what a question wants to know, as data. Pure.

A slot is fed all that the caller has said (and pressed) in answer so far, and says whether that fills it. It knows
nothing of calls: the verb that asks (`ask.py`) listens, feeds, asks again, and tells the recogniser what to expect.
"""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)

Span: TypeAlias = tuple[int, int]
"""Where in the text something stands: `text[start:end]`."""


NOTHING_S = 6.0
"""The patience with a caller who has said nothing yet."""

NO_MATCH_S = 1.5
"""… who has said something else."""

BEGUN_S = 5.0
"""… who is in the middle of it, and may have to look up the rest."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Not filled yet.

    Attributes:
        patience_s: How long the caller may be silent before this is an answer that does not fit.
        reason: Why, as a word for events and reprompts: nothing, no_match, too_short, too_long, out_of_range,
            ambiguous.
        begun: Something of it is there (some of the digits): the caller is in the middle of it.
    """

    patience_s: float
    reason: str = "nothing"
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Value(Generic[T_co]):
    """Filled.

    Attributes:
        value: What the dialplan gets.
        open_ended: More may follow that would change it (seven digits, where up to fifteen are taken): a normal
            pause ends it, not a short one.
        span: Which part of the text it was, so that several slots can share a sentence; None for keys.
    """

    value: T_co
    open_ended: bool = False
    span: Span | None = None


class Slot(Protocol[T_co]):
    """What a question wants to know."""

    @property
    def secret(self) -> bool:
        """What is said and pressed for it goes into no log, transcript, recording or event."""
        ...

    @property
    def keyterms(self) -> tuple[str, ...]:
        """Names and terms that the recogniser should expect."""
        ...

    @property
    def keys_hint(self) -> str:
        """How to give it by keys, as a sentence to say; empty where keys are no use."""
        ...

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[T_co]:
        """What `text` (all words of the answer so far) and `dtmf` (all keys so far) come to. Never raises."""
        ...

    def spoken(self, value: Any) -> str:
        """A value of its, as words to say back to the caller."""
        ...

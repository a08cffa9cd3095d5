"""How an agent's conversation ended."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from media_server.dialplan.transfer import Transfer


class Ended(Enum):
    """It ended for itself.

    GOODBYE: they took leave, or the caller was silent for too long. LIMIT: of minutes, tokens or rounds of tools.
    DOWN: the model failed twice in a row.
    """

    GOODBYE = auto()
    LIMIT = auto()
    DOWN = auto()

    @property
    def goodbye(self) -> bool:
        """They took leave."""
        return self is Ended.GOODBYE

    @property
    def limit(self) -> bool:
        """A limit was reached."""
        return self is Ended.LIMIT

    @property
    def down(self) -> bool:
        """The model is down."""
        return self is Ended.DOWN


@dataclass(frozen=True, slots=True)
class HandOver(Transfer):
    """A tool wants the caller to be handed over: a `Transfer`, which answers what `Ended` answers too."""

    @classmethod
    def of(cls, transfer: Transfer) -> "HandOver":
        """The same, as an outcome."""
        return cls(transfer.to, transfer.timeout_s, transfer.whisper, transfer.music)

    @property
    def goodbye(self) -> bool:
        """They did not take leave."""
        return False

    @property
    def limit(self) -> bool:
        """No limit was reached."""
        return False

    @property
    def down(self) -> bool:
        """The model is not down."""
        return False


Outcome: TypeAlias = Ended | HandOver
"""What `Agent.talk` returns: has `goodbye`, `limit` and `down`, and may be a `Transfer`."""

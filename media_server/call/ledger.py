"""Where every sample of the caller went."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """The books of one leg's incoming sound, in samples at the leg's rate.

    ``received + filled = delivered + dropped + unlistened`` at the end of every call.

    Attributes:
        received: Samples that came over the wire.
        filled: Silence put in place of what the wire lost.
        delivered: Handed to a listener (the recogniser, an echo).
        dropped: Thrown away, by reason.
        unlistened: Came while nobody listened.
    """

    received: int = 0
    filled: int = 0
    delivered: int = 0
    unlistened: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def balances(self) -> bool:
        """Whether nothing was lost unnoticed."""
        return self.received + self.filled == self.delivered + self.unlistened + self.dropped.total()

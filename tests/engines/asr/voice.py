"""A voice for tests without models: a sample of 1 is voiced, one of 0 is silence."""

from engines.ports import Samples


class Voice:
    """A `VadStream` that is certain."""

    def __init__(self, window: int) -> None:
        self.window = window

    def probability(self, window: Samples) -> float:
        return float(window.max() > 0)

    def reset(self) -> None:
        pass

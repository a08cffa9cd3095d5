"""What takes our own voice out of what comes in; and nothing, for a wire that brings none of it back. Pure."""

from typing import Protocol

OURS = 0.8
"""The share of sound that is ours, from which on it is taken for nothing else."""


class EchoFilter(Protocol):
    """One leg's. Times are monotonic seconds; sound is 16-bit mono."""

    def sent(self, pcm: bytes, at: float) -> None:
        """Ours; it sounds at the far end from `at` on."""
        ...

    def receive(self, pcm: bytes, at: float) -> bytes:
        """The caller's sound, spoken into the wire from `at` on; returns it without ours."""
        ...

    def share(self, begin: float, end: float) -> float:
        """What part of the frames with sound that came between these times was ours and nothing else, 0 to 1."""
        ...


class NoEcho:
    """For a wire without an echo."""

    def __init__(self, sample_rate: int) -> None:
        """Any rate will do."""

    def sent(self, pcm: bytes, at: float) -> None:
        """See `EchoFilter`."""

    def receive(self, pcm: bytes, at: float) -> bytes:  # noqa: ARG002 - nothing comes back at any time
        """See `EchoFilter`."""
        return pcm

    def share(self, begin: float, end: float) -> float:  # noqa: ARG002 - nothing comes back at any time
        """See `EchoFilter`."""
        return 0.0

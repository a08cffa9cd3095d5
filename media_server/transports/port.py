"""`MediaPort`: where a leg's audio enters and leaves, whatever the wire.

Above this nobody knows mu-law, RTP or Twilio. A port delivers linear PCM at its own rate, already placed in time:
losses are filled with silence and marked so, late repeats are reported as dropped, so that a leg's books can balance.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from media_server.audio.frame import AudioFrame


@dataclass(frozen=True, slots=True)
class AudioArrived:
    """The next piece of the far end's sound. `filled`: silence in place of what the wire lost."""

    frame: AudioFrame
    filled: bool = False


@dataclass(frozen=True, slots=True)
class AudioDropped:
    """Samples that arrived but cannot be used (`late`, `bad_payload`, ...)."""

    samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class DigitArrived:
    """A key was pressed: one of 0-9, *, #, A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """The far end played everything sent before this mark, or a clear threw it away."""

    name: str


PortEvent: TypeAlias = AudioArrived | AudioDropped | DigitArrived | MarkReturned


class MediaPort(Protocol):
    """One party's audio, both ways. Used by one reader and one writer task."""

    sample_rate: int
    """Hz, both ways."""

    lead_s: float
    """How far ahead of real time the far end wants to be sent to."""

    step_ms: int
    """How much sound may be sent at once, a multiple of the packet time."""

    marks: bool
    """Whether the far end returns what `send_mark` sends; else the clock alone says what was heard."""

    def events(self) -> AsyncIterator[PortEvent]:
        """What arrives, in order, until the far end is gone; then `ended_reason` says why."""
        ...

    @property
    def ended_reason(self) -> str:
        """Why `events` ended: caller_hangup, media_timeout, connection_lost, protocol_error, closed."""
        ...

    async def send(self, pcm: bytes) -> None:
        """Send linear PCM at `sample_rate`; a whole number of samples."""
        ...

    async def send_mark(self, name: str) -> None:
        """Ask to be told when everything sent so far was played."""
        ...

    async def clear(self) -> None:
        """Throw away what was sent and is not played yet."""
        ...

    async def aclose(self) -> None:
        """Hang up this wire. Idempotent."""
        ...

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
class TextArrived:
    """The far end typed this in place of saying it: a turn of its own. A port takes 2,000 characters at most."""

    text: str


@dataclass(frozen=True, slots=True)
class MarkReturned:
    """The far end played everything sent before this mark, or a clear threw it away."""

    name: str


@dataclass(frozen=True, slots=True)
class WireLeft:
    """The network has the call for itself (it is dialling for us, or plays keys): nothing comes, and nobody hears us.

    The events go on with `WireBack`, or end.
    """


@dataclass(frozen=True, slots=True)
class WireBack:
    """Sound goes both ways again. What came and went before it is another stream's: no mark of it comes back.

    Positions go on where they were: the time in between is no sound, so books and recordings know nothing of it.
    """


PortEvent: TypeAlias = AudioArrived | AudioDropped | DigitArrived | TextArrived | MarkReturned | WireLeft | WireBack


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Whom to connect the far end with.

    Attributes:
        to: E.164 or a SIP URI; checked, and allowed.
        timeout_s: How long it may ring.
        whisper: What the one who is called hears first, and the far end does not; may be empty.
        music: What the far end hears meanwhile, where the wire knows it by that name; empty: its ring-back tone.
    """

    to: str
    timeout_s: float
    whisper: str = ""
    music: str = ""


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of it: they have talked (`ok`, completed), or busy, no_answer, failed, canceled."""

    ok: bool
    reason: str


class CallControl(Protocol):
    """What a wire can do with a call beyond its sound. One order at a time."""

    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        """Connect the far end with somebody else; returns when they have talked, or the far end is back with us.

        Raises:
            CallEnded: The far end hung up meanwhile, or nothing was heard of it any more.
        """
        ...

    async def send_digits(self, digits: str) -> None:
        """Have the network play keys to the far end; returns when sound goes both ways again.

        Raises:
            ProviderError: It does not.
            CallEnded: The far end hung up meanwhile.
        """
        ...


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

    @property
    def control(self) -> CallControl | None:
        """What can be done with the call beyond its sound; None on a wire that carries nothing else."""
        ...

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

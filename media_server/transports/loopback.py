"""A wire inside the process: for dialplans without a phone, and for tests.

The far end plays what it is sent in real time from its arrival, returns marks when what was before them was played, and
throws away what is left on a clear, as a telephone network does.
"""

import asyncio
from collections.abc import AsyncIterator

from media_server.audio.frame import BYTES_PER_SAMPLE, PTIME_MS, TELEPHONE_RATE, AudioFrame
from media_server.transports.port import AudioArrived, CallControl, DigitArrived, MarkReturned, PortEvent, TextArrived


class LoopbackPort:
    """A `MediaPort` whose far end is this process: `hear`, `press`, `type` and `hang_up` are what the far end does.

    Attributes:
        played: What the far end has got to play, with the loop's time at which each piece begins to sound.
        control: What the wire can do beyond sound, if it is given something.
    """

    step_ms = PTIME_MS
    marks = True

    def __init__(self, *, lead_s: float = 0.2, sample_rate: int = TELEPHONE_RATE) -> None:
        self.sample_rate = sample_rate
        self.lead_s = lead_s
        self.control: CallControl | None = None
        self.ended_reason = "closed"
        self.played: list[tuple[float, bytes]] = []
        self._events: asyncio.Queue[PortEvent | None] = asyncio.Queue()
        self._position = 0
        self._played_until = 0.0
        self._marks: list[tuple[asyncio.TimerHandle, str]] = []
        self._loop = asyncio.get_running_loop()

    # --- the far end ---------------------------------------------------------------------------------------------

    def hear(self, pcm: bytes) -> None:
        """The far end makes this sound."""
        self._events.put_nowait(AudioArrived(AudioFrame(pcm, self.sample_rate, self._position)))
        self._position += len(pcm) // BYTES_PER_SAMPLE

    def press(self, digit: str) -> None:
        """The far end presses a key."""
        self._events.put_nowait(DigitArrived(digit))

    def type(self, text: str) -> None:
        """The far end types something."""
        self._events.put_nowait(TextArrived(text))

    def hang_up(self, reason: str = "caller_hangup") -> None:
        """The far end is gone."""
        self.ended_reason = reason
        self._events.put_nowait(None)

    # --- MediaPort -----------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[PortEvent]:
        """What the far end does, in order."""
        while (event := await self._events.get()) is not None:
            yield event

    async def send(self, pcm: bytes) -> None:
        """The far end queues it for playing."""
        begins = max(self._loop.time(), self._played_until)
        self.played.append((begins, pcm))
        self._played_until = begins + len(pcm) / BYTES_PER_SAMPLE / self.sample_rate

    async def send_mark(self, name: str) -> None:
        """The far end returns it in time."""
        timer = self._loop.call_at(max(self._loop.time(), self._played_until), self._return, name)
        self._marks.append((timer, name))

    async def clear(self) -> None:
        """The far end forgets what it has not played, and returns all marks."""
        now = self._loop.time()
        self.played = [(begins, pcm) for begins, pcm in self.played if begins < now]
        self._played_until = min(self._played_until, now)
        for timer, name in self._marks:
            timer.cancel()
            self._events.put_nowait(MarkReturned(name))
        self._marks.clear()

    async def aclose(self) -> None:
        """Hang up."""
        for timer, _ in self._marks:
            timer.cancel()
        self._events.put_nowait(None)

    def _return(self, name: str) -> None:
        self._marks = [(timer, each) for timer, each in self._marks if each != name]
        self._events.put_nowait(MarkReturned(name))

"""The wire of a test: a `MediaPort` whose far end is a scripted caller.

It takes sound in large steps and plays it by the clock, so that a minute of call is a few hundred things to do. The
caller's own sound comes once a second and wherever their voice begins or ends; what is said in it the recogniser of
the test knows from elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from media_server.audio.frame import BYTES_PER_SAMPLE, PTIME_MS, TELEPHONE_RATE, AudioFrame
from media_server.testing.ear import Ear
from media_server.transports.port import AudioArrived, CallControl, DigitArrived, PortEvent, WireBack, WireLeft

STEP_MS = 20 * PTIME_MS
EVERY_S = 1.0
_VOICE = b"\x00\x10\x00\xf0"
"""Two samples of a voice."""


class CallersPort:
    """One caller's end. `changed` is called when there is something new to hear, or to hear no more."""

    sample_rate = TELEPHONE_RATE
    lead_s = 0.04
    step_ms = STEP_MS
    marks = False

    def __init__(self, ear: Ear, *, voiced: Callable[[float, float], bool]) -> None:
        """`voiced`: whether the caller speaks between two times."""
        self.ear = ear
        self.ended_reason = "closed"
        self.changed: Callable[[], None] = lambda: None
        self.control: CallControl | None = None
        self._left_at: float | None = None
        self._voiced = voiced
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[PortEvent | None] = asyncio.Queue()
        self._began_at = self._loop.time()
        self._position = 0
        self._played_until = 0.0
        self._tick = self._loop.call_later(PTIME_MS / 1000, self._pass_on)

    # --- the caller --------------------------------------------------------------------------------------------------

    @property
    def heard_until(self) -> float:
        """Up to when the caller's sound has come over the wire, in monotonic seconds."""
        return self._began_at + self._position / self.sample_rate

    def hear(self) -> None:
        """The caller's sound up to now comes over the wire."""
        now = self._loop.time()
        samples = round((now - self.heard_until) * self.sample_rate)
        if samples <= 0 or self._left_at is not None:
            return
        voice = self._voiced(self.heard_until, now)
        pcm = (
            (_VOICE * (samples // 2 + 1))[: samples * BYTES_PER_SAMPLE] if voice else bytes(samples * BYTES_PER_SAMPLE)
        )
        self._events.put_nowait(AudioArrived(AudioFrame(pcm, self.sample_rate, self._position)))
        self._position += samples

    def press(self, digit: str) -> None:
        """The caller presses a key."""
        self.hear()
        self._events.put_nowait(DigitArrived(digit))

    def hang_up(self) -> None:
        """The caller is gone."""
        self.hear()
        self.ended_reason = "caller_hangup"
        self._end()

    def go_away(self, away: bool) -> None:
        """The network has the caller for itself, or gives them back: what passes meanwhile is no sound."""
        now = self._loop.time()
        if away:
            self.hear()
            self._left_at = now
            self._events.put_nowait(WireLeft())
        elif self._left_at is not None:
            self._began_at += now - self._left_at
            self._left_at = None
            self._events.put_nowait(WireBack())

    def _pass_on(self) -> None:
        self.hear()
        self._tick = self._loop.call_later(EVERY_S, self._pass_on)

    def _end(self) -> None:
        self._tick.cancel()
        self._events.put_nowait(None)

    # --- MediaPort ---------------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[PortEvent]:
        """What the caller does, in order."""
        while (event := await self._events.get()) is not None:
            yield event

    async def send(self, pcm: bytes) -> None:
        """The caller's end plays it behind what it plays."""
        if self._left_at is not None:
            return
        begins = max(self._loop.time(), self._played_until)
        self._played_until = begins + len(pcm) / BYTES_PER_SAMPLE / self.sample_rate
        self.ear.receive(pcm, begins)
        self.changed()

    async def send_mark(self, name: str) -> None:
        """Nothing comes back: the clock says what was heard."""

    async def clear(self) -> None:
        """The caller's end plays no more of what it has."""
        now = self._loop.time()
        self._played_until = min(self._played_until, now)
        self.ear.clear(now)
        self.changed()

    async def aclose(self) -> None:
        """Hang up."""
        self._end()

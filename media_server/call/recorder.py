"""The sound of a call into a file, while it lives: both sides of it, or the caller's alone.

A recorder listens to a leg from its making to `aclose`. It costs the call a copy of each frame; the files are the
thread's (`sound_files.py`), the places those of `sound_track.py`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from media_server.audio.frame import AudioFrame
from media_server.call.leg import Leg
from media_server.call.record import RecordingRecord
from media_server.call.sound_files import FileThread, WavFile
from media_server.call.sound_track import SoundTrack
from media_server.telemetry import metrics

CLOSE_S = 2.0
"""How long the last sound may take to be written."""

Sides: TypeAlias = Literal["both", "caller"]


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """How long, and how large, one file may become."""

    seconds: float = 2 * 3600.0
    size: int = 512 << 20


class Recorder:
    """Records a leg from now on.

    Attributes:
        path: The file; it is there soon, and good at any time.
        on_change: Told whether it records from now on, at `pause` and `resume`.
    """

    def __init__(
        self,
        leg: Leg,
        path: Path,
        thread: FileThread,
        *,
        sides: Sides = "both",
        limits: RecordingLimits | None = None,
    ) -> None:
        """`sides`: "both" makes a stereo file (left caller, right agent), "caller" a mono one."""
        rate = leg.port.sample_rate
        self.path = path
        self.on_change: Callable[[bool], None] = lambda _on: None
        self._leg = leg
        self._rate = rate
        self._thread = thread
        self._limits = limits or RecordingLimits()
        self._track = SoundTrack(rate, leg.position, ours=sides == "both")
        self._most = self._most_samples()
        self._file = WavFile(path, channels=self._track.channels, sample_rate=rate)
        self._begun_at, self._begun_s = leg.now(), leg.position / rate
        self._problem = ""
        self._closed = False
        self._submit(self._file.begin)
        leg.on_arrived.append(self._arrived)
        leg.on_sent.append(self._track.send)
        leg.on_cleared.append(self._track.clear)

    @property
    def paused(self) -> bool:
        """Whether both sides are silent for now."""
        return self._track.paused

    def pause(self) -> None:
        """Keep nothing of what is said from now on; time goes on in the file."""
        if not self.paused:
            self._track.pause(self._leg.now())
            self.on_change(False)

    def resume(self) -> None:
        """Keep it again."""
        if self.paused:
            self._track.resume()
            self.on_change(True)

    async def aclose(self, *, seconds: float | None = None) -> RecordingRecord:
        """The end: write what there is, and say what that was. `seconds`: no more than so much from the beginning."""
        self._stop()
        for block in self._track.rest(self._leg.now(), self._place):
            self._write(block.sample, block.pcm)
        kept = None if seconds is None else round(seconds * self._rate)
        self._submit(lambda: self._file.end(kept))
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.wrap_future(self._thread.finished())
        except (TimeoutError, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            self._problem = self._problem or "backlog"
        problem = self._problem or self._file.problem or ("late" if self._track.late else "")
        metrics.RECORDINGS.labels(outcome="incomplete" if problem else "complete").inc()
        return RecordingRecord(
            seconds=round(self._file.seconds, 3), size=self._file.size, complete=not problem, problem=problem
        )

    def _stop(self) -> None:
        if not self._closed:
            self._closed = True
            self._leg.on_arrived.remove(self._arrived)
            self._leg.on_sent.remove(self._track.send)
            self._leg.on_cleared.remove(self._track.clear)

    def _arrived(self, frame: AudioFrame) -> None:
        self._track.receive(frame)
        for block in self._track.due(self._place):
            self._write(block.sample, block.pcm)

    def _write(self, sample: int, pcm: bytes) -> None:
        size = 2 * self._track.channels
        room = max(0, self._most - sample)
        if room * size < len(pcm):
            pcm, self._problem = pcm[: room * size], "limit"
        if pcm:
            self._submit(lambda: self._file.put(sample, pcm))

    def _submit(self, job: Callable[[], None]) -> None:
        if not self._thread.submit(job):
            self._problem = "backlog"

    def _place(self, at: float) -> float:
        """The caller's seconds at a monotonic time; where the caller has sent no sound, by the clock alone."""
        arrivals = self._leg.arrivals
        return arrivals.seconds_at(at) if arrivals.known else self._begun_s + at - self._begun_at

    def _most_samples(self) -> int:
        return min(int(self._limits.seconds * self._rate), self._limits.size // (2 * self._track.channels))


@dataclass(frozen=True, slots=True)
class Recording:
    """Where the sound of calls is kept, and whether it is.

    Attributes:
        folder: Where files go; `ID.wav` is a call's, `ID-1.wav` and so on what its dialplan recorded.
        thread: Writes them.
        calls: Whether calls are recorded from their beginning to their end.
        consent: What callers are told before that begins; empty: nothing.
        limits: Of one file.
    """

    folder: Path
    thread: FileThread
    calls: bool
    consent: str = ""
    limits: RecordingLimits = RecordingLimits()

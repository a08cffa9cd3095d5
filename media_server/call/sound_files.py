"""Files of calls that are live, written by one thread: a disk that hangs or is full holds up no call.

`FileThread.submit` never waits: what finds no room in its queue is left out, and whoever submitted it says so in the
call's record. The files are their owner's only (0600), and good at any time: a WAV's header is written anew behind each
block, so that a crash leaves a file that plays.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import structlog

from media_server.audio.wav_header import HEADER_BYTES, wav_header

MAX_WAITING = 2000
"""Blocks that may wait: half a minute of thirty calls on a disk that hangs."""

log = structlog.get_logger(__name__)


class FileThread:
    """The thread; it starts with the first job, and ends with the process."""

    def __init__(self, waiting: int = MAX_WAITING) -> None:
        self._jobs: queue.Queue[Callable[[], None]] = queue.Queue(waiting)
        self._thread: threading.Thread | None = None

    def submit(self, job: Callable[[], None]) -> bool:
        """Have it done, in order; False where there is no room. A job must not raise."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
            self._thread.start()
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def finished(self) -> "Future[None]":
        """Done when all that was submitted before is; cancelled where there is no room for the question."""
        future: Future[None] = Future()

        def answer() -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

        if not self.submit(answer):
            future.cancel()
        return future

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:
                log.exception("recording_job_failed")


class OwnedFile:
    """A new file of ours, written at any place. Used from the thread; `problem` and `size` may be read afterwards."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        """Why some of it is missing."""
        self.size = 0
        self._fd = -1

    def open(self) -> None:
        """Make it, and its folder."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._fail(error)

    def write(self, offset: int, data: bytes) -> bool:
        """Write at a place; where that fails, the rest of the file is tried all the same."""
        if self._fd < 0:
            return False
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], offset + written)
        except OSError as error:
            self._fail(error)
            return False
        self.size = max(self.size, offset + len(data))
        return True

    def append(self, data: bytes) -> None:
        """Write at the end."""
        self.write(self.size, data)

    def truncate(self, size: int) -> None:
        """Leave out what is behind this place."""
        if self._fd >= 0 and size < self.size:
            os.ftruncate(self._fd, size)
            self.size = size

    def close(self) -> None:
        """Nothing more comes."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fail(self, error: OSError) -> None:
        if not self.problem:
            log.warning("recording_incomplete", file=self.path.name, error=error.strerror or str(error))
        self.problem = "disk"


class WavFile(OwnedFile):
    """A WAV of 16-bit PCM that grows. Used from the thread."""

    def __init__(self, path: Path, *, channels: int, sample_rate: int) -> None:
        super().__init__(path)
        self._channels = channels
        self._rate = sample_rate

    def begin(self) -> None:
        """Make it, without sound yet."""
        self.open()
        self._say_size()

    def put(self, sample: int, pcm: bytes) -> None:
        """Interleaved sound, from this sample of each channel on; what is left out between is silence."""
        if self.write(HEADER_BYTES + 2 * self._channels * sample, pcm):
            self._say_size()

    def end(self, samples: int | None = None) -> None:
        """No more sound comes; of what there is, so many samples of each channel are kept."""
        if samples is not None:
            self.truncate(HEADER_BYTES + 2 * self._channels * samples)
            self._say_size()
        self.close()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(0, self.size - HEADER_BYTES) / (2 * self._channels * self._rate)

    def _say_size(self) -> None:
        self.write(0, wav_header(max(0, self.size - HEADER_BYTES), channels=self._channels, sample_rate=self._rate))

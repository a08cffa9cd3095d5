"""One model, many streams: worker threads that take CPU-bound jobs by priority.

CTranslate2's own queue is first come, first served, so the order is made here, above it: a job is handed to the model
only when a thread is free for it. Within a lane the order is that of arrival. A job that nobody waits for any more
leaves the queue at once; one that already runs is let finish, its result forgotten. Used from one event loop.
"""

import asyncio
import threading
from collections.abc import Callable
from enum import IntEnum
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Lane(IntEnum):
    """What goes first. Finals are somebody waiting for an answer; files can wait."""

    FINAL = 0
    SPECULATIVE = 1
    PARTIAL = 2
    FILE = 3


class Job(Generic[T]):
    """A job in the queue, running or done; await `future` for its result."""

    def __init__(self, scheduler: "Scheduler", lane: Lane, work: Callable[[], T]) -> None:
        self.lane = lane
        self.queued_at = monotonic()
        self.work = work
        self._scheduler = scheduler
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()

    def cancel(self) -> None:
        """Nobody waits for it any more. Idempotent."""
        self._scheduler.forget(self)
        self.future.cancel()

    def promote(self, lane: Lane) -> None:
        """Move it to the end of a more urgent lane, if it still waits."""
        self._scheduler.promote(self, lane)

    def finish(self, result: T | None, error: BaseException | None) -> None:
        """Hand the result to the event loop; called by a worker thread."""
        try:
            self._loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Scheduler:
    """`workers` threads over priority lanes."""

    def __init__(self, workers: int, *, on_wait: Callable[[Lane, float], None] | None = None) -> None:
        """Start the threads. `on_wait` is told how many seconds each job waited; a worker thread calls it."""
        self._lanes: dict[Lane, dict[Job[Any], None]] = {lane: {} for lane in Lane}
        self._changed = threading.Condition()
        self._closed = False
        self._on_wait = on_wait
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, function: Callable[..., T], *args: Any) -> Job[T]:
        """Queue `function(*args)`."""
        job = Job(self, lane, lambda: function(*args))
        with self._changed:
            if self._closed:
                raise RuntimeError("the scheduler is closed")
            self._lanes[lane][job] = None
            self._changed.notify()
        return job

    async def run(self, lane: Lane, function: Callable[..., T], *args: Any) -> T:
        """Queue `function(*args)` and wait for its result; a cancelled wait takes it out of the queue."""
        job = self.submit(lane, function, *args)
        try:
            return await job.future
        finally:
            job.cancel()

    def waiting(self, lane: Lane) -> int:
        """Jobs in a lane that no thread has taken yet."""
        return len(self._lanes[lane])

    def forget(self, job: Job[Any]) -> None:
        """Take a job out of the queue, if it is still there."""
        with self._changed:
            self._lanes[job.lane].pop(job, None)

    def promote(self, job: Job[Any], lane: Lane) -> None:
        """Move a job to the end of a more urgent lane, if it still waits."""
        with self._changed:
            if lane < job.lane and job in self._lanes[job.lane]:
                del self._lanes[job.lane][job]
                job.lane = lane
                self._lanes[lane][job] = None

    def close(self) -> None:
        """Drop what waits, let what runs finish, end the threads. Blocks for one job at most."""
        with self._changed:
            self._closed = True
            dropped = [job for lane in self._lanes.values() for job in lane]
            for lane in self._lanes.values():
                lane.clear()
            self._changed.notify_all()
        for job in dropped:
            job.future.cancel()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            if self._on_wait is not None:
                self._on_wait(job.lane, monotonic() - job.queued_at)
            try:
                result = job.work()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the job
                job.finish(None, error)
            else:
                job.finish(result, None)
            del job

    def _next(self) -> Job[Any] | None:
        with self._changed:
            while not self._closed:
                for lane in self._lanes.values():
                    if lane:
                        job = next(iter(lane))
                        del lane[job]
                        return job
                self._changed.wait()
        return None

"""One model, many streams: worker threads that take CPU-bound jobs by priority.

CTranslate2's own queue is first come, first served, so the order is made here, above it: a job is handed to the model
only when a thread is free for it. Within a lane the earliest deadline goes first; a job without one is due when it
comes, which makes the order that of arrival. A job that nobody waits for any more leaves the queue at once; one that
already runs is let finish, its result forgotten. Files never take the last worker. Used from one event loop.
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
    FIRST_PARTIAL = 2
    PARTIAL = 3
    FILE = 4


class Job(Generic[T]):
    """A job in the queue, running or done; await `future` for its result."""

    def __init__(self, scheduler: "Scheduler", lane: Lane, work: Callable[[], T], deadline: float | None) -> None:
        self.lane = lane
        self.queued_at = monotonic()
        self.deadline = self.queued_at if deadline is None else deadline
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
        self._running: dict[int, tuple[Lane, float]] = {}
        self._workers = workers
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, function: Callable[..., T], *args: Any, deadline: float | None = None) -> Job[T]:
        """Queue `function(*args)`, whose result is needed at `deadline` (monotonic seconds; at once by default)."""
        job = Job(self, lane, lambda: function(*args), deadline)
        with self._changed:
            if self._closed:
                raise RuntimeError("the scheduler is closed")
            self._lanes[lane][job] = None
            self._changed.notify()
        return job

    async def run(self, lane: Lane, function: Callable[..., T], *args: Any, deadline: float | None = None) -> T:
        """Queue `function(*args)` and wait for its result; a cancelled wait takes it out of the queue."""
        job = self.submit(lane, function, *args, deadline=deadline)
        try:
            return await job.future
        finally:
            job.cancel()

    def waiting(self, lane: Lane) -> int:
        """Jobs in a lane that no thread has taken yet."""
        return len(self._lanes[lane])

    def oldest_wait(self, *lanes: Lane) -> float:
        """For how many seconds the oldest job of these lanes has waited; 0 when none does."""
        with self._changed:
            queued = [job.queued_at for lane in lanes for job in self._lanes[lane]]
        return monotonic() - min(queued) if queued else 0.0

    def stuck_for(self) -> float:
        """For how many seconds the oldest running job has been running; 0 when none does."""
        running = list(self._running.values())
        return monotonic() - min(since for _, since in running) if running else 0.0

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
            thread = threading.get_ident()
            self._running[thread] = job.lane, monotonic()
            try:
                result = job.work()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the job
                job.finish(None, error)
            else:
                job.finish(result, None)
            finally:
                del self._running[thread]
            if job.lane is Lane.FILE:
                with self._changed:
                    self._changed.notify()  # another file may have waited for its place
            del job

    def _may_take_file(self) -> bool:
        files = sum(lane is Lane.FILE for lane, _ in list(self._running.values()))
        return files < max(1, self._workers - 1)

    def _next(self) -> Job[Any] | None:
        with self._changed:
            while not self._closed:
                for lane, jobs in self._lanes.items():
                    if jobs and (lane is not Lane.FILE or self._may_take_file()):
                        job = min(jobs, key=lambda each: each.deadline)
                        del jobs[job]
                        return job
                self._changed.wait()
        return None

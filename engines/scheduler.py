"""One model, many streams: worker threads that take CPU-bound jobs by priority.

CTranslate2's own queue is first come, first served, so the order is made here, above it (`engines.lanes`): a job is
handed to the model only when a thread is free for it. A job that nobody waits for any more leaves the queue at once;
one that already runs is let finish, its result forgotten. Used from one event loop.

A GPU gets one worker, its owner; on a CPU there are as many as cores. Where several jobs wait whose work can be done
together (`Together`), a worker takes its share of them in one go.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic, TypeVar

from engines.lanes import AWAITED, Entry, Lane, Lanes
from engines.strain import Strain
from engines.waits import RecentWaits

T = TypeVar("T")
Item = TypeVar("Item")

STRAIN_FOR_S = 0.1
"""Every stream asks with every message, and looking costs 60 microseconds."""

STALLED_S = 1.0
"""A job that waits for so long is no burst."""

__all__ = ["Job", "Lane", "Scheduler", "Together"]


@dataclass(frozen=True, slots=True)
class Together(Generic[Item, T]):
    """Work that can be done on several items at once; those of one `bucket` fit together."""

    function: Callable[[Sequence[Item]], Sequence[T]]
    bucket: Hashable


class Job(Entry, Generic[T]):
    """A job in the queue, running or done; await `future` for its result."""

    def __init__(
        self,
        scheduler: "Scheduler",
        lane: Lane,
        work: Callable[[Sequence[Any]], Sequence[T]],
        item: Any,
        *,
        deadline: float | None,
        bucket: Hashable = None,
    ) -> None:
        now = monotonic()
        super().__init__(lane, now, now if deadline is None else deadline, bucket)
        self.work = work
        self.item = item
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

    def __init__(
        self,
        workers: int,
        *,
        most_together: int = 1,
        gather_s: float = 0.0,
        on_wait: Callable[[Lane, float], None] | None = None,
    ) -> None:
        """Start the threads. `on_wait` is told how many seconds each job waited; a worker thread calls it."""
        self._lanes: Lanes[Job[Any]] = Lanes(workers, most_together=most_together, gather_s=gather_s)
        self._changed = threading.Condition()
        self._closed = False
        self._on_wait = on_wait
        self._waits = RecentWaits()
        self._strain, self._strain_until = Strain.NONE, 0.0
        self._running: dict[int, tuple[Lane, float]] = {}
        self._threads = [
            threading.Thread(target=self._work, name=f"engine-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, function: Callable[..., T], *args: Any, deadline: float | None = None) -> Job[T]:
        """Queue `function(*args)`, whose result is needed at `deadline` (monotonic seconds; at once by default)."""
        return self._queue(Job(self, lane, lambda _: (function(*args),), None, deadline=deadline))

    def submit_together(self, lane: Lane, together: Together[Item, T], item: Item) -> Job[T]:
        """Queue `together.function` on this item, and on what else of its bucket waits when its turn comes."""
        return self._queue(Job(self, lane, together.function, item, deadline=None, bucket=together.bucket))

    async def run(self, lane: Lane, function: Callable[..., T], *args: Any, deadline: float | None = None) -> T:
        """Queue `function(*args)` and wait for its result; a cancelled wait takes it out of the queue."""
        job = self.submit(lane, function, *args, deadline=deadline)
        try:
            return await job.future
        finally:
            job.cancel()

    def waiting(self, lane: Lane) -> int:
        """Jobs in a lane that no thread has taken yet."""
        return self._lanes.waiting(lane)

    @property
    def wait_s(self) -> float:
        """What awaited jobs have waited of late, or the oldest one waits: where none begins, none has waited."""
        now = monotonic()
        with self._changed:
            oldest = self._lanes.oldest(*AWAITED)
        stalled = now - oldest if oldest is not None and now - oldest >= STALLED_S else 0.0
        return max(self._waits.typical(now), stalled)

    @property
    def strain(self) -> Strain:
        """What streams should do without for now."""
        now = monotonic()
        if now >= self._strain_until:
            self._strain, self._strain_until = Strain.at(self.wait_s), now + STRAIN_FOR_S
        return self._strain

    @property
    def idle(self) -> bool:
        """Whether there was little to do of late, and nothing but one job is under way."""
        under_way = len(self._running) + sum(map(self._lanes.waiting, Lane))
        return under_way <= 1 and self._waits.few(monotonic())

    def stuck_for(self) -> float:
        """For how many seconds the oldest running job has been running; 0 when none does."""
        running = list(self._running.values())
        return monotonic() - min(since for _, since in running) if running else 0.0

    def forget(self, job: Job[Any]) -> None:
        """Take a job out of the queue, if it is still there."""
        with self._changed:
            self._lanes.forget(job)

    def promote(self, job: Job[Any], lane: Lane) -> None:
        """Move a job to the end of a more urgent lane, if it still waits."""
        with self._changed:
            self._lanes.promote(job, lane)

    def close(self) -> None:
        """Drop what waits, let what runs finish, end the threads. Blocks for one job at most."""
        with self._changed:
            self._closed = True
            dropped = self._lanes.clear()
            self._changed.notify_all()
        for job in dropped:
            job.future.cancel()
        for thread in self._threads:
            thread.join()

    def _queue(self, job: Job[T]) -> Job[T]:
        with self._changed:
            if self._closed:
                raise RuntimeError("the scheduler is closed")
            self._lanes.put(job)
            self._changed.notify()
        return job

    def _work(self) -> None:
        while jobs := self._next():
            lane = jobs[0].lane
            thread = threading.get_ident()
            self._running[thread] = lane, monotonic()
            try:
                _do(jobs)
            finally:
                del self._running[thread]
            if lane is Lane.FILE:
                with self._changed:
                    self._changed.notify()  # another file may have waited for its place
            del jobs

    def _next(self) -> list[Job[Any]]:
        """What this thread is to do, once there is something; nothing when the scheduler is closed."""
        with self._changed:
            while not self._closed:
                files = sum(lane is Lane.FILE for lane, _ in list(self._running.values()))
                jobs, wait_s = self._lanes.take(monotonic(), files_running=files)
                if jobs:
                    self._observe(jobs)
                    return jobs
                self._changed.wait(wait_s)
        return []

    def _observe(self, jobs: Sequence[Job[Any]]) -> None:
        now = monotonic()
        for job in jobs:
            if job.lane in AWAITED:
                self._waits.add(now - job.queued_at, now)
            if self._on_wait is not None:
                self._on_wait(job.lane, now - job.queued_at)


def _do(jobs: Sequence[Job[Any]]) -> None:
    """Do them in one go; where that fails, one by one, so that each fails by itself."""
    try:
        results = jobs[0].work([job.item for job in jobs])
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the job
        if len(jobs) == 1:
            jobs[0].finish(None, error)
            return
        for job in jobs:
            _do([job])
    else:
        for job, result in zip(jobs, results, strict=True):
            job.finish(result, None)

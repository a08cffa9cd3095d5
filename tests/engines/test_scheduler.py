import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.scheduler import Job, Lane, Scheduler, Together
from engines.strain import Strain


@contextmanager
def blocked(scheduler: Scheduler) -> Iterator[None]:
    """Keep the only worker busy, so that everything submitted meanwhile waits."""
    entered, leave = threading.Event(), threading.Event()

    def work() -> None:
        entered.set()
        leave.wait(10)

    scheduler.submit(Lane.FINAL, work)
    assert entered.wait(10)
    try:
        yield
    finally:
        leave.set()


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(1)
    yield scheduler
    scheduler.close()


async def order_of(scheduler: Scheduler, lanes: list[Lane]) -> list[Lane]:
    done: list[Lane] = []
    with blocked(scheduler):
        jobs = [scheduler.submit(lane, done.append, lane) for lane in lanes]
    await asyncio.gather(*(job.future for job in jobs))
    return done


@given(lanes=st.lists(st.sampled_from(list(Lane)), max_size=12))
async def test_the_more_urgent_lane_goes_first(lanes: list[Lane]) -> None:
    scheduler = Scheduler(1)
    assert await order_of(scheduler, lanes) == sorted(lanes)
    scheduler.close()


async def test_within_a_lane_the_first_to_come_goes_first(scheduler: Scheduler) -> None:
    done: list[int] = []
    with blocked(scheduler):
        jobs = [scheduler.submit(Lane.PARTIAL, done.append, number) for number in range(5)]
    await asyncio.gather(*(job.future for job in jobs))
    assert done == [0, 1, 2, 3, 4]


async def test_a_cancelled_job_leaves_the_queue_and_never_runs(scheduler: Scheduler) -> None:
    done: list[str] = []
    with blocked(scheduler):
        gone = scheduler.submit(Lane.FINAL, done.append, "gone")
        stays = scheduler.submit(Lane.FINAL, done.append, "stays")
        gone.cancel()
        assert scheduler.waiting(Lane.FINAL) == 1
    await stays.future
    assert done == ["stays"]
    assert gone.future.cancelled()


async def test_a_cancelled_wait_takes_its_job_out_of_the_queue(scheduler: Scheduler) -> None:
    with blocked(scheduler):
        waiting = asyncio.create_task(scheduler.run(Lane.PARTIAL, lambda: None))
        while not scheduler.waiting(Lane.PARTIAL):  # noqa: ASYNC110 - other tasks only
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert scheduler.waiting(Lane.PARTIAL) == 0


async def test_a_promoted_job_overtakes(scheduler: Scheduler) -> None:
    done: list[str] = []
    with blocked(scheduler):
        jobs: list[Job[None]] = [
            scheduler.submit(Lane.SPECULATIVE, done.append, "first"),
            scheduler.submit(Lane.SPECULATIVE, done.append, "promoted"),
        ]
        jobs[1].promote(Lane.FINAL)
    await asyncio.gather(*(job.future for job in jobs))
    assert done == ["promoted", "first"]


async def test_an_error_reaches_who_waits_and_the_worker_lives_on(scheduler: Scheduler) -> None:
    with pytest.raises(ZeroDivisionError):
        await scheduler.run(Lane.FINAL, lambda: 1 / 0)
    assert await scheduler.run(Lane.FINAL, lambda: 7) == 7


async def test_waits_are_measured_by_lane() -> None:
    waits: list[tuple[Lane, float]] = []
    scheduler = Scheduler(1, on_wait=lambda lane, seconds: waits.append((lane, seconds)))
    await scheduler.run(Lane.FILE, lambda: None)
    scheduler.close()
    [(lane, seconds)] = waits
    assert lane is Lane.FILE
    assert 0 <= seconds < 5


async def test_closing_cancels_what_waits(scheduler: Scheduler) -> None:
    with blocked(scheduler):
        waiting = scheduler.submit(Lane.FILE, lambda: None)
        closing = asyncio.create_task(asyncio.to_thread(scheduler.close))
        while scheduler.waiting(Lane.FILE):  # noqa: ASYNC110 - it is emptied by a thread
            await asyncio.sleep(0)
    await closing
    with pytest.raises(asyncio.CancelledError):
        await waiting.future
    with pytest.raises(RuntimeError):
        scheduler.submit(Lane.FILE, lambda: None)


async def test_within_a_lane_the_earliest_deadline_goes_first(scheduler: Scheduler) -> None:
    done: list[int] = []
    with blocked(scheduler):
        jobs = [
            scheduler.submit(Lane.FINAL, done.append, number, deadline=deadline)
            for number, deadline in enumerate((30.0, 10.0, 20.0))
        ]
    await asyncio.gather(*(job.future for job in jobs))
    assert done == [1, 2, 0]


async def test_files_never_take_the_last_worker() -> None:
    scheduler = Scheduler(2)
    leave = threading.Event()
    files = [scheduler.submit(Lane.FILE, leave.wait, 10) for _ in range(4)]
    await scheduler.run(Lane.FINAL, lambda: None)  # it would wait behind two files
    leave.set()
    await asyncio.gather(*(job.future for job in files))
    scheduler.close()


async def test_a_job_that_does_not_end_is_seen(scheduler: Scheduler) -> None:
    assert scheduler.stuck_for() == 0.0
    with blocked(scheduler):
        assert scheduler.stuck_for() > 0.0
    await scheduler.run(Lane.FINAL, lambda: None)


async def test_at_three_times_the_load_no_final_is_lost_and_none_waits_for_lesser_work(scheduler: Scheduler) -> None:
    order: list[Lane] = []
    with blocked(scheduler):
        jobs = [scheduler.submit(lane, order.append, lane) for lane in 30 * list(Lane)[::-1]]
    await asyncio.gather(*(job.future for job in jobs))
    assert order == sorted(order)
    assert order.count(Lane.FINAL) == 30


async def test_what_waits_together_is_done_in_one_go_and_each_gets_its_own() -> None:
    scheduler = Scheduler(1, most_together=8)
    runs: list[list[int]] = []

    def double(items: Sequence[int]) -> list[int]:
        runs.append(list(items))
        return [2 * item for item in items]

    with blocked(scheduler):
        jobs = [scheduler.submit_together(Lane.FINAL, Together(double, "bucket"), number) for number in range(5)]
        jobs[1].cancel()
    assert await asyncio.gather(*(job.future for job in jobs if not job.future.cancelled())) == [0, 4, 6, 8]
    assert runs == [[0, 2, 3, 4]]
    scheduler.close()


async def test_what_makes_a_batch_fail_fails_alone() -> None:
    scheduler = Scheduler(1, most_together=8)

    def invert(items: Sequence[int]) -> list[float]:
        return [1 / item for item in items]

    with blocked(scheduler):
        jobs = [scheduler.submit_together(Lane.FINAL, Together(invert, "bucket"), number) for number in (1, 0, 2)]
    one, error, half = await asyncio.gather(*(job.future for job in jobs), return_exceptions=True)
    assert (one, half) == (1.0, 0.5)
    assert isinstance(error, ZeroDivisionError)
    scheduler.close()


async def test_waits_are_strain(scheduler: Scheduler) -> None:
    assert scheduler.wait_s == 0
    with blocked(scheduler):
        stuck = scheduler.submit(Lane.FINAL, lambda: None)
        stuck.queued_at -= 2
        assert scheduler.strain is Strain.NO_SPECULATION
    await stuck.future


async def test_one_job_is_little_to_do_and_two_are_not(scheduler: Scheduler) -> None:
    assert scheduler.idle
    with blocked(scheduler):
        assert scheduler.idle
        job = scheduler.submit(Lane.FINAL, int)
        assert not scheduler.idle
    assert await job.future == 0

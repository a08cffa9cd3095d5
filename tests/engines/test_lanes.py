"""The order of work in virtual time: workers that take, and jobs that last."""

import heapq
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from engines.lanes import PARTIALS, Entry, Lane, Lanes

GATHER_S = 0.01


@dataclass(slots=True, eq=False)
class Work(Entry):
    """Lasts `cost` seconds."""

    cost: float = 0.1
    stream: int = 0


@dataclass
class Floor:
    """Workers in virtual time; `began` are the runs, each with its time and what was done in it."""

    workers: int
    most_together: int = 1
    gather_s: float = GATHER_S
    began: list[tuple[float, list[Work]]] = field(default_factory=list)

    def run(self, arrivals: list[Work]) -> None:
        lanes: Lanes[Work] = Lanes(self.workers, most_together=self.most_together, gather_s=self.gather_s)
        events = [(work.queued_at, number) for number, work in enumerate(arrivals)]
        heapq.heapify(events)
        ends: list[tuple[float, int, bool]] = []
        free, files, now = self.workers, 0, 0.0
        while events or ends or any(lanes.waiting(lane) for lane in Lane):
            while events and events[0][0] <= now:
                lanes.put(arrivals[heapq.heappop(events)[1]])
            while ends and ends[0][0] <= now:
                files -= heapq.heappop(ends)[2]
                free += 1
            again = None
            while free:
                jobs, again = lanes.take(now, files_running=files)
                if not jobs:
                    break
                self.began.append((now, jobs))
                free -= 1
                files += jobs[0].lane is Lane.FILE
                heapq.heappush(ends, (now + max(job.cost for job in jobs), len(self.began), jobs[0].lane is Lane.FILE))
            coming = [at for at, *_ in (*events[:1], *ends[:1])]
            if again is not None:
                coming.append(now + again)
            if coming:
                now = min(coming) if min(coming) > now else now + 1e-9

    @property
    def waits(self) -> list[tuple[Work, float]]:
        return [(job, at - job.queued_at) for at, jobs in self.began for job in jobs]


def arriving(lane: Lane, every: float, count: int, cost: float, bucket: str | None = None) -> list[Work]:
    return [
        Work(lane, number * every, number * every, bucket, cost=cost, stream=number % 30) for number in range(count)
    ]


@given(
    st.lists(st.tuples(st.sampled_from(list(Lane)), st.floats(0, 5), st.floats(0.01, 1.0)), max_size=60),
    st.integers(1, 4),
)
def test_every_job_is_done_once_and_nothing_urgent_waits_for_less(
    jobs: list[tuple[Lane, float, float]], workers: int
) -> None:
    arrivals = [Work(lane, at, at, cost=cost) for lane, at, cost in jobs]
    floor = Floor(workers)
    floor.run(arrivals)
    assert sorted(map(id, arrivals)) == sorted(id(job) for job, _ in floor.waits)
    starts = {id(job): job.queued_at + wait for job, wait in floor.waits}
    for job, wait in floor.waits:
        begun = job.queued_at + wait
        assert not any(
            other.lane < job.lane and other.queued_at < begun - 1e-6 and starts[id(other)] > begun + 1e-6
            for other in arrivals
        )


def test_at_three_times_the_load_every_final_is_made_and_partials_give_way() -> None:
    finals = arriving(Lane.FINAL, every=0.2, count=150, cost=0.19)
    partials = arriving(Lane.PARTIAL, every=0.1, count=300, cost=0.19)
    floor = Floor(workers=1)
    floor.run([*finals, *partials])  # 0.95 of a worker for the finals, 1.9 for the partials
    waits = {lane: [wait for job, wait in floor.waits if job.lane is lane] for lane in (Lane.FINAL, Lane.PARTIAL)}
    assert len(waits[Lane.FINAL]) == 150
    assert max(waits[Lane.FINAL]) < 0.4  # at most one partial is in the way, and what queued behind it
    assert max(waits[Lane.PARTIAL]) > 10


def test_no_stream_starves_where_all_ask_for_the_same() -> None:
    floor = Floor(workers=2)
    floor.run(arriving(Lane.FINAL, every=0.03, count=600, cost=0.19))  # three times what two workers do
    by_stream = [[wait for job, wait in floor.waits if job.stream == stream] for stream in range(30)]
    means = [sum(waits) / len(waits) for waits in by_stream]
    assert max(means) < 1.2 * min(means)


def test_a_recording_waits_for_talk_and_talk_for_one_piece_at_most() -> None:
    files = [Work(Lane.FILE, 0.0, 0.0, cost=2.0) for _ in range(20)]
    floor = Floor(workers=2)
    floor.run([*files, *arriving(Lane.FINAL, every=0.5, count=40, cost=0.2)])
    assert max(wait for job, wait in floor.waits if job.lane is Lane.FINAL) < 0.2


def test_what_fits_together_is_done_together_after_a_moment() -> None:
    floor = Floor(workers=1, most_together=8)
    floor.run([Work(Lane.FINAL, 0.002 * number, 0.0, "en") for number in range(20)])
    assert floor.began[0][0] <= GATHER_S + 1e-6
    assert [len(jobs) for _, jobs in floor.began] == [6, 8, 6]


def test_a_full_batch_does_not_wait_and_a_lone_job_of_another_bucket_neither() -> None:
    floor = Floor(workers=1, most_together=2)
    floor.run([Work(Lane.FINAL, 0.0, 0.0, "en"), Work(Lane.FINAL, 0.0, 0.0, "en"), Work(Lane.FINAL, 0.0, 0.0)])
    assert [(at, len(jobs)) for at, jobs in floor.began] == [(0.0, 2), (0.1, 1)]


def test_workers_share_what_waits_together_and_wait_for_nobody() -> None:
    floor = Floor(workers=2, most_together=8, gather_s=0.0)
    floor.run([Work(Lane.FINAL, 0.0, 0.0, "en") for _ in range(6)] + [Work(Lane.FINAL, 1.0, 1.0, "en")])
    assert [(at, len(jobs)) for at, jobs in floor.began] == [(0.0, 3), (0.0, 2), (0.1, 1), (1.0, 1)]


def test_a_partial_never_makes_a_final_longer() -> None:
    lanes: Lanes[Work] = Lanes(1, most_together=8)
    for lane in (Lane.SPECULATIVE, Lane.FILE, Lane.FINAL, *PARTIALS):
        lanes.put(Work(lane, 0.0, 0.0, "en"))
    taken = [[job.lane for job in lanes.take(1.0, files_running=0)[0]] for _ in range(3)]
    assert taken == [[Lane.FINAL, Lane.SPECULATIVE], [Lane.FIRST_PARTIAL, Lane.PARTIAL], [Lane.FILE]]

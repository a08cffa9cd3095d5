import asyncio
from collections.abc import Iterator
from time import monotonic

import pytest
from prometheus_client import REGISTRY

from media_server.telemetry.loop_blocks import WatchedSelector

NAME = "media_server_event_loop_block_seconds"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watched() -> Iterator[tuple[WatchedSelector, Clock]]:
    clock = Clock()
    with WatchedSelector(clock) as selector:
        yield selector, clock


def counted() -> tuple[float, float]:
    count, seconds = (REGISTRY.get_sample_value(f"{NAME}_{kind}") for kind in ("count", "sum"))
    assert count is not None
    assert seconds is not None
    return count, seconds


def test_what_runs_between_two_waits_for_more_than_20_ms_is_a_block(watched: tuple[WatchedSelector, Clock]) -> None:
    selector, clock = watched
    selector.count()
    count, seconds = counted()
    for busy_s in (0.5, 0.019, 0.25, 0.0):
        selector.select(0)
        clock.now += busy_s
    selector.select(0)
    assert counted() == pytest.approx((count + 2, seconds + 0.75))


def test_what_a_role_does_before_it_is_ready_does_not_count(watched: tuple[WatchedSelector, Clock]) -> None:
    selector, clock = watched
    before = counted()
    selector.select(0)
    clock.now += 5.0
    selector.count()
    clock.now += 5.0
    selector.select(0)
    assert counted() == before


def test_an_event_loop_is_measured_from_when_it_counts() -> None:
    selector = WatchedSelector()
    count, seconds = counted()

    async def blocked() -> None:
        selector.count()
        await asyncio.sleep(0)
        until = monotonic() + 0.1
        while monotonic() < until:
            pass
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(blocked())
    assert counted()[0] > count
    assert counted()[1] >= seconds + 0.1

import asyncio

import pytest

from media_server.api.pace import Pace
from media_server.errors import TooMany

pytestmark = pytest.mark.looptime


async def test_turns_are_a_second_apart_and_in_order_and_few_wait() -> None:
    now = asyncio.get_running_loop().time
    pace, began = Pace(1.0, now=now, max_waiting=2), now()
    at: list[float] = []

    async def take() -> None:
        await pace.turn()
        at.append(now() - began)

    taken = [asyncio.create_task(take()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooMany) as refusal:
        pace.check()
    assert refusal.value.retry_after_s == 3
    await asyncio.gather(*taken)
    assert at == pytest.approx([0, 1, 2], abs=0.01)
    await asyncio.sleep(10)
    await take()
    assert at[-1] == pytest.approx(12, abs=0.01), "who comes later does not wait"

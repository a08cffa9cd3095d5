"""How long a call in a test takes: `uv run python -m tests.bench_kit`.

Three bookings by a caller who hesitates, presses keys, interrupts, and thinks four seconds before they answer: 77 s of
call. With `--busy` four of them by one who never thinks. On a busy machine the wall clock says more of the others
than the time of the processor.
"""

import asyncio
import statistics
import sys
import time

from media_server.dialplan import Call
from media_server.testing import caller
from tests.testing.small_booking import small_booking

RUNS = 20
BUSY = "--busy" in sys.argv
BOOKINGS, THINKS_S = (4, 0.0) if BUSY else (3, 4.0)


async def bookings(call: Call) -> None:
    for _ in range(BOOKINGS):
        await small_booking(call)


async def one() -> tuple[float, float, float]:
    """Seconds of call, of the processor, of the wall clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    async with caller(bookings) as me:
        for _ in range(BOOKINGS):
            await me.hears("good evening")
            await me.waits(THINKS_S)
            me.says("four")
            await me.hears("Which day")
            await me.waits(THINKS_S)
            me.says("on fri...", pause=1.4, then="on Friday")
            await me.hears("what time")
            await me.waits(THINKS_S)
            me.presses("1930#")
            await me.hears("Is that right?")
            me.interrupts("yes")
            await me.hears("Your number is")
        await me.hears("Goodbye")
    return me.record.duration_s, time.process_time() - cpu, time.perf_counter() - wall


async def main() -> None:
    await one()
    runs = [await one() for _ in range(RUNS)]
    call = runs[0][0]
    cpu, wall = (1000 * statistics.median(each[index] for each in runs) for index in (1, 2))
    print(f"{call:.0f} s of call: {cpu:.0f} ms of processor, {wall:.0f} ms (median of {RUNS})")  # noqa: T201 - its result
    print(f"90 s of call: {cpu * 90 / call:.0f} ms of processor, {wall * 90 / call:.0f} ms")  # noqa: T201 - its result


if __name__ == "__main__":
    asyncio.run(main())

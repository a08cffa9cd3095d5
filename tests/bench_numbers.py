"""How well spoken ten-digit numbers are taken, and how soon: `uv run python -m tests.bench_numbers [COUNT [CALLS]]`.

Starts the whole house with a dialplan that asks for ten digits, calls it from phones that say them (recorded digits,
groups with pauses of 0.4 to 1.0 s), and reads off the records what was understood. *Whole*: taken as ten digits at the
first attempt. *Right*: the very ones. Times are at the caller's ear, from the last voiced sample of the last digit to
the first voiced one of the answer.
"""

import asyncio
import random
import statistics
import sys
import tempfile
from pathlib import Path

import aiohttp

from media_server.phone.call_record import fetch_record
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import TwilioPhone
from tests.house import house
from tests.spoken_numbers import SpokenNumber, spoken_number

TOKEN = "12345"
A_CALL = 5

PLAN = f"""
from media_server.dialplan import Call, Digits, NoAnswer


async def numbers(call: Call) -> None:
    taken = []
    await call.say("Hello.")
    for number in range({A_CALL}):
        try:
            taken.append(await call.ask("Your number?", Digits(10), retries=0))
        except NoAnswer as gap:
            taken.append(gap.reason)
        call.note(**{{f"n{{number}}": taken[-1]}})
        await call.say("Thank you.")
"""


async def one(
    http: aiohttp.ClientSession, url: str, numbers: list[SpokenNumber], delay_s: float
) -> list[tuple[str, str, int | None]]:
    """A call: each number, what was taken of it, and after how many ms the answer came."""
    await asyncio.sleep(delay_s)
    phone = TwilioPhone(http, base_url=url, auth_token=TOKEN)
    call = await phone.call(CallerScript([number.pcm for number in numbers], quiet_s=0.8), max_s=200)
    record = await fetch_record(http, url, None, call.call_sid, print)
    assert record is not None
    turns = call.measured().turns
    taken = [str(record.notes.get(f"n{index}", "")) for index in range(len(numbers))]
    return [(number.digits, got, turn.answered_ms) for number, got, turn in zip(numbers, taken, turns, strict=False)]


async def main(count: int, calls: int) -> int:
    chance = random.Random(7)
    numbers = [spoken_number(chance) for _ in range(count)]
    batches = [numbers[at : at + A_CALL] for at in range(0, count, A_CALL)]
    found: list[tuple[str, str, int | None]] = []
    with tempfile.TemporaryDirectory() as folder:
        plans = Path(folder) / "plans"
        plans.mkdir()
        (plans / "numbers.py").write_text(PLAN)
        (plans / "routes.toml").write_text('default = "numbers"\n')
        async with (
            house(Path(folder) / "data", "--dialplans", str(plans), environment={"TWILIO_AUTH_TOKEN": TOKEN}) as server,
            aiohttp.ClientSession() as http,
        ):
            for at in range(0, len(batches), calls):
                together = [one(http, server.url, batch, 0.7 * n) for n, batch in enumerate(batches[at : at + calls])]
                for rows in await asyncio.gather(*together):
                    found += rows
    whole = [row for row in found if row[1].isdecimal()]
    right = [row for row in found if row[1] == row[0]]
    times = sorted(row[2] for row in found if row[2] is not None)
    for digits, got, ms in found:
        if got != digits:
            print(f"  {digits}: {got} after {ms} ms")  # noqa: T201
    print(f"{len(found)} numbers, {calls} calls at once: {len(whole)} whole, {len(right)} right")  # noqa: T201
    p50, p95 = statistics.median(times), times[int(0.95 * len(times)) - 1]
    print(f"answered after p50 {p50:.0f} ms, p95 {p95} ms, worst {times[-1]} ms")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*(int(each) for each in (*sys.argv[1:], "50", "1")[:2]))))

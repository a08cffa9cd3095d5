"""Engines killed and stopped while four callers talk: `uv run python -m tests.soak.faults [TIMES]`. About 15 s a fault.

For each kind: how soon the role was ready again at the latest, and what it cost: words of what was being said, gaps in
answers, calls.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from media_server.phone.bench_calls import Bench, script_of
from media_server.phone.call_record import fetch_record
from media_server.phone.speech_folder import Recording
from media_server.phone.twilio_phone import LineBusy, PhoneCall, TwilioPhone
from media_server.phone.understood import share_right
from tests.house import House, house
from tests.speech_data import load_prompts

CALLERS = 4
REST_S = 12.0
"""Between two faults; a role that was ready for ten seconds is one in health."""
MODELS = Path.home() / ".cache/media-server/models"


@dataclass
class Tally:
    turns: int = 0
    answered: int = 0
    lost_words: int = 0
    words: int = 0
    gaps: int = 0
    failed: int = 0
    unbalanced: int = 0


async def talk(
    http: aiohttp.ClientSession, server: House, recordings: list[Recording], seed: int, tally: Tally
) -> None:
    """A caller who calls again and again."""
    chance = random.Random(seed)
    while True:
        script, said = script_of(Bench(1, 3), recordings, chance)
        try:
            call = await TwilioPhone(http, base_url=server.url).call(script)
        except LineBusy:  # new calls are refused while an engine is not there
            await asyncio.sleep(1.0)
            continue
        await count(http, server, call, said, tally)


async def count(http: aiohttp.ClientSession, server: House, call: PhoneCall, said: list[str], tally: Tally) -> None:
    record = await fetch_record(http, server.url, None, call.call_sid, print)
    measured = call.measured()
    tally.turns += len(measured.turns)
    tally.answered += len(measured.answered)
    tally.gaps += len(measured.gaps)
    tally.failed += call.hung_up_by != "caller"
    if record is not None:
        heard = " ".join(turn.text for turn in record.turns)
        expected = " ".join(said[: len(call.spoken)])
        tally.words += len(expected.split())
        tally.lost_words += round((1 - share_right(expected, heard)) * len(expected.split()))
        tally.unbalanced += not record.ledger.balances


async def ready_again(http: aiohttp.ClientSession, url: str) -> float:
    clock = asyncio.get_running_loop().time
    begun = clock()
    await asyncio.sleep(0.1)
    while True:
        try:
            async with http.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(total=0.5)) as answer:
                if answer.ok:
                    return clock() - begun
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(0.1)


async def main(times: int) -> None:
    recordings = [
        Recording(prompt.name, prompt.pcm, prompt.text)
        for prompt in load_prompts()
        if prompt.single_sentence and prompt.reported and 1.5 < prompt.seconds < 5
    ]
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder), "--models-dir", str(MODELS)) as server, aiohttp.ClientSession() as http:
            tally = Tally()
            async with asyncio.TaskGroup() as tasks:
                callers = [tasks.create_task(talk(http, server, recordings, seed, tally)) for seed in range(CALLERS)]
                await asyncio.sleep(10)
                for kind in (signal.SIGKILL, signal.SIGSTOP):
                    for role in ("asr", "tts"):
                        took: list[float] = []
                        before = Tally(**vars(tally))
                        for _ in range(times):
                            os.kill(server.pid_of(role), kind)
                            took.append(await ready_again(http, server.addresses[role]))
                            await asyncio.sleep(REST_S)
                        costs = {name: value - getattr(before, name) for name, value in vars(tally).items()}
                        print(f"{kind.name} {role}: ready again after {max(took):.1f} s at most; {costs}", flush=True)  # noqa: T201
                for caller in callers:
                    caller.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))

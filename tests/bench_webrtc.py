"""Calls over WebRTC, voice to voice, with models and recorded speech: `uv run python -m tests.bench_webrtc [PART …]`.

    peers     1, then 8 phones of ours at once talk to `parrot`: who is answered, and when
    network   the same calls without and with a bad network in between, which loses 5 % of the datagrams and delays the
              rest by up to 40 ms, each way: whether every call completes, what is understood, whether an answer stalls
    chromium  the page in Chromium, whose microphone is a recording: when the first sample of the answer is audible

All of them where none is named. Times are at the caller's ear, from the last voiced sample to the first voiced one of
the answer. A phone of ours measures where packets arrive; in Chromium it is what comes out of its own buffer.
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import jiwer

from media_server.config import Settings
from media_server.evaluation.word_errors import normalized
from media_server.phone.bench_calls import Bench, Server, by_webrtc, run_bench
from media_server.phone.bench_figures import Spread
from media_server.phone.bench_report import report
from media_server.phone.call_record import fetch_call
from media_server.phone.caller_script import CallerScript
from media_server.phone.speech_folder import Recording
from media_server.phone.twilio_phone import CallRefused
from media_server.phone.webrtc_phone import WebrtcCall, WebrtcPhone, Wire
from tests.bench_chromium import in_chromium
from tests.house import House, house
from tests.peers.udp_relay import Impairment, relay
from tests.speech_data import Prompt, load_prompts

PARTS = ("peers", "network", "chromium")
BAD = Impairment(loss=0.05, jitter_s=0.04)
CALLS, TURNS, AT_ONCE = 8, 6, 2
STALL_MS = 200
MAX_S = 180.0


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def peers(server: House, prompts: Sequence[Prompt]) -> None:
    """The bench that users have, at 1 and at 8."""
    recordings = [Recording(each.name, each.pcm, each.text) for each in prompts]
    roles = {role: (address,) for role, address in server.addresses.items()}
    for calls in (1, 8):
        print_line(f"\n{calls} at once")
        plan = Bench(calls=calls, turns=8 if calls == 1 else 4)
        figures = await run_bench(Server(server.url, roles, None, None), plan, recordings, by_webrtc("parrot", "opus"))
        print_line("\n".join(report(figures)))


async def network(server: House, prompts: Sequence[Prompt]) -> None:
    """The same words on a good line and on a bad one."""
    chance = random.Random(5)
    every = [chance.sample(list(prompts), TURNS) for _ in range(CALLS)]
    rates = []
    for name, impairment in (("clean", Impairment()), ("bad", BAD)):
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, said: list[Prompt]) -> tuple[WebrtcCall, str] | None:
            async with places, relay(impairment, seed=number) as between, aiohttp.ClientSession() as http:  # noqa: B023
                wire = Wire(offered=between.offered, answered=between.answered)
                phone = WebrtcPhone(http, base_url=server.url, dialplan="parrot", wire=wire)
                script = CallerScript([each.pcm for each in said], quiet_s=0.8)
                try:
                    call = await phone.call(script, max_s=MAX_S)
                except CallRefused as refusal:
                    print_line(f"call {number}: {refusal.message}")
                    return None
                record = await fetch_call(http, server.url, None, call.call_id, print_line)
                return call, " ".join(turn.text for turn in record.turns) if record else ""

        made = await asyncio.gather(*(one(number, said) for number, said in enumerate(every)))
        whole = [(said, *each) for said, each in zip(every, made, strict=True) if each is not None]
        if not whole:
            print_line(f"{name}: no call at all")
            return
        complete = [each for each in whole if each[1].hung_up_by == "caller" and len(each[1].spoken) == TURNS]
        references = [normalized(" ".join(prompt.text for prompt in said), "en") for said, _, _ in whole]
        rate = jiwer.wer(references, [normalized(heard, "en") for _, _, heard in whole])
        rates.append(rate)
        waits = [wait for _, call, _ in whole for wait in call.measured().answered]
        stalls = [stall for _, call, _ in whole for stall in call.stalls_ms]
        lost, arrived = sum(call.lost for _, call, _ in whole), sum(len(call.arrivals) for _, call, _ in whole)
        spread = Spread.of(waits)
        print_line(
            f"\n{name}: {len(complete)} of {CALLS} calls complete, {len(waits)} of {CALLS * TURNS} turns answered"
        )
        print_line(f"answered after   p50 {spread.p50} ms   p95 {spread.p95}   worst {spread.worst}")
        print_line(f"word errors      {100 * rate:.1f} %")
        print_line(f"packets          {arrived} arrived, {lost} not played")
        long = sum(stall > STALL_MS for stall in stalls)
        print_line(f"stalls           {long} over {STALL_MS} ms, worst {max(stalls, default=0)} ms")
    print_line(
        f"word errors on the bad line: {100 * (rates[1] / max(rates[0], 1e-9) - 1):+.1f} % of those on the clean one"
    )


async def main(parts: Sequence[str]) -> None:
    prompts = [each for each in load_prompts() if each.single_sentence and each.reported and 1.5 < each.seconds < 4]
    models = ("--models-dir", str(Settings().models_dir))
    with tempfile.TemporaryDirectory() as folder:
        async with house(Path(folder) / "data", *models) as server:
            if "peers" in parts:
                await peers(server, prompts)
            if "network" in parts:
                await network(server, prompts)
            if "chromium" in parts:
                print_line("\n".join(await in_chromium(server.url, prompts, Path(folder))))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or PARTS))

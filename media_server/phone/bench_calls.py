"""`media-server bench twilio` and `bench webrtc`: many phones at once, all in this process."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import aiohttp

from media_server.call.record import CallRecord
from media_server.phone.bench_figures import BenchCall, Figures, MadeCall, figures_of
from media_server.phone.call_record import fetch_call, fetch_record
from media_server.phone.caller_script import CallerScript, Interjection
from media_server.phone.noises import noises
from media_server.phone.scrape import Scrape, scrape
from media_server.phone.speech_folder import Recording, hesitating
from media_server.phone.twilio_phone import CallRefused, Feedback, LineBusy, TwilioPhone

INTERRUPT_AFTER_S = 0.4, 1.5
"""How much of an answer is heard before somebody speaks into it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is, and what it takes to be let in. `roles`: where to ask for metrics, all instances of each."""

    base_url: str
    roles: Mapping[str, Sequence[str]]
    auth_token: str | None
    api_key: str | None


@dataclass(frozen=True, slots=True)
class Bench:
    """What the phones do.

    Attributes:
        calls: How many at once; they begin `stagger_s` apart.
        turns: How many utterances each says.
        last_s: After so long a call says nothing new, and ends.
        hesitate_s: A silence in the middle of every utterance.
        interrupt: Every answer is interrupted by another utterance.
        noise: Every answer is disturbed by a noise, which should not interrupt it.
        feedback: The phones hear themselves.
        seed: Of what is said when.
    """

    calls: int
    turns: int
    last_s: float = 3600.0
    hesitate_s: float = 0.0
    interrupt: bool = False
    noise: bool = False
    feedback: Feedback | None = None
    stagger_s: float = 1.0
    seed: int = 1


MakeCall: TypeAlias = Callable[
    [aiohttp.ClientSession, Server, Bench, CallerScript, int], Awaitable[tuple[MadeCall, CallRecord | None]]
]
"""Makes the call of a phone with this number; with the server's record of it."""


async def by_twilio(
    http: aiohttp.ClientSession, server: Server, bench: Bench, script: CallerScript, number: int
) -> tuple[MadeCall, CallRecord | None]:
    """A call as Twilio connects it."""
    phone = TwilioPhone(http, base_url=server.base_url, auth_token=server.auth_token, caller=f"+1555{number:07d}")
    call = await phone.call(script, max_s=bench.last_s + 60.0, feedback=bench.feedback)
    return call, await fetch_record(http, server.base_url, server.api_key, call.call_sid, lambda _line: None)


def by_webrtc(dialplan: str | None, codec: str) -> MakeCall:
    """A call as a browser makes it."""
    from media_server.phone.webrtc_phone import WebrtcPhone, Wire  # noqa: PLC0415 - aiortc is slow to import

    async def make(
        http: aiohttp.ClientSession, server: Server, bench: Bench, script: CallerScript, _number: int
    ) -> tuple[MadeCall, CallRecord | None]:
        phone = WebrtcPhone(
            http, base_url=server.base_url, api_key=server.api_key, dialplan=dialplan, wire=Wire(codec=codec)
        )
        call = await phone.call(script, max_s=bench.last_s + 60.0)
        return call, await fetch_call(http, server.base_url, server.api_key, call.call_id, lambda _line: None)

    return make


async def run_bench(
    server: Server, bench: Bench, recordings: Sequence[Recording], make: MakeCall = by_twilio
) -> Figures:
    """Make all calls, and measure."""
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        before = await _scrape(http, server, headers)
        called = partial(make, http, server, bench)
        calls = await asyncio.gather(*(_call(called, bench, recordings, number) for number in range(bench.calls)))
        after = await _scrape(http, server, headers)
    return figures_of(calls, before, after, noise=bench.noise)


async def _scrape(http: aiohttp.ClientSession, server: Server, headers: Mapping[str, str]) -> dict[str, Scrape]:
    return {role: await scrape(http, urls, headers) for role, urls in server.roles.items()}


async def _call(
    call_of: Callable[[CallerScript, int], Awaitable[tuple[MadeCall, CallRecord | None]]],
    bench: Bench,
    recordings: Sequence[Recording],
    number: int,
) -> BenchCall:
    chance = random.Random(bench.seed * 1000 + number)  # noqa: S311 - repeatable, not secret
    script, said = script_of(bench, recordings, chance)
    await asyncio.sleep(number * bench.stagger_s)
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        call, record = await call_of(script, number)
    except LineBusy:
        return BenchCall(refused_ms=1000 * (clock() - begun))
    except CallRefused as refusal:
        return BenchCall(failed=refusal.message)
    return BenchCall(call, tuple(said), record)


def script_of(bench: Bench, recordings: Sequence[Recording], chance: random.Random) -> tuple[CallerScript, list[str]]:
    """What one caller says, and its words in the order in which they come (empty where they are not known)."""
    chosen = [chance.choice(recordings) for _ in range(bench.turns)]
    if bench.hesitate_s:
        chosen = [hesitating(each, bench.hesitate_s) for each in chosen]
    said = [each.text for each in chosen]
    interjections: list[Interjection] = []
    if bench.interrupt:
        others = [chance.choice(recordings) for _ in chosen]
        interjections = [Interjection(each.pcm, chance.uniform(*INTERRUPT_AFTER_S), asks=True) for each in others]
        said = []  # an answer may be too short to be interrupted, so the order is not known before
    elif bench.noise:
        sounds = noises()
        interjections = [
            Interjection(chance.choice(sounds), chance.uniform(*INTERRUPT_AFTER_S), asks=False) for _ in chosen
        ]
    script = CallerScript([each.pcm for each in chosen], interjections=interjections, last_s=bench.last_s)
    return script, said

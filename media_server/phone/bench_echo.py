"""`media-server bench echo`: calls that hear themselves, so that only the way through the server is measured."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import numpy as np
from typing_extensions import override

from media_server.audio.frame import PTIME_MS
from media_server.audio.g711 import encode_mulaw
from media_server.phone.bench_calls import Server
from media_server.phone.bench_figures import RoleFigures, Spread
from media_server.phone.caller_script import FRAME_BYTES, FRAME_SAMPLES, CallerScript
from media_server.phone.scrape import scrape
from media_server.phone.twilio_phone import CallRefused, PhoneCall, TwilioPhone

ECHO_NUMBER = "+15559196"
_PTIME_S = PTIME_MS / 1000
_LATE_S = 0.020


class Hiss(CallerScript):
    """A caller who hisses for a while: no two frames are alike, so each is known when it comes back."""

    def __init__(self, seconds: float, seed: int) -> None:
        super().__init__([])
        samples = np.random.default_rng(seed).integers(-3000, 3000, int(seconds * 50) * FRAME_SAMPLES)
        self._pcm = samples.astype("<i2").tobytes()
        self._at = 0

    @override
    def next_frame(self, *, agent_voiced: bool, agent_drained: bool) -> bytes | None:
        """The next 20 ms; None at the end."""
        frame = self._pcm[self._at : self._at + FRAME_BYTES]
        self._at += FRAME_BYTES
        return frame or None


@dataclass(slots=True)
class EchoFigures:
    """Frames on time: not more than 20 ms after the first one's arrival and 20 ms for each since then."""

    calls: int
    refused: int = 0
    frames: int = 0
    on_time: int = 0
    delay: Spread = field(default_factory=Spread)
    """From when a frame was sent to when it was back."""
    roles: dict[str, RoleFigures] = field(default_factory=dict)
    cores: float = 0.0
    phone_lag_ms: int = 0


async def run_echo(server: Server, *, calls: int, seconds: float) -> EchoFigures:
    """Make all calls at once, and measure."""
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        before, begun = await scrape(http, server.roles["media"], headers), clock()
        made = await asyncio.gather(*(_call(http, server, seconds, number) for number in range(calls)))
        after, took = await scrape(http, server.roles["media"], headers), clock() - begun
    figures = echo_figures([each for each in made if each is not None])
    figures.calls, figures.refused = calls, sum(each is None for each in made)
    if after.values:
        figures.roles["media"] = RoleFigures(round(after.cpu_s - before.cpu_s, 2), round(after.rss_mb))
        figures.cores = round((after.cpu_s - before.cpu_s) / took, 2)
    return figures


def echo_figures(calls: Sequence[PhoneCall]) -> EchoFigures:
    """What the phones noticed."""
    figures = EchoFigures(len(calls))
    delays: list[float] = []
    for call in calls:
        figures.phone_lag_ms = max(figures.phone_lag_ms, round(1000 * call.lag_s))
        sent = encode_mulaw(call.caller)
        if not call.media:
            continue
        first_at, first = call.media[0]
        offset = sent.find(first) // FRAME_SAMPLES
        for number, (at, _) in enumerate(call.media):
            figures.frames += 1
            figures.on_time += at <= first_at + number * _PTIME_S + _LATE_S
            delays.append(1000 * (at - (number + offset + 1) * _PTIME_S))
    figures.delay = Spread.of(delays)
    return figures


def echo_report(figures: EchoFigures) -> Iterator[str]:
    """The lines of it."""
    refused = f", {figures.refused} refused" if figures.refused else ""
    yield f"calls            {figures.calls}{refused}"
    share = 100 * figures.on_time / max(1, figures.frames)
    yield f"frames           {figures.frames}, {share:.2f} % of them at most 20 ms late"
    yield f"back after       p50 {figures.delay.p50} ms   p95 {figures.delay.p95}   worst {figures.delay.worst}"
    yield f"CPU              {figures.cores:.2f} cores of the media role"
    yield f"our own clock    late by {figures.phone_lag_ms} ms at most"


async def _call(http: aiohttp.ClientSession, server: Server, seconds: float, number: int) -> PhoneCall | None:
    phone = TwilioPhone(
        http, base_url=server.base_url, auth_token=server.auth_token, called=ECHO_NUMBER, caller=f"+1555{number:07d}"
    )
    await asyncio.sleep(number * _PTIME_S / 2)
    try:
        return await phone.call(Hiss(seconds, number))
    except CallRefused:
        return None

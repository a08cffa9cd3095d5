"""What a service under load says of itself: CPU, memory, lags. Asked before, every second, and after."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from media_server.phone.scrape import Scrape, scrape

EVERY_S = 1.0
_LOOP_LAG = "media_server_event_loop_lag_seconds"
_INGEST = "media_server_asr_ingest_seconds"
_QUEUE = "media_server_queue_wait_seconds"


@dataclass(slots=True)
class ServiceUse:
    """What the service used meanwhile; None where it does not say.

    Attributes:
        cpu_s: Seconds of CPU.
        rss_before_mb: Its memory before, in 10^6 bytes; `rss_mb`: the most, while the streams were there.
        loop_lag_ms: How late the timers of its event loop were (p95 of 5 s), the worst of it.
        queue_wait_p95_ms: Of the jobs of its engines, at most.
        ingest_p95_ms: From when an audio message came to when its last window was through the VAD, at most.
    """

    cpu_s: float | None = None
    rss_before_mb: float | None = None
    rss_mb: float | None = None
    loop_lag_ms: float | None = None
    queue_wait_p95_ms: float | None = None
    ingest_p95_ms: float | None = None

    def report(self, audio_minutes: float, idle: int = 0) -> Iterator[str]:
        """The lines of it; of `idle` streams the memory of each, which decodes would hide."""
        if self.cpu_s is None or self.rss_mb is None or self.rss_before_mb is None:
            yield "service          it does not tell what it uses (/metrics)"
            return
        if audio_minutes:
            yield f"CPU seconds      {self.cpu_s:.1f}, {self.cpu_s / audio_minutes:.2f} a minute of audio"
        more = self.rss_mb - self.rss_before_mb
        each = f", {more / idle:.2f} a stream" if idle else ""
        yield f"memory           {self.rss_mb:.0f} MB, {more:+.1f} MB since before{each}"
        lags = {"event loop": self.loop_lag_ms, "queue": self.queue_wait_p95_ms, "ingest": self.ingest_p95_ms}
        if told := [f"{name} {lag:.0f} ms" for name, lag in lags.items() if lag is not None]:
            yield f"p95 of lags      {', '.join(told)}"


@asynccontextmanager
async def watched(http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> AsyncIterator[ServiceUse]:
    """Watch the service meanwhile; the figures are complete afterwards."""
    use = ServiceUse()
    before = await scrape(http, [url], headers)
    seen = [before]

    async def look() -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            seen.append(await scrape(http, [url], headers))

    watch = asyncio.create_task(look())
    try:
        yield use
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
    seen.append(await scrape(http, [url], headers))
    _conclude(use, before, [each for each in seen if each.values])


def _conclude(use: ServiceUse, before: Scrape, seen: list[Scrape]) -> None:
    if not before.values or not seen:
        return
    last = seen[-1]
    use.cpu_s = round(last.cpu_s - before.cpu_s, 2)
    use.rss_before_mb = round(before.rss_mb, 1)
    use.rss_mb = round(max(each.rss_mb for each in seen), 1)
    lags = [each[_LOOP_LAG] for each in seen[1:] if each[_LOOP_LAG]]  # a role that does not measure it shows 0
    use.loop_lag_ms = round(1000 * max(lags), 1) if lags else None
    use.queue_wait_p95_ms = _p95_ms(_QUEUE, before, last)
    use.ingest_p95_ms = _p95_ms(_INGEST, before, last)


def _p95_ms(histogram: str, before: Scrape, after: Scrape) -> float | None:
    seconds = after.at_most(histogram, 0.95, since=before)
    return None if seconds is None else round(1000 * seconds, 1)

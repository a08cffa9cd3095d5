"""What the roles say of themselves at `/metrics`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isinf

import aiohttp

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{[^}]*\})? (?P<value>\S+)$", re.MULTILINE)
_LE = re.compile(r'\ble="(?P<bound>[^"]+)"')
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One role's figures, summed over labels and instances. Empty where the role could not be asked.

    `buckets`: of each histogram, how many observations were at most so much.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    buckets: Mapping[str, Mapping[float, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values.get(name, 0.0)

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU that its process has used."""
        return self["process_cpu_seconds_total"]

    @property
    def rss_mb(self) -> float:
        """Its memory, in 10^6 bytes."""
        return self["process_resident_memory_bytes"] / 1e6

    def at_most(self, histogram: str, share: float, *, since: "Scrape") -> float | None:
        """What was observed since then was at most so much in this share of the cases.

        It is the bound of a bucket; None where nothing was observed, or more than the last bound.
        """
        before = since.buckets.get(histogram, {})
        counts = {bound: count - before.get(bound, 0.0) for bound, count in self.buckets.get(histogram, {}).items()}
        enough = share * max(counts.values(), default=0.0)
        bound = min((bound for bound, count in counts.items() if enough and count >= enough), default=inf)
        return None if isinf(bound) else bound


def parse(text: str) -> Scrape:
    """The figures of a page in Prometheus' text format."""
    values: dict[str, float] = {}
    buckets: dict[str, dict[float, float]] = {}
    for found in _LINE.finditer(text):
        name, value = found["name"], float(found["value"])
        values[name] = values.get(name, 0.0) + value
        if name.endswith("_bucket") and (le := _LE.search(found["labels"] or "")):
            counts = buckets.setdefault(name.removesuffix("_bucket"), {})
            counts[float(le["bound"])] = counts.get(float(le["bound"]), 0.0) + value
    return Scrape(values, buckets)


async def scrape(http: aiohttp.ClientSession, base_urls: Sequence[str], headers: Mapping[str, str]) -> Scrape:
    """Ask a role, all instances of it."""
    return parse("\n".join([await _page(http, url.rstrip("/"), headers) for url in base_urls]))


async def _page(http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> str:
    try:
        async with http.get(f"{base_url}/metrics", headers=headers, timeout=_TIMEOUT, raise_for_status=True) as answer:
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return ""

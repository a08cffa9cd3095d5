"""What the roles say of themselves at `/metrics`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (?P<value>\S+)$", re.MULTILINE)
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One role's figures, summed over labels and instances. Empty where the role could not be asked."""

    values: Mapping[str, float] = field(default_factory=dict)

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


def parse(text: str) -> Scrape:
    """The figures of a page in Prometheus' text format."""
    values: dict[str, float] = {}
    for found in _LINE.finditer(text):
        values[found["name"]] = values.get(found["name"], 0.0) + float(found["value"])
    return Scrape(values)


async def scrape(http: aiohttp.ClientSession, base_urls: Sequence[str], headers: Mapping[str, str]) -> Scrape:
    """Ask a role, all instances of it."""
    return parse("\n".join([await _page(http, url.rstrip("/"), headers) for url in base_urls]))


async def _page(http: aiohttp.ClientSession, base_url: str, headers: Mapping[str, str]) -> str:
    try:
        async with http.get(f"{base_url}/metrics", headers=headers, timeout=_TIMEOUT, raise_for_status=True) as answer:
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return ""

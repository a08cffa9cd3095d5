"""A request that comes again with the same `Idempotency-Key` is the same request: what it makes is made once.

Keys are remembered for a day, the latest thousand of them. What failed is forgotten, so that it may be tried again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from media_server.errors import KeyReused

REMEMBERED = 1000
REMEMBERED_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Made:
    digest: bytes
    task: "asyncio.Task[str]"
    at: float


class Idempotency:
    """What was made for which key."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._made: OrderedDict[str, _Made] = OrderedDict()

    async def once(self, key: str, digest: bytes, make: Callable[[], Coroutine[Any, Any, str]]) -> tuple[str, bool]:
        """What `make` returns, and whether it was made now; `digest` stands for the request.

        Raises:
            KeyReused: The key came with another request.
            MediaServerError: As `make` does.
        """
        self._forget_old()
        made = self._made.get(key)
        is_new = made is None
        if made is None:
            made = _Made(digest, asyncio.create_task(make(), name="idempotent"), self._now())
            self._made[key] = made
        elif made.digest != digest:
            raise KeyReused
        try:
            # A request that is given up must not take what it began with it.
            return await asyncio.shield(made.task), is_new
        except BaseException:
            if made.task.done() and self._made.get(key) is made:
                del self._made[key]
            raise

    def _forget_old(self) -> None:
        while self._made:
            oldest = next(iter(self._made.values()))
            if len(self._made) < REMEMBERED and oldest.at > self._now() - REMEMBERED_S:
                return
            self._made.popitem(last=False)

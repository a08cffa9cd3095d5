"""Dialplans that are loaded anew when somebody saves one, all of them or none.

Rules:
- The operator's folders are looked at every `LOOK_S`, on a thread. A change is loaded once the files have been still
  for `STILL_S`, so that one that is being written is mostly not read at all.
- Everything is loaded anew on a thread, within a deadline. Only what is right as a whole takes the place of what was,
  in one assignment; what is broken is refused with its file and line, and the old plans answer on.
- Calls under way keep the plan, the modules and the settings that they began with.
- New constant texts are made before the swap, for `PHRASES_S` at most: a voice that is slow, or gone, does not hold up
  the author. What is not made by then is made behind it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from media_server.dialplan.loading import LOAD_S, load_beside, load_within
from media_server.dialplan.router import Router
from media_server.dialplan.watched import Snapshot, changed, snapshot
from media_server.errors import ConfigError, EngineError

LOOK_S = 0.25
STILL_S = 0.05
MOST_RESTLESS_S = 0.5
"""Files that never keep still are loaded all the same."""
PHRASES_S = 0.4
AGAIN_S = 2.0
"""A voice that is gone is asked again after so long."""

log = structlog.get_logger(__name__)


class LivePlans:
    """The router of now. `run` keeps it so."""

    def __init__(
        self,
        folders: Sequence[Path],
        watched: Sequence[Path],
        default: str | None = None,
        *,
        load_s: float = LOAD_S,
        look_s: float = LOOK_S,
    ) -> None:
        """Load everything; blocks until that is done.

        Args:
            folders: Where dialplans and routes are looked for, in this order.
            watched: Those of the folders that may change.
            default: The dialplan that answers where no route fits, instead of the one that the routes name.
            load_s: How long all of it may take to be imported.
            look_s: How often the watched folders are looked at.

        Raises:
            ConfigError: A route or a dialplan is broken.
        """
        self.folders = tuple(folders)
        self._watched = tuple(watched)
        self._load_s, self._look_s = load_s, look_s
        self._load = lambda: Router.load(self.folders, default)
        self._seen = snapshot(watched)
        self.router = load_within(self._load, self.folders, load_s)
        self.prepare: Callable[[Router], Awaitable[None]] = _nothing
        """What is made for a new router before it takes over."""
        self.tell: Callable[[str], None] = lambda _line: None
        """Shows a line to who develops."""
        self._preparing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Look, and load. Ends by cancellation."""
        try:
            while self._watched:
                await asyncio.sleep(self._look_s)
                now = await asyncio.to_thread(snapshot, self._watched)
                if now != self._seen:
                    await self._change(await self._still(now))
        finally:
            await self._stop_preparing()

    async def _still(self, seen: Snapshot) -> Snapshot:
        """The files, once nobody writes to them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_RESTLESS_S):
                while True:
                    await asyncio.sleep(STILL_S)
                    before, seen = seen, await asyncio.to_thread(snapshot, self._watched)
                    if seen == before:
                        break
        return seen

    async def _change(self, seen: Snapshot) -> None:
        names = ", ".join(changed(self._seen, seen))
        self._seen = seen
        try:
            router = await load_beside(self._load, self.folders, self._load_s)
        except ConfigError as error:
            log.warning("dialplans_refused", error=error.message)
            self.tell(f"{error.message}   the dialplans from before answer on")
            return
        await self._swap(router)
        log.info("dialplans_loaded", files=names)
        self.tell(f"{names}: loaded anew")

    async def _swap(self, router: Router) -> None:
        await self._stop_preparing()
        self._preparing = asyncio.create_task(self._prepare(router), name="phrases")
        await asyncio.wait({self._preparing}, timeout=PHRASES_S)
        self.router = router

    async def _prepare(self, router: Router) -> None:
        try:
            while True:
                try:
                    return await self.prepare(router)
                except EngineError as error:
                    log.warning("phrases_not_made", error=error.message)
                    await asyncio.sleep(AGAIN_S)
        except Exception:
            log.exception("dialplans_not_prepared")

    async def _stop_preparing(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)


async def _nothing(_router: Router) -> None:
    """Nothing has to be made."""

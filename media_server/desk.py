"""What an author at this machine sees of their own code: where it failed, and how; where it held everybody up.

The log has the place of an error and never its message, which may hold what a caller said. The message is for the
terminal of who develops.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from media_server.call.authors_line import is_authors, place_of
from media_server.console import quoted

SAID_EVERY_S = 60.0
_LONGEST = 300

log = structlog.get_logger(__name__)


class Desk:
    """`shown`: there is somebody at the terminal who may read what errors say. `write` may be called on any thread."""

    def __init__(self, write: Callable[[str], None], folders: Sequence[Path], *, shown: bool) -> None:
        self._write = write
        self._folders = folders
        self._shown = shown
        self._blocked_at = -SAID_EVERY_S

    def tell(self, line: str) -> None:
        """Show a line."""
        if self._shown:
            self._write(f"{datetime.now():%H:%M:%S}       {quoted(line)[:_LONGEST]}")  # noqa: DTZ005 - as the wall clock has it

    def failed(self, call: str, error: Exception) -> None:
        """A dialplan of a call raised something."""
        if self._shown:
            place = place_of(error, self._folders)
            what = f"{type(error).__name__}: {error}"
            line = f"{place}: {what}" if place else what
            now = datetime.now()  # noqa: DTZ005 - as the wall clock has it
            self._write(f"{now:%H:%M:%S} {call[:4]}  FAILED  {quoted(line)[:_LONGEST]}   the caller hears an apology")

    def is_authors(self, file: str) -> bool:
        """Whether a source file is a dialplan's."""
        return is_authors(file, self._folders)

    def blocked(self, file: str, line: int, seconds: float) -> None:
        """A dialplan has kept the event loop for so long. Said once a minute."""
        now = time.monotonic()
        if now - self._blocked_at < SAID_EVERY_S:
            return
        self._blocked_at = now
        log.warning("dialplan_blocks", place=f"{file}:{line}", seconds=round(seconds, 2))
        self.tell(
            f"{file}:{line}: it kept all calls waiting for {seconds:.1f} s; "
            "what takes long goes to a thread: await asyncio.to_thread(...)"
        )

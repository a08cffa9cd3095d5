"""Whose code holds up the event loop: a thread looks at what the loop's thread does while it gives no sign of life.

The loop's sign of life is a timer of ours. When it is late, the stack of the loop's thread is read, and the innermost
line that is an author's is to blame: their own loop, or what they called. What only waits for a core has no such line.
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeAlias

BEAT_S = 0.05
BLOCK_S = 0.2
"""What is shorter is nobody's fault in particular."""
TOLD_AFTER_S = 2.0
"""A block that is not over by then is told all the same."""

Line: TypeAlias = tuple[str, int]
"""A file and a line."""


class BlockWatch:
    """Calls `on_block(file, line, seconds)`, on a thread of its own, for each block that somebody's code caused."""

    def __init__(self, is_theirs: Callable[[str], bool], on_block: Callable[[str, int, float], None]) -> None:
        self._is_theirs = is_theirs
        self._on_block = on_block
        self._beat = 0.0
        self._over = threading.Event()

    async def run(self) -> None:
        """Give signs of life, and be watched. Ends by cancellation."""
        self._beat = monotonic()
        watching = threading.Thread(target=self._watch, args=(threading.get_ident(),), name="blocks", daemon=True)
        watching.start()
        try:
            while True:
                self._beat = monotonic()
                await asyncio.sleep(BEAT_S)
        finally:
            self._over.set()

    def _watch(self, loop_thread: int) -> None:
        blamed: Line | None = None
        blamed_beat = told_beat = 0.0
        while not self._over.wait(BEAT_S):
            beat = self._beat
            if blamed is not None and beat != blamed_beat:
                if blamed_beat != told_beat:  # it is over, and lasted to about the beat that came after it
                    self._on_block(*blamed, beat - blamed_beat)
                blamed = None
            late = monotonic() - beat - BEAT_S
            if late <= BLOCK_S:
                continue
            if blamed is None and (blamed := self._line_of(loop_thread)) is not None:
                blamed_beat = beat
            if blamed is not None and late > TOLD_AFTER_S and told_beat != beat:
                told_beat = beat
                self._on_block(*blamed, late)

    def _line_of(self, thread: int) -> Line | None:
        """The innermost line of theirs that a thread is at."""
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - the way to another thread's stack
        while frame is not None:
            if self._is_theirs(frame.f_code.co_filename):
                return frame.f_code.co_filename, frame.f_lineno
            frame = frame.f_back
        return None

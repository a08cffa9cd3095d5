"""Virtual time on a running event loop: a pause of eight seconds takes none.

While it is on, `loop.time()` is a clock of its own, and all that asyncio times (sleeps, timeouts, `call_later`) goes by
it. When nothing can run before the next timer, the clock jumps there, unless something real is under way: then real
time passes at its own pace, so that an answer which takes 50 ms is 50 ms late, and no time-out fires falsely. Real are

* functions in an executor (`asyncio.to_thread`, `run_in_executor`), until they are done;
* connections to elsewhere (another process, another thread, another machine), while they are open;
* children and pipes of this process.

What listens and what both ends of are in this loop (a test's own server, and who asks it) is not: the loop sees all of
it. Threads that asyncio does not know are not seen.

It changes the loop object, so it needs a loop of the standard library with a selector. At the end everything is as it
was: timers that are left go on as far from due as they were.
"""

# ruff: noqa: SLF001 - what it changes has no public names

import asyncio
import errno
import os
import selectors
import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

LOOPBACK_S = 0.001
"""What the kernel is given to carry something from one end of a connection in this loop to the other."""


class VirtualTime:
    """The clock of one loop. `jumps`: see above; without, it goes with the real one, and only `skip` moves it."""

    def __init__(self, loop: Any, *, jumps: bool) -> None:
        self._loop = loop
        self._jumps = jumps
        self._real_time: Callable[[], float] = loop.time
        self._real_executor: Callable[..., asyncio.Future[Any]] = loop.run_in_executor
        self._selector: Any = self._loop._selector
        self._real_select: Callable[[float | None], list[tuple[selectors.SelectorKey, int]]] = self._selector.select
        self._files: Mapping[Any, selectors.SelectorKey] = self._selector.get_map()
        self._base_fds = {self._loop._ssock.fileno()}
        self._pending: set[asyncio.Future[Any]] = set()
        self._offset = 0.0
        self._now = self._real_time()
        self._users = 0
        self._before: list[tuple[Any, str, Any]] = []
        """What was replaced: where, its name, and what was there of the object's own."""

    def time(self) -> float:
        """What `loop.time()` says."""
        return self._now if self._jumps else self._real_time() + self._offset

    def skip(self, seconds: float) -> None:
        """Let so much time have passed."""
        self._offset += seconds
        self._now += seconds

    def begin(self) -> None:
        """From now on the loop goes by this clock, until as many `end`s."""
        self._users += 1
        if self._users > 1:
            return
        self._replace(self._loop, "time", self.time)
        self._replace(self._loop, "run_in_executor", self._run_in_executor)
        if self._jumps:
            self._replace(self._selector, "select", self._select)

    def end(self) -> None:
        """The loop goes by the real clock again."""
        self._users -= 1
        if self._users:
            return
        ahead = self.time() - self._real_time()
        while self._before:
            owner, name, value = self._before.pop()
            if value is None:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        for timer in self._loop._scheduled:
            timer._when -= ahead

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, value)

    def _run_in_executor(self, executor: Any, function: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        future = self._real_executor(executor, function, *args)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def _select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        alone = not self._pending and len(self._files) <= len(self._base_fds)
        # With no file but its own, nothing can come to the loop but by a thread, which puts it where the loop looks.
        ready = [] if alone else self._real_select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        real, within = (False, False) if alone else self._under_way()
        if timeout is None or real:
            begun = time.monotonic()
            ready = self._real_select(timeout)
            self._now += time.monotonic() - begun
            return ready
        if within and (ready := self._real_select(LOOPBACK_S)):
            return ready
        self._now = max(self._now + timeout, self._loop._scheduled[0]._when)
        return []

    def _under_way(self) -> tuple[bool, bool]:
        """Whether something real is, and whether there are connections within this loop."""
        if self._pending:
            return True, False
        connected: set[tuple[Any, Any]] = set()
        for fd in self._files:
            ends = () if fd in self._base_fds else _ends(fd)
            if ends is None:
                return True, False
            if ends:
                connected.add(ends)
        alone = any((there, here) not in connected for here, there in connected)
        return alone, bool(connected)


def _ends(file: Any) -> tuple[Any, Any] | tuple[()] | None:
    """Both addresses of a connection; nothing for what listens; None for what is no such thing."""
    fd = file if isinstance(file, int) else file.fileno()
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        return None
    with socket.socket(fileno=os.dup(fd)) as there:
        if there.type != socket.SOCK_STREAM or there.family not in (socket.AF_INET, socket.AF_INET6):
            return () if _listens(there) else None
        if _listens(there):
            return ()
        try:
            return there.getsockname(), there.getpeername()
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            return None  # it is being connected


def _listens(there: socket.socket) -> bool:
    return bool(there.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


@contextmanager
def virtual_time(*, jumps: bool = True) -> Iterator[VirtualTime]:
    """Virtual time for the running loop, until the end of the block; where it is on already, that clock goes on.

    Raises:
        RuntimeError: The loop is not one of the standard library's, with a selector.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.SelectorEventLoop):
        raise RuntimeError(f"virtual time needs asyncio's own event loop, not {type(loop).__name__}")  # noqa: TRY004
    running = getattr(loop.time, "__self__", None)
    clock = running if isinstance(running, VirtualTime) else VirtualTime(loop, jumps=jumps)
    clock.begin()
    try:
        yield clock
    finally:
        clock.end()

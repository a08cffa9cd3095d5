"""Loading within a deadline: authors' code is imported on a thread of its own, never on the event loop.

A thread cannot be stopped from outside. One that is late is told to give up (an exception is raised in it, which it
gets as soon as it runs Python again), and what it makes of that is nobody's business any more. It is a daemon, so that
it does not keep the process.
"""

import asyncio
import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

from typing_extensions import override

from media_server.call.authors_line import is_authors
from media_server.errors import ConfigError, MediaServerError

LOAD_S = 10.0
"""The longest that all dialplans together may take to be imported."""

T = TypeVar("T")


class _GivenUp(BaseException):
    """Raised in a thread that is late; no `except Exception` of an author's takes it."""


class _Loading(threading.Thread, Generic[T]):
    def __init__(self, load: Callable[[], T]) -> None:
        super().__init__(name="dialplans", daemon=True)
        self._load = load
        self.future: Future[T] = Future()

    @override
    def run(self) -> None:
        self.future.set_running_or_notify_cancel()  # from here on who waits cannot cancel it
        try:
            self.future.set_result(self._load())
        except MediaServerError as error:
            self.future.set_exception(error)
        except _GivenUp:
            pass
        except Exception as error:  # noqa: BLE001 - told to who waits; a fault of ours must not end the watching
            self.future.set_exception(error)

    def give_up(self, folders: Sequence[Path], timeout_s: float) -> ConfigError:
        """It is late: where it hangs."""
        frame = sys._current_frames().get(self.ident or 0)  # noqa: SLF001 - the way to another thread's stack
        place = ""
        while frame is not None and not place:
            file = frame.f_code.co_filename
            place = f"{file}:{frame.f_lineno}: " if is_authors(file, folders) else ""
            frame = frame.f_back
        if self.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ctypes.py_object(_GivenUp))
        return ConfigError(f"{place}the dialplans are not imported after {timeout_s:g} s")


def load_within(load: Callable[[], T], folders: Sequence[Path], timeout_s: float = LOAD_S) -> T:
    """What `load` returns. Blocks.

    Raises:
        ConfigError: What `load` raises, or it took too long: where it hangs.
    """
    loading = _Loading(load)
    loading.start()
    try:
        return loading.future.result(timeout_s)
    except TimeoutError:
        raise loading.give_up(folders, timeout_s) from None


async def load_beside(load: Callable[[], T], folders: Sequence[Path], timeout_s: float = LOAD_S) -> T:
    """`load_within` for an event loop, which goes on meanwhile.

    Raises:
        ConfigError: What `load` raises, or it took too long: where it hangs.
    """
    loading = _Loading(load)
    loading.start()
    done, _ = await asyncio.wait({asyncio.wrap_future(loading.future)}, timeout=timeout_s)
    if not done:
        raise loading.give_up(folders, timeout_s)
    return done.pop().result()

"""What systemd is told of us (`Type=notify`): datagrams as sd_notify(3) describes them, of which nothing is read.

A watchdog's sign of life comes from the event loop, so that a loop that is blocked gives none. Without systemd all of
this does nothing.
"""

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from media_server.cli.screen import complain

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """`address`: its socket, None without one. `watchdog_s`: after so long without a sign of life it kills us."""

    address: str | None = None
    watchdog_s: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "ServiceManager":
        """What it has told us; a watchdog may be meant for another process."""
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(usec) / 1e6 if ours and usec.isdecimal() and int(usec) else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s)

    def tell(self, state: str) -> None:
        """Say it, without ever waiting."""
        if self.address is None:
            return
        # A name that begins with @ is an abstract one, which begins with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as datagrams:
                datagrams.sendto(state.encode(), address)
        except OSError as error:
            complain(f"warning: systemd was not told {state}: {error.strerror or error}")

    async def show_life(self) -> None:
        """Twice in each period of the watchdog. Ends by cancellation."""
        while self.watchdog_s is not None:
            self.tell(ALIVE)
            await asyncio.sleep(self.watchdog_s / 2)

"""Keeping the roles running: one process each, started again when it dies, ended in order.

Rules:
- every child has a control pipe (`media_server.control`). It ends in order when that closes, so it also ends when we
  are killed. Signals are ours alone: children are in process groups of their own, where a terminal's Ctrl-C does not
  reach them;
- a role that needs others starts when those have their addresses, and ends before they do (calls say goodbye with a
  voice). It keeps the port that it got first over all its restarts;
- an end takes eight seconds at most: six for the roles that need others, the rest for all; who is left is killed.
"""

import asyncio
import contextlib
import random
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from media_server.control import EXIT_UNUSABLE, Bound, Failed, Ready, parse
from media_server.errors import ProtocolViolation, StartFailed
from media_server.restarts import Restarts

_END_FIRST_S = 6.0
_END_S = 8.0

Addresses: TypeAlias = Mapping[str, Bound]


@dataclass(frozen=True, slots=True)
class Role:
    """A role to keep running.

    Attributes:
        name: For the operator.
        command: The arguments of its process, given the number of its control pipe's descriptor.
        settings: Its first line on the control pipe, given the addresses that roles (itself too, at a restart) have.
        needs: The roles whose addresses it must know.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    settings: Callable[[Addresses], str]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Up:
    """A role takes work, `seconds` after its process was started."""

    name: str
    address: Bound
    seconds: float
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Down:
    """A role died (a negative `code` is a signal's number) and starts again in `seconds`."""

    name: str
    code: int
    reason: str
    seconds: float


News: TypeAlias = Up | Down


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def release(self) -> None:
        """Tell it to end."""
        self.writer.close()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


class Supervisor:
    """Runs roles until `stop`; `tell` hears what becomes of them."""

    def __init__(self, roles: Sequence[Role], tell: Callable[[News], None]) -> None:
        self._roles = roles
        self._tell = tell
        self._addresses: dict[str, Bound] = {}
        self._addressed = {role.name: asyncio.Event() for role in roles}
        self._children: dict[str, _Child] = {}
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """End in order; when called again, end now."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def run(self) -> None:
        """Keep the roles running until `stop`; when this returns or raises, all children are gone.

        Raises:
            StartFailed: A role cannot be started.
        """
        keepers = [asyncio.create_task(self._keep(role), name=role.name) for role in self._roles]
        stopped = asyncio.create_task(self._stop.wait())
        try:
            # A keeper ends only by an error.
            await asyncio.wait([stopped, *keepers], return_when=asyncio.FIRST_COMPLETED)
            failures = [task.exception() for task in keepers if task.done()]
        finally:
            for task in (stopped, *keepers):
                task.cancel()
            await asyncio.gather(stopped, *keepers, return_exceptions=True)
            await self._end()
        for failure in failures:
            if failure is not None:
                raise failure

    async def _keep(self, role: Role) -> None:
        for name in role.needs:
            await self._addressed[name].wait()
        restarts = Restarts(random.random)
        clock = asyncio.get_running_loop().time
        while True:
            child = await self._start(role)
            reason = await self._listen(role, child, clock(), restarts)
            code = await _gone(child)
            delay = restarts.died(clock())
            unusable = code == EXIT_UNUSABLE and not restarts.proven
            if delay is None or unusable:
                raise StartFailed(f"{role.name}: {reason or _ended(code)}")
            self._tell(Down(role.name, code, reason or _ended(code), delay))
            await asyncio.sleep(delay)

    async def _start(self, role: Role) -> _Child:
        ours, theirs = socket.socketpair()
        with theirs:
            # Our end first: between the process and its entry among the children nothing may be waited for.
            reader, writer = await asyncio.open_connection(sock=ours)
            fd = theirs.fileno()
            try:
                process = await asyncio.create_subprocess_exec(
                    *role.command(fd), stdin=asyncio.subprocess.DEVNULL, pass_fds=(fd,), process_group=0
                )
            except BaseException:
                writer.close()
                raise
        child = self._children[role.name] = _Child(process, reader, writer)
        writer.write(role.settings(self._addresses).encode() + b"\n")
        return child

    async def _listen(self, role: Role, child: _Child, started: float, restarts: Restarts) -> str:
        """Hear the child out; returns what it said about its failure, if it did."""
        clock = asyncio.get_running_loop().time
        reason = ""
        with contextlib.suppress(ConnectionError):
            while line := await child.reader.readline():
                try:
                    event = parse(line)
                except ProtocolViolation as error:
                    reason = str(error)
                    break
                match event:
                    case Bound():
                        self._addresses[role.name] = event
                        self._addressed[role.name].set()
                    case Ready(details):
                        restarts.ready(clock())
                        self._tell(Up(role.name, self._addresses[role.name], clock() - started, details))
                    case Failed(message):
                        reason = message
        return reason

    async def _end(self) -> None:
        """Release all children, the roles that need others first; kill who is left."""
        clock = asyncio.get_running_loop().time
        start = clock()
        first = [self._children[role.name] for role in self._roles if role.needs and role.name in self._children]
        everyone = list(self._children.values())
        for children, until in ((first, start + _END_FIRST_S), (everyone, start + _END_S)):
            for child in children:
                child.release()
            await self._all_gone(children, until - clock())
        for child in everyone:
            await child.process.wait()

    async def _all_gone(self, children: Sequence[_Child], seconds: float) -> None:
        if not children:
            return
        hurry = asyncio.create_task(self._hurry.wait())
        ends = asyncio.create_task(_wait_for(children))
        await asyncio.wait({ends, hurry}, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not ends.done():
            for child in children:
                child.kill()
        await ends


async def _wait_for(children: Sequence[_Child]) -> bool:
    for child in children:
        await child.process.wait()
    return True


async def _gone(child: _Child) -> int:
    """The exit code of a child that has closed its pipe; it is not given forever to go."""
    child.release()
    try:
        return await asyncio.wait_for(child.process.wait(), _END_S)
    except TimeoutError:
        child.kill()
        return await child.process.wait()


def _ended(code: int) -> str:
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"

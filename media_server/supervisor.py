"""Keeping the roles running: one process each, started again when it dies, ended in order.

Rules:
- every child has a control pipe (`media_server.control`). It ends in order when that closes, so it also ends when we
  are killed. Signals are ours alone: children are in process groups of their own, where a terminal's Ctrl-C does not
  reach them;
- a role that needs others starts when those have their addresses, and ends before they do (calls say goodbye with a
  voice). It keeps the port that it got first over all its restarts;
- a role that is ready and says nothing for a while hangs, whatever its process looks like; so does one whose oldest job
  takes for ever. It is killed, and started again like one that died;
- an end in order begins with those that have something to finish: they are told to drain, and given the time for it.
  The rest takes eight seconds at most: six for the roles that need others; who is left is killed.
"""

import asyncio
import contextlib
import random
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from media_server.control import DRAIN, EXIT_UNUSABLE, Alive, Bound, Draining, Failed, Ready, parse
from media_server.errors import ProtocolViolation, StartFailed
from media_server.restarts import Restarts

START_S = 120.0
"""After this a role that does not get ready hangs."""
STUCK_S = 20.0
"""No job of an engine takes so long: a file is decoded piece by piece."""
_LOOK_AGAIN_S = 0.2
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
        silent_s: After so long without a sign of life it hangs.
        drain_s: How long it may take to finish what it has; None where it has nothing to finish.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    settings: Callable[[Addresses], str]
    needs: tuple[str, ...] = ()
    silent_s: float = 3.0
    drain_s: float | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """A role takes work, `seconds` after its process was started."""

    name: str
    address: Bound
    seconds: float
    details: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Down:
    """A role died (a negative `code` is a signal's number) and starts again in `seconds`. `broken`: as always."""

    name: str
    code: int
    reason: str
    seconds: float
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Drains:
    """A role finishes so many calls before it ends."""

    name: str
    calls: int


News: TypeAlias = Up | Down | Drains


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
        self._kill = asyncio.Event()

    def stop(self) -> None:
        """Finish what there is, and end; when called again, end now, in order; when called a third time, kill."""
        if self._hurry.is_set():
            self._kill.set()
        elif self._stop.is_set():
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
            if self._stop.is_set():
                await self._drain()
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
            if self._stop.is_set() and role.drain_s is not None:
                return  # it has finished
            delay = restarts.died(clock())
            unusable = code == EXIT_UNUSABLE and not restarts.proven
            if delay is None or unusable:
                raise StartFailed(f"{role.name}: {reason or _ended(code)}")
            self._tell(Down(role.name, code, reason or _ended(code), delay, restarts.broken))
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
        reason, silent_s = "", START_S
        with contextlib.suppress(ConnectionError):
            while line := await _line(child.reader, silent_s):
                try:
                    event = parse(line)
                except ProtocolViolation as error:
                    reason = str(error)
                    break
                match event:
                    case Bound():
                        self._addresses[role.name] = event
                        self._addressed[role.name].set()
                    case Alive(stuck_s):
                        if stuck_s > STUCK_S:
                            child.kill()
                            return f"a job of it hangs for {stuck_s:.0f} s"
                    case Draining(calls):
                        self._tell(Drains(role.name, calls))
                    case Ready(details):
                        silent_s = role.silent_s
                        restarts.ready(clock())
                        self._tell(Up(role.name, self._addresses[role.name], clock() - started, details))
                    case Failed(message):
                        reason = message
            if line is None:
                child.kill()
                return f"it gave no sign of life for {silent_s:g} s"
        return reason

    async def _drain(self) -> None:
        """Let finish what is to be finished, while all the others go on."""
        draining = [role for role in self._roles if role.drain_s is not None and role.name in self._children]
        children = [self._children[role.name] for role in draining]
        for child in children:
            child.writer.write(DRAIN)
        seconds = max((role.drain_s or 0.0 for role in draining), default=0.0)
        await _first(_wait_for(children), self._hurry.wait(), timeout=seconds)

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
        await _first(_wait_for(children), self._kill.wait(), timeout=max(0.0, seconds))
        for child in children:
            if child.process.returncode is None:
                child.kill()
        await _wait_for(children)


async def _line(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """The child's next line, empty at the end; None when it said nothing for so long."""
    for limit in (seconds, _LOOK_AGAIN_S):  # we may have been stopped ourselves, with its lines in our buffer
        try:
            return await asyncio.wait_for(reader.readline(), limit)
        except TimeoutError:
            continue
    return None


async def _first(*ends: Coroutine[Any, Any, object], timeout: float) -> None:  # noqa: ASYNC109 - what it is about
    """Until the first of them is done, or the time is over."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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

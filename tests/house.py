"""The whole house, as a user starts it: `media-server serve` or `run` in processes of its own, on free ports."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

READY = re.compile(r"^((?:asr|tts|media)(?:-\d+)?)\s+ready\s.*?((?:http|ws)://[^\s/]+)")
START_S = 60.0
PRINTED_S = 5.0


@dataclass(slots=True)
class House:
    """A running server: its addresses, what it has printed so far, its supervisor."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.addresses["media"]

    def pid_of(self, name: str) -> int:
        """The process of a role, or of one instance of it, among the children of the supervisor."""
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for child in children.read_text().split():
                command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"media_server.role" in command and name.encode() in command:
                    return int(child)
        raise AssertionError(f"{name} does not run")

    async def printed(self, pattern: str, *, after: int = 0, within_s: float = PRINTED_S) -> None:
        """Wait until a line that matches was printed, after so many lines."""
        try:
            async with asyncio.timeout(within_s):
                while not any(re.search(pattern, line) for line in self.lines[after:]):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} in:\n" + "".join(self.lines)) from None

    async def read_until_ready(self, roles: int) -> None:
        assert self.process.stdout is not None
        while len(self.addresses) < roles:
            line = (await self.process.stdout.readline()).decode()
            if not line:
                raise AssertionError("it ended:\n" + "".join(self.lines))
            self.lines.append(line)
            if found := READY.match(line):
                self.addresses[found[1]] = found[2].replace("ws://", "http://")

    async def read_on(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.lines.append(line.decode())


@asynccontextmanager
async def house(
    data_dir: Path,
    *options: str,
    command: Sequence[str] = ("serve",),
    environment: Mapping[str, str] | None = None,
    roles: int = 3,
) -> AsyncIterator[House]:
    """Start everything, wait until all processes are ready; at the end SIGTERM, and it must be gone within 10 s.

    `command`: `serve`, or `run` and what to run.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "media_server.cli", *command, "--port", "0", "--asr-port", "0", "--tts-port", "0"),
        *("--data-dir", str(data_dir), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
    )
    running = House(process)
    try:
        async with asyncio.timeout(START_S):
            await running.read_until_ready(roles)
        reader = asyncio.create_task(running.read_on())
        yield running
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await process.wait()
            await reader
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

"""A role from the inside, without a process of its own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typing_extensions import override

from media_server.config import Settings
from media_server.control import Bound, RoleEvent
from media_server.errors import ConfigError
from media_server.role import ControlPipe, run_role


class Rival(ControlPipe):
    """Hears where the role is bound, and listens there before it does."""

    listener: socket.socket

    @override
    def say(self, event: RoleEvent) -> None:
        if isinstance(event, Bound):
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((event.host, event.port))
            self.listener.listen()


@contextmanager
def rival() -> Iterator[Rival]:
    ours, theirs = socket.socketpair()
    with ours, socket.socket() as listener:
        pipe = Rival(theirs.detach())
        pipe.listener = listener
        try:
            yield pipe
        finally:
            pipe._file.close()
            pipe._socket.close()


async def test_of_two_that_take_an_address_at_the_same_moment_the_second_says_that_it_is_in_use(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=tmp_path)
    with rival() as pipe, pytest.raises(ConfigError, match=r"^127\.0\.0\.1 port \d+ is in use$"):
        await run_role("media", settings, pipe, asyncio.Event(), lambda: None)


async def test_a_port_beyond_all_ports_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path).model_copy(update={"port": 65545})
    with rival() as pipe, pytest.raises(ConfigError, match="port 65545: there is no such port"):
        await run_role("media", settings, pipe, asyncio.Event(), lambda: None)

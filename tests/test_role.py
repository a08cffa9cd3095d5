"""A role from the inside, without a process of its own."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import FormData
from typing_extensions import override

from media_server.config import Settings
from media_server.control import Bound, Ready, RoleEvent
from media_server.errors import ConfigError
from media_server.instances import RoleName
from media_server.role import ControlPipe, run_role
from media_server.settings_sections import AsrSettings
from tests.services.test_asr_files import decoders, recording
from tests.speech_data import Prompt


class Rival(ControlPipe):
    """Hears where the role is bound, and listens there before it does."""

    listener: socket.socket

    @override
    def say(self, event: RoleEvent) -> None:
        if isinstance(event, Bound):
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((event.host, event.port))
            self.listener.listen()


class Listener(ControlPipe):
    """Hears where the role is bound, and when it is ready."""

    ready: asyncio.Event
    port: int

    @override
    def say(self, event: RoleEvent) -> None:
        match event:
            case Bound():
                self.port = event.port
            case Ready():
                self.ready.set()
            case _:
                pass


@asynccontextmanager
async def running(role: RoleName, settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """A role as it is started; what is asked goes to it."""
    ours, theirs = socket.socketpair()
    with ours:
        pipe = Listener(theirs.detach())
        pipe.ready = asyncio.Event()
        serving = asyncio.create_task(run_role(role, settings, pipe, asyncio.Event(), lambda: None))
        try:
            async with asyncio.timeout(60):
                await pipe.ready.wait()
            async with aiohttp.ClientSession(f"http://127.0.0.1:{pipe.port}") as client:
                yield client
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            pipe._file.close()
            pipe._socket.close()


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


@pytest.mark.models
async def test_a_client_that_leaves_gives_its_place_back_while_its_recording_is_recognised(
    models_dir: Path, tmp_path: Path, prompts: list[Prompt]
) -> None:
    some = b"".join(prompt.pcm for prompt in prompts if prompt.seconds > 3)
    half_an_hour = recording(some * (1800 * 16000 // len(some)), "wav")
    settings = Settings(asr_port=0, models_dir=models_dir, data_dir=tmp_path, asr=AsrSettings(max_files=1))
    async with running("asr", settings) as client:

        async def abandoned() -> None:
            form = FormData({"model": "whisper-1", "language": "en"})
            form.add_field("file", io.BytesIO(half_an_hour), filename="long.wav")
            await client.post("/v1/audio/transcriptions", data=form)

        async def status() -> int:
            async with client.post("/v1/transcribe", data=b"") as answer:
                return answer.status

        asking = asyncio.create_task(abandoned())
        async with asyncio.timeout(20):
            while not decoders():  # noqa: ASYNC110 - processes; the form is there, recognition has begun
                await asyncio.sleep(0.01)
        assert await status() == 503
        asking.cancel()
        async with asyncio.timeout(10):
            while await status() == 503:  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.05)
            while decoders():  # noqa: ASYNC110 - processes
                await asyncio.sleep(0.05)

"""Clients of files who leave or do not read: their places and the engine's work are given back."""

import asyncio
import json
import random
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engines.scheduler import Lane
from media_server.config import Settings
from media_server.services import sending
from media_server.services.app import LIMIT
from media_server.services.tts import SCHEDULER, create_app

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

Client = TestClient[web.Request, web.Application]
LONG = "This is a sentence that nobody hears. " * 250
"""It would take a minute to make."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    settings = Settings(models_dir=models_dir)
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


async def opened(client: Client, text: str, kind: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request for a file by a client that takes little."""
    assert client.port is not None
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", client.port))
    reader, writer = await asyncio.open_connection(sock=small, limit=1024)
    writer.write(request(text, kind))
    return reader, writer


def request(text: str, kind: str) -> bytes:
    body = json.dumps({"text": text, "format": kind, "sample_rate": 48000}).encode()
    head = f"POST /v1/synthesize HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def all_is_given_back(client: Client) -> None:
    """Long before what was asked for could have been made."""
    async with asyncio.timeout(8):
        while client.app[LIMIT].live or client.app[SCHEDULER].waiting(Lane.FINAL):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["pcm", "flac"])
async def test_a_client_that_does_not_read_is_cut_off(
    client: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.1)
    reader, writer = await opened(client, LONG, kind)
    await reader.readuntil(b"\r\n\r\n")
    assert client.app[LIMIT].live == 1
    async with asyncio.timeout(30):
        while client.app[LIMIT].live:  # noqa: ASYNC110 - the service tells nobody
            await asyncio.sleep(0.05)
    await all_is_given_back(client)
    writer.transport.abort()


@pytest.mark.parametrize("kind", ["wav", "mp3"])
async def test_a_client_that_leaves_ends_the_work_for_it(client: Client, kind: str) -> None:
    reader, writer = await opened(client, LONG, kind)
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await all_is_given_back(client)


@pytest.mark.parametrize("kind", ["wav", "mp3"])
async def test_a_client_that_leaves_before_there_is_any_sound_takes_its_work_along(client: Client, kind: str) -> None:
    scheduler, go_on = client.app[SCHEDULER], threading.Event()
    busy = [scheduler.submit(Lane.FINAL, go_on.wait, 30) for _ in range(len(scheduler._threads))]
    try:
        _, writer = await opened(client, "Hello.", kind)
        async with asyncio.timeout(5):
            while not scheduler.waiting(Lane.FINAL):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        writer.transport.abort()
        await all_is_given_back(client)
        assert not any(job.future.done() for job in busy)
    finally:
        go_on.set()


async def test_clients_that_vanish_at_any_moment_leave_nothing_behind(client: Client) -> None:
    chance, tasks = random.Random(7), len(asyncio.all_tasks())
    for _ in range(60):
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        whole = request("Hello there. How are you?", chance.choice(["wav", "pcm", "alaw"]))
        writer.write(whole[: chance.choice([len(whole), chance.randrange(1, len(whole))])])
        await writer.drain()
        await asyncio.sleep(chance.random() * 0.2)
        writer.transport.abort()
    await all_is_given_back(client)
    async with asyncio.timeout(8):
        while len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    async with client.post("/v1/synthesize", json={"text": "Hello."}) as answer:
        assert len(await answer.read()) > 10_000

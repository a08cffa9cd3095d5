"""Clients of the recogniser's stream that misbehave, and one that does not and must not notice."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSCloseCode
from aiohttp.test_utils import TestClient, TestServer

from media_server.config import Settings
from media_server.protocol import asr_stream
from media_server.services.app import LIMIT
from media_server.services.asr import create_app
from media_server.settings_sections import AsrSettings
from tests.services.test_asr import PATH, Client, a_prompt, said, to_the_end
from tests.speech_data import Prompt

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]
QUERY = f"{PATH}?sample_rate=8000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    settings = Settings(models_dir=models_dir, asr=AsrSettings(max_sessions=8))
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5):
        async for _ in socket:
            pass
    return socket.close_code


@pytest.mark.parametrize("kind", ["crumbs", "pings", "commands"])
async def test_a_flood_of_small_messages_is_closed_with_1008(client: Client, kind: str) -> None:
    async with client.ws_connect(QUERY) as socket:
        closing = asyncio.create_task(closed(socket))
        for _ in range(10_000):
            try:
                if kind == "crumbs":
                    await socket.send_bytes(b"\0")
                elif kind == "pings":
                    await socket.ping()
                else:
                    await socket.send_str('{"type": "KeepAlive"}')
            except (aiohttp.ClientError, ConnectionError):
                break
            await asyncio.sleep(0)
        assert await closing == WSCloseCode.POLICY_VIOLATION


async def test_sound_as_fast_as_it_is_taken_is_no_flood_and_none_is_dropped(
    client: Client, prompts: list[Prompt]
) -> None:
    pcm = a_prompt(prompts).pcm + bytes(16000)
    async with client.ws_connect(QUERY) as socket:
        for _ in range(10):
            for start in range(0, len(pcm), 160):
                await socket.send_bytes(pcm[start : start + 160])
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    books = events[-1]
    assert isinstance(books, asr_stream.AsrClosed)
    assert books.received_s == pytest.approx(10 * len(pcm) / 16000, abs=0.001)
    assert books.received_s == pytest.approx(books.decoded_s + books.silence_s + books.dropped_s, abs=0.001)
    assert books.dropped_s == 0.0


async def test_a_message_that_is_too_long_is_closed_with_1009_and_nothing_is_inflated(client: Client) -> None:
    async with client.ws_connect(QUERY, compress=15) as socket:
        assert not socket.compress
        await socket.send_bytes(bytes(200_000))
        assert await closed(socket) == WSCloseCode.MESSAGE_TOO_BIG


async def test_clients_that_vanish_at_any_moment_leave_nothing_behind(client: Client, prompts: list[Prompt]) -> None:
    chance, pcm = random.Random(7), a_prompt(prompts).pcm
    host, port = client.server.host, client.server.port
    head = (
        f"GET {QUERY} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n"
    ).encode()
    for _ in range(100):
        _, writer = await asyncio.open_connection(host, port)
        sound = b"\x82\xfe" + len(pcm[:4000]).to_bytes(2, "big") + bytes(4) + pcm[:4000]
        whole = head + sound * 6
        writer.write(whole[: chance.randrange(1, len(whole))])
        await writer.drain()
        await asyncio.sleep(chance.random() * 0.02)
        writer.transport.abort()
    app = client.server.app  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while app[LIMIT].live:  # noqa: ASYNC110 - the server says nothing of it
            await asyncio.sleep(0.05)
    async with client.ws_connect(QUERY) as socket:
        await said(socket, asr_stream.CloseStream())
        assert [event.type for event in await to_the_end(socket)] == ["ready", "closed"]

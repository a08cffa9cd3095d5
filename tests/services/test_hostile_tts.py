"""Clients of the synthesiser's stream that misbehave, and one that does not and must not notice."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSCloseCode
from aiohttp.test_utils import TestClient, TestServer

from engines.scheduler import Lane
from media_server.config import Settings
from media_server.protocol.speech import SpeechError
from media_server.protocol.tts_stream import TtsDone, TtsFlushed, TtsStarted
from media_server.services import app as services
from media_server.services.app import LIMIT
from media_server.services.tts import PATH, SCHEDULER, create_app
from media_server.settings_sections import TtsSettings
from tests.services.test_hostile import closed
from tests.services.test_tts import Client, Listener, listening, spoken

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]
LONG = "This is a sentence that nobody hears. " * 250


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    settings = Settings(models_dir=models_dir, tts=TtsSettings(max_sessions=8))
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


async def all_is_given_back(client: Client) -> None:
    async with asyncio.timeout(5):
        while client.app[LIMIT].live or client.app[SCHEDULER].waiting(Lane.FINAL):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["binary", "pings", "texts", "flushes", "cancels"])
async def test_a_flood_of_small_messages_is_closed_with_1008_and_others_are_served(client: Client, kind: str) -> None:
    async with listening(client) as other, client.ws_connect(PATH) as socket:
        closing = asyncio.create_task(closed(socket))
        messages = {
            "texts": {"text": "", "context_id": "a", "continue": True},
            "flushes": {"context_id": "a", "flush": True},
            "cancels": {"cancel": "a"},
        }
        for _ in range(10_000):
            try:
                if kind == "binary":
                    await socket.send_bytes(b"\0")
                elif kind == "pings":
                    await socket.ping()
                else:
                    await socket.send_json(messages[kind])
            except (aiohttp.ClientError, ConnectionError):
                break
            await asyncio.sleep(0)
        assert await closing == WSCloseCode.POLICY_VIOLATION
        done, words = await spoken(other, "Nothing of this is heard here.")
        assert len(words) == 6
        assert not done.cancelled
    await all_is_given_back(client)


async def test_a_message_that_is_too_long_is_closed_with_1009_and_nothing_is_inflated(client: Client) -> None:
    async with client.ws_connect(PATH, compress=15) as socket:
        assert not socket.compress
        await socket.send_str(json.dumps({"context_id": "a", "text": "x" * 200_000}))
        assert await closed(socket) == WSCloseCode.MESSAGE_TOO_BIG


async def test_a_client_that_answers_no_ping_is_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "HEARTBEAT_S", 0.2)
    async with client.ws_connect(PATH, autoping=False) as socket:
        assert (await socket.receive(5)).type is aiohttp.WSMsgType.TEXT
        assert client.app[LIMIT].live == 1
        await all_is_given_back(client)


@pytest.mark.parametrize(
    "message",
    [
        '{"context_id": "a", "flush": "maybe"}',
        '{"context_id": "a", "context_id": 5, "text": "x"}',
        '{"context_id": "a", "text": "x", "speed": [1]}',
        '{"context_id": "a", "text": "x", "speed": -Infinity}',
        '{"context_id": "a", "text": {"a": ' + "[" * 10_000 + "}",
        '{"cancel": "' + "x" * 65 + '"}',
    ],
)
async def test_what_is_no_message_is_told_so_and_closed(client: Client, message: str) -> None:
    async with listening(client) as listener:
        await listener.stream.send_str(message)
        error = await listener.next()
        assert isinstance(error, SpeechError)
        assert error.code == "protocol_violation"
        assert await closed(listener.stream) == WSCloseCode.POLICY_VIOLATION


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2000,
        "Z" + "\u0351\u0323" * 900 + " ok.",
        "\u202eabc\u2066 ok.",
        "[[" * 900,
        "\n" * 9_980 + "http://ex.com/a ok.",
    ],
)
async def test_hostile_text_comes_to_an_end(client: Client, text: str) -> None:
    async with listening(client, "?sample_rate=8000&speed=2") as listener:
        await listener.say(text)
        async with asyncio.timeout(60):
            done = (await listener.until_done())[-1]
        assert isinstance(done, TtsDone)
        assert done.audio_s < 900


async def test_more_contexts_than_there_is_room_for_are_refused_one_by_one(client: Client) -> None:
    async with listening(client) as listener:
        for number in range(66):
            await listener.say("", str(number), more=True)
        for number in (64, 65):
            refused = await listener.next()
            assert isinstance(refused, SpeechError)
            assert (refused.code, refused.context_id) == ("input", str(number))
        await listener.stream.send_json({"context_id": "0", "flush": True})
        assert [await listener.next() for _ in range(2)] == [TtsStarted(context_id="0"), TtsFlushed(context_id="0")]


async def test_clients_that_vanish_at_any_moment_leave_nothing_behind(client: Client) -> None:
    chance = random.Random(7)
    head = (
        f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n"
    ).encode()
    for _ in range(60):
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        text = json.dumps({"text": LONG, "context_id": "a"}).encode()
        whole = head + (b"\x81\xfe" + len(text).to_bytes(2) + bytes(4) + text)
        writer.write(whole[: chance.choice([len(whole), chance.randrange(1, len(whole))])])
        await writer.drain()
        await asyncio.sleep(chance.random() * 0.1)
        writer.transport.abort()
        while client.app[LIMIT].live > 6:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await all_is_given_back(client)
    async with listening(client) as listener:
        assert isinstance(listener, Listener)
        await listener.say("Yes.")
        assert await listener.next() == TtsStarted(context_id="a")

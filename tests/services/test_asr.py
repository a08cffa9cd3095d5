"""`ws /v1/stream/asr` end to end: a real server on a free port, real models, recorded speech."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engines.errors import ModelError
from media_server.audio.g711 import encode_mulaw
from media_server.config import AsrSettings, Settings
from media_server.protocol import asr_stream, speech
from media_server.protocol.asr_stream import AsrEvent, parse_asr_event
from media_server.services.app import LIMIT
from media_server.services.asr import create_app
from tests.engines.asr.loaded import line_noise
from tests.speech_data import Prompt, words_right

pytestmark = pytest.mark.models

PATH = "/v1/stream/asr"
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def service(models_dir: Path, *, max_sessions: int = 4, idle_timeout_s: float = 60.0) -> AsyncIterator[Client]:
    asr = AsrSettings(max_sessions=max_sessions, idle_timeout_s=idle_timeout_s)
    async with TestClient(TestServer(create_app(Settings(models_dir=models_dir, asr=asr)))) as client:
        yield client


@pytest.fixture
async def client(models_dir: Path) -> AsyncIterator[Client]:
    async with service(models_dir) as client:
        yield client


async def to_the_end(socket: aiohttp.ClientWebSocketResponse) -> list[AsrEvent]:
    events = [parse_asr_event(message.data) async for message in socket]
    return [event for event in events if event is not None]


async def said(socket: aiohttp.ClientWebSocketResponse, command: speech.Message) -> None:
    await socket.send_str(speech.serialize(command))


def a_prompt(prompts: list[Prompt]) -> Prompt:
    return next(prompt for prompt in prompts if prompt.name == "all-circuits-busy-now")


@pytest.mark.parametrize("encoding", ["linear16", "mulaw"])
async def test_a_sentence_is_heard_as_one_turn(client: Client, prompts: list[Prompt], encoding: str) -> None:
    prompt = a_prompt(prompts)
    pcm = line_noise(0.6) + prompt.pcm + line_noise(2)
    audio = encode_mulaw(pcm) if encoding == "mulaw" else pcm
    async with client.ws_connect(f"{PATH}?encoding={encoding}&sample_rate=8000") as socket:
        for start in range(0, len(audio), 641):  # samples torn between messages
            await socket.send_bytes(audio[start : start + 641])
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    types = [event.type for event in events]
    assert types == ["ready", "speech_started", "turn_eager", "final", "turn_ended", "closed"]
    [final] = [event for event in events if isinstance(event, asr_stream.Final)]
    assert words_right(prompt.text, final.text) >= 0.6
    closed = events[-1]
    assert isinstance(closed, asr_stream.AsrClosed)
    assert closed.reason == "close"
    assert closed.received_s == pytest.approx(len(pcm) / 2 / 8000)
    assert closed.received_s == pytest.approx(closed.decoded_s + closed.silence_s + closed.dropped_s)


async def test_ready_tells_the_cost_of_a_decode_and_the_room(client: Client) -> None:
    async with client.get("/readyz") as answer:
        assert answer.status == 200
        report = await answer.json()
    assert report["decode_ms"] > 0
    assert (report["sessions"], report["free"]) == (0, 4)


async def test_unknown_keys_are_warned_of(client: Client) -> None:
    async with client.ws_connect(f"{PATH}?sample_rate=8000&colour=blue") as socket:
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    assert [event.type for event in events] == ["ready", "warning", "closed"]


@pytest.mark.parametrize(
    "query", ["sample_rate=44100", "encoding=opus", "patience=none", "min_silence_ms=1", "language=xx"]
)
async def test_a_bad_query_is_refused_before_the_upgrade(client: Client, query: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(f"{PATH}?{query}")
    assert refused.value.status == 400


async def test_one_session_too_many_is_refused_before_the_upgrade(models_dir: Path) -> None:
    async with service(models_dir, max_sessions=1) as client, client.ws_connect(PATH):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(PATH)
    assert refused.value.status == 503
    assert refused.value.headers is not None
    assert "Retry-After" in refused.value.headers


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "Sing"}', '{"type": "Configure", "colour": 1}', "NaN"])
async def test_a_message_that_is_none_ends_the_stream_with_an_error(client: Client, text: str) -> None:
    async with client.ws_connect(PATH) as socket:
        await socket.send_bytes(bytes(640))
        await socket.send_str(text)
        events = await to_the_end(socket)
    assert [event.type for event in events] == ["ready", "error", "closed"]
    error = events[1]
    assert isinstance(error, speech.SpeechError)
    assert error.code == "protocol_violation"


async def test_an_idle_client_is_told_and_closed(models_dir: Path) -> None:
    async with service(models_dir, idle_timeout_s=0.2) as client, client.ws_connect(PATH) as socket:
        events = await to_the_end(socket)
    assert [event.type for event in events] == ["ready", "error", "closed"]


async def test_a_message_over_64_kib_closes_the_socket(client: Client) -> None:
    async with client.ws_connect(PATH) as socket:
        await socket.send_bytes(bytes(64 * 1024 + 1))
        async for _ in socket:
            pass
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_configure_and_keep_alive_are_taken_at_any_time(client: Client, prompts: list[Prompt]) -> None:
    async with client.ws_connect(f"{PATH}?sample_rate=8000&patience=quick") as socket:
        await said(socket, asr_stream.KeepAlive())
        await said(socket, asr_stream.Configure(patience="patient", turn_detection="silence", min_silence_ms=1500))
        pcm = line_noise(0.6) + a_prompt(prompts).pcm + line_noise(3)
        for start in range(0, len(pcm), 32_000):
            await socket.send_bytes(pcm[start : start + 32_000])
        await said(socket, asr_stream.Finalize())
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    [ended] = [event for event in events if isinstance(event, asr_stream.TurnEnded)]
    assert 1.5 <= ended.at - ended.end < 1.6
    assert ended.reason == "silence"
    assert "finalized" in [event.type for event in events]


async def test_a_client_that_goes_away_gives_its_place_back(client: Client, prompts: list[Prompt]) -> None:
    socket = await client.ws_connect(f"{PATH}?sample_rate=8000")
    await socket.send_bytes(line_noise(0.6) + a_prompt(prompts).pcm + line_noise(0.2))
    await socket.receive()
    assert socket._response.connection is not None
    socket._response.connection.transport.abort()  # type: ignore[union-attr]
    app = client.app
    assert app is not None
    async with asyncio.timeout(5):
        while app[LIMIT].live:  # noqa: ASYNC110 - nothing tells when the place is free
            await asyncio.sleep(0.01)


async def test_without_models_the_role_does_not_start(tmp_path: Path) -> None:
    runner = web.AppRunner(create_app(Settings(models_dir=tmp_path)))
    with pytest.raises(ModelError):
        await runner.setup()
    await runner.cleanup()

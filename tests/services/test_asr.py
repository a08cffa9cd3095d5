"""`ws /v1/stream/asr` end to end: a real server on a free port, real models, recorded speech."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engines.errors import ModelError
from media_server.audio.g711 import encode_alaw, encode_mulaw
from media_server.audio.resample import resample
from media_server.config import Settings
from media_server.protocol import asr_stream, speech
from media_server.protocol.asr_stream import AsrEvent, parse_asr_event
from media_server.services.app import LIMIT
from media_server.services.asr import create_app
from media_server.settings_sections import AsrSettings
from tests.engines.asr.loaded import line_noise
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

PATH = "/v1/stream/asr"
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def service(models_dir: Path, *, max_sessions: int = 4, idle_timeout_s: float = 60.0) -> AsyncIterator[Client]:
    asr = AsrSettings(max_sessions=max_sessions, idle_timeout_s=idle_timeout_s)
    async with TestClient(TestServer(create_app(Settings(models_dir=models_dir, asr=asr)))) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    async with service(models_dir) as client:
        yield client


async def to_the_end(socket: aiohttp.ClientWebSocketResponse) -> list[AsrEvent]:
    events = [parse_asr_event(message.data) async for message in socket]
    return [event for event in events if event is not None]


async def leaving_frees_the_place(client: Client, socket: aiohttp.ClientWebSocketResponse) -> None:
    assert socket._response.connection is not None
    socket._response.connection.transport.abort()  # type: ignore[union-attr]
    app = client.app
    assert app is not None
    async with asyncio.timeout(5):
        while app[LIMIT].live:  # noqa: ASYNC110 - nothing tells when the place is free
            await asyncio.sleep(0.01)


async def said(socket: aiohttp.ClientWebSocketResponse, command: speech.Message) -> None:
    await socket.send_str(speech.serialize(command))


def a_prompt(prompts: list[Prompt]) -> Prompt:
    return next(prompt for prompt in prompts if prompt.name == "all-circuits-busy-now")


def stream_of(pcm: bytes, container: str) -> bytes:
    """Opus in a container, as a browser makes it."""
    file = BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("libopus", rate=48000, layout="mono")
        samples = np.frombuffer(resample(pcm, 8000, 48000), dtype=np.int16)
        for start in range(0, len(samples) - 959, 960):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


SOUNDS: dict[str, Callable[[bytes], bytes]] = {
    "encoding=linear16&sample_rate=8000": lambda pcm: pcm,
    "encoding=mulaw&sample_rate=8000": encode_mulaw,
    "encoding=alaw&sample_rate=8000": encode_alaw,
    "sample_rate=11025": lambda pcm: resample(pcm, 8000, 11025),
    "sample_rate=16000": lambda pcm: resample(pcm, 8000, 16000),
    "sample_rate=44100": lambda pcm: resample(pcm, 8000, 44100),
    "sample_rate=48000": lambda pcm: resample(pcm, 8000, 48000),
    "encoding=opus": lambda pcm: stream_of(pcm, "ogg"),
    "encoding=opus&sample_rate=8000": lambda pcm: stream_of(pcm, "webm"),
}


@pytest.mark.parametrize("query", SOUNDS)
async def test_a_sentence_is_heard_as_one_turn_whatever_it_comes_in(
    client: Client, prompts: list[Prompt], query: str
) -> None:
    prompt = a_prompt(prompts)
    pcm = line_noise(0.6) + prompt.pcm + line_noise(2)
    audio = SOUNDS[query](pcm)
    async with client.ws_connect(f"{PATH}?{query}&word_timestamps=true") as socket:
        for start in range(0, len(audio), 1281):  # samples torn between messages
            await socket.send_bytes(audio[start : start + 1281])
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    types = [event.type for event in events if event.type != "turn_eager"]  # told where the decode is done in time
    assert types == ["ready", "speech_started", "final", "turn_ended", "closed"]
    [final] = [event for event in events if isinstance(event, asr_stream.Final)]
    assert words_right(prompt.text, final.text) >= 0.6
    assert final.words is not None
    assert " ".join(word.text for word in final.words) == final.text
    times = [time for word in final.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert final.start <= times[0] < final.start + 0.3
    assert final.end - 0.3 < times[-1] <= final.end
    closed = events[-1]
    assert isinstance(closed, asr_stream.AsrClosed)
    assert closed.reason == "close"
    assert closed.received_s == pytest.approx(len(pcm) / 2 / 8000, abs=0.03)
    assert closed.received_s == pytest.approx(closed.decoded_s + closed.silence_s + closed.dropped_s)


async def test_sound_in_no_container_that_is_known_ends_an_opus_stream_with_an_error(client: Client) -> None:
    async with client.ws_connect(f"{PATH}?encoding=opus") as socket:
        await socket.send_bytes(b"#EXTM3U\nfile:///etc/passwd\n" * 10)
        events = await to_the_end(socket)
    assert [event.type for event in events] == ["ready", "error", "closed"]
    error = events[1]
    assert isinstance(error, speech.SpeechError)
    assert error.code == "unsupported_media"


@pytest.mark.parametrize("query", ["encoding=opus", "sample_rate=44100", "sample_rate=8000"])
async def test_a_stream_without_any_sound_is_closed_like_any_other(client: Client, query: str) -> None:
    async with client.ws_connect(f"{PATH}?{query}") as socket:
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    assert [event.type for event in events] == ["ready", "closed"]


async def test_the_language_is_found_where_it_is_not_given(client: Client, prompts: list[Prompt]) -> None:
    async with client.ws_connect(f"{PATH}?sample_rate=8000&language=auto&keyterm=circuits&keyterm=busy") as socket:
        await socket.send_bytes((line_noise(0.6) + a_prompt(prompts).pcm)[:60_000])
        await said(socket, asr_stream.CloseStream())
        events = await to_the_end(socket)
    [final] = [event for event in events if isinstance(event, asr_stream.Final)]
    assert (final.language, final.words) == ("en", None)
    assert final.confidence is not None
    assert 0.3 < final.confidence <= 1


async def test_what_a_partial_calls_stable_stays_as_it_is(client: Client, prompts: list[Prompt]) -> None:
    longest = max(prompts, key=lambda prompt: len(prompt.pcm))
    partials: list[asr_stream.Partial] = []
    async with client.ws_connect(f"{PATH}?sample_rate=8000&interim_results=true&turn_detection=none") as socket:
        pcm = line_noise(0.6) + longest.pcm[: 9 * 16000]
        for start in range(0, len(pcm), 16000):  # not faster than partials are made of it
            await socket.send_bytes(pcm[start : start + 16000])
            with suppress(TimeoutError):
                event = parse_asr_event((await socket.receive(1.0)).data)
                if isinstance(event, asr_stream.Partial):
                    partials.append(event)
    assert max(partial.stable for partial in partials) > 0
    for before, after in pairwise(partials):
        assert after.text[: before.stable] == before.text[: before.stable]
        assert after.stable >= before.stable


async def test_ready_tells_the_cost_of_a_decode_and_the_room(models_dir: Path) -> None:
    async with service(models_dir) as client, client.get("/readyz") as answer:
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
    "query",
    [
        "sample_rate=7999",
        "sample_rate=48001",
        "sample_rate=1e4",
        "encoding=mp3",
        "patience=none",
        "min_silence_ms=1",
        "language=xx",
        "keyterm=" + 101 * "a",
        "&".join(f"keyterm={number}" for number in range(51)),
        "word_timestamps=perhaps",
    ],
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
    await leaving_frees_the_place(client, socket)


async def test_without_models_the_role_does_not_start(tmp_path: Path) -> None:
    runner = web.AppRunner(create_app(Settings(models_dir=tmp_path)))
    with pytest.raises(ModelError):
        await runner.setup()
    await runner.cleanup()

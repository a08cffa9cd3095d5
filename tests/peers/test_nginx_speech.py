"""Several recognisers and voices behind one address: real services, real models, Debian's nginx."""

import asyncio
import io
import json
import os
import signal
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import openai
import pytest
import pytest_asyncio

from media_server.phone.scrape import Scrape, scrape
from tests.house import House, house
from tests.peers.nginx import Doors, free_port, nginx, trusting
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

KEY = {"Authorization": "Bearer a-key"}
ROOM = {
    "MEDIA_SERVER_API_KEY": "a-key",
    "MEDIA_SERVER_ASR__MAX_SESSIONS": "1",
    "MEDIA_SERVER_TTS__MAX_SESSIONS": "1",
    "MEDIA_SERVER_ASR__MAX_FILES": "1",
}
LIVE = "media_server_sessions_live"
REFUSED = "media_server_sessions_refused_total"
STREAM = {"encoding": "linear16", "sample_rate": "8000"}
TEXT = " ".join(f"Table {number} is booked, and we look forward to seeing you." for number in range(16))


@dataclass(slots=True)
class Both:
    """Two instances of an engine, and the public address before them."""

    house: House
    doors: Doors
    role: str

    @property
    def urls(self) -> list[str]:
        return [self.house.addresses[f"{self.role}-{number}"] for number in (1, 2)]

    def post(self, path: str, **more: object) -> "aiohttp.client._RequestContextManager":
        return self.doors.http.post(self.doors.speech + path, headers=KEY, **more)  # type: ignore[arg-type]

    def stream(self, url: str = "") -> "aiohttp.client._WSRequestContextManager":
        """To one of them, or to the door."""
        url = (url or self.doors.speech) + f"/v1/stream/{self.role}"
        return self.doors.http.ws_connect(url, params=STREAM, headers=KEY)

    async def figures(self) -> list[Scrape]:
        return [await scrape(self.doors.http, [url], KEY) for url in self.urls]

    async def total(self, name: str) -> float:
        return sum(figures[name] for figures in await self.figures())

    async def live(self, count: int) -> None:
        """Until there are so many sessions."""
        async with asyncio.timeout(10):
            while await self.total(LIVE) != count:  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(0.02)


@asynccontextmanager
async def two(role: str, folder: Path, models_dir: Path) -> AsyncIterator[Both]:
    options = ("--models-dir", str(models_dir), "--role", role, "--instances", f"{role}=2")
    async with house(folder, *options, environment=ROOM, roles=2) as server:
        here = [server.addresses[f"{role}-{number}"].removeprefix("http://") for number in (1, 2)]
        async with nginx(folder, free_port(), **{role: here}) as doors:
            yield Both(server, doors, role)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asr(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[Both]:
    async with two("asr", tmp_path_factory.mktemp("asr"), models_dir) as both:
        yield both


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tts(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[Both]:
    async with two("tts", tmp_path_factory.mktemp("tts"), models_dir) as both:
        yield both


@pytest.fixture(scope="module")
def sentences(prompts: list[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.single_sentence and prompt.reported and 2 < prompt.seconds < 4]


def recording(*parts: bytes) -> bytes:
    """A WAV at 8 kHz, the parts a second and a half apart."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(24_000).join(parts))
    return file.getvalue()


async def ready(socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
    assert (await socket.receive_json())["type"] == "ready"


async def test_a_session_that_a_full_recogniser_refuses_lands_on_the_other(asr: Both) -> None:
    async with asr.stream(asr.urls[0]) as direct:
        await ready(direct)
        before = (await asr.figures())[0][REFUSED]
        for _ in range(4):
            async with asr.stream() as socket:
                await ready(socket)
            await asr.live(1)
        assert (await asr.figures())[0][REFUSED] > before, "the full one was asked"
        async with asr.stream() as socket:
            await ready(socket)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await asr.stream()
            assert refused.value.status == 503
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) > 0
    await asr.live(0)


async def test_who_was_with_a_recogniser_that_was_killed_comes_back_to_the_other(
    asr: Both, sentences: list[Prompt]
) -> None:
    async with asr.stream() as socket:
        await ready(socket)
        busy = [figures["media_server_sessions_live"] for figures in await asr.figures()].index(1.0)
        os.kill(asr.house.pid_of(f"asr-{busy + 1}"), signal.SIGKILL)
        async with asyncio.timeout(10):
            ended = await socket.receive()
        assert ended.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    async with asr.stream() as socket:
        await ready(socket)
        assert (await asr.figures())[1 - busy]["media_server_sessions_live"] == 1
        await socket.send_bytes(sentences[0].pcm[:48_000])
        await socket.send_bytes(sentences[0].pcm[48_000:])
        await socket.send_json({"type": "CloseStream"})
        events = [json.loads(message.data) async for message in socket]
    heard = " ".join(event["text"] for event in events if event["type"] == "final")
    assert words_right(sentences[0].text, heard) >= 0.6, heard
    await asr.live(0)
    async with asyncio.timeout(60):
        while not (await asr.figures())[busy].values:  # noqa: ASYNC110 - until it is back
            await asyncio.sleep(0.1)


async def test_a_recording_is_decoded_while_it_comes_in(asr: Both, sentences: list[Prompt]) -> None:
    file = recording(sentences[0].pcm, bytes(3_000_000), sentences[1].pcm)

    async def slowly() -> AsyncIterator[bytes]:
        yield file[:1_500_000]
        await asr.live(1)  # it has begun
        yield file[1_500_000:]

    async with asr.post("/v1/transcribe", data=slowly()) as answer:
        assert answer.status == 200, await answer.text()
        heard = (await answer.json())["text"]
    assert words_right(f"{sentences[0].text} {sentences[1].text}", heard) >= 0.6, heard
    await asr.live(0)


async def test_a_recording_for_which_nobody_has_room_is_told_when_to_come_again(asr: Both) -> None:
    over = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield recording(bytes(100_000))
        await over.wait()

    async def upload() -> int:
        async with asr.post("/v1/transcribe", data=endless()) as answer:
            return answer.status

    uploads = [asyncio.create_task(upload()) for _ in asr.urls]
    await asr.live(2)
    async with asr.post("/v1/transcribe", data=recording(bytes(100_000))) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    over.set()
    assert await asyncio.gather(*uploads) == [200, 200]
    await asr.live(0)


async def test_events_come_one_by_one_to_openais_client(asr: Both, sentences: list[Prompt]) -> None:
    file = recording(*(prompt.pcm for prompt in sentences[:8]))
    web = openai.DefaultAsyncHttpxClient(verify=trusting())
    address = f"{asr.doors.speech}/v1"
    async with openai.AsyncOpenAI(base_url=address, api_key="a-key", http_client=web, max_retries=0) as api:
        events = await api.audio.transcriptions.create(model="whisper-1", file=("a.wav", file), stream=True)
        kinds = [(await anext(events)).type]
        assert await asr.total(LIVE) == 1, "it is still at work"
        kinds += [event.type async for event in events]
    assert kinds[:-1] == ["transcript.text.delta"] * (len(kinds) - 1)
    assert len(kinds) > 2
    await asr.live(0)


async def test_speech_comes_as_it_is_made(tts: Both) -> None:
    async with tts.post("/v1/synthesize", json={"text": TEXT, "format": "pcm"}) as answer:
        first = await answer.content.readany()
        assert await tts.total(LIVE) == 1, "it is still at work"
        rest = await answer.read()
    assert 0 < len(first) < len(rest) / 4
    await tts.live(0)


async def test_a_text_that_a_full_voice_refuses_is_spoken_by_the_other(tts: Both) -> None:
    async with tts.stream(tts.urls[0]) as direct:
        await ready(direct)
        before = (await tts.figures())[0][REFUSED]
        for _ in range(4):
            async with tts.post("/v1/synthesize", json={"text": "Hello."}) as answer:
                assert answer.status == 200
                assert (await answer.read()).startswith(b"RIFF")
            await tts.live(1)
        assert (await tts.figures())[0][REFUSED] > before, "the full one was asked"
    await tts.live(0)


async def test_a_text_that_was_with_a_voice_that_hangs_is_spoken_by_the_other(tts: Both) -> None:
    async def spoken() -> int:
        async with tts.post("/v1/synthesize", json={"text": "Hello."}) as answer:
            await answer.read()
            return answer.status

    os.kill(tts.house.pid_of("tts-1"), signal.SIGSTOP)  # it is killed after three seconds
    assert set(await asyncio.gather(spoken(), spoken())) == {200}
    await tts.house.printed("^tts-1 .*no sign of life")

"""The whole media role before both services as they are: what they offer is there at one address, with one key."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import FormData, WSMsgType
from aiohttp.test_utils import TestClient

from media_server.config import Settings
from media_server.protocol.asr_stream import CloseStream, Final, parse_asr_event
from media_server.protocol.speech import serialize
from media_server.server import create_app
from media_server.settings_sections import MediaSettings
from tests.api.relay_house import Client, MediaServer
from tests.speech_apps import speech_apps, tone_pcm, tone_wav

KEY = "one key for all"


@asynccontextmanager
async def media_role(folder: Path) -> AsyncIterator[Client]:
    async with speech_apps(folder, api_key=KEY) as engines:
        settings = Settings(data_dir=folder / "media", api_key=KEY, media=MediaSettings(**engines.urls))
        head = {"Authorization": f"Bearer {KEY}"}
        async with TestClient(MediaServer(create_app(settings)), headers=head) as client:
            async with asyncio.timeout(10):
                while True:
                    async with client.get("/readyz") as answer:
                        if answer.status == 200:
                            break
                    await asyncio.sleep(0.05)
            yield client


async def test_recordings_speech_voices_and_both_streams(tmp_path: Path) -> None:
    async with media_role(tmp_path) as client:
        query = {"language": "en", "words": "true"}
        async with client.post("/v1/transcribe", params=query, data=tone_wav(1.2)) as answer:
            document = await answer.json()
            assert (answer.status, document["text"]) == (200, "one two three"), document
            assert [word["text"] for word in document["segments"][0]["words"]] == ["one", "two", "three"]

        async with client.post("/v1/synthesize", json={"text": "Good evening.", "format": "wav"}) as answer:
            assert answer.content_type == "audio/wav"
            assert len(await answer.read()) > 20_000

        async with client.get("/v1/voices") as answer:
            assert (await answer.json())["can_clone"] is True
        form = FormData({"name": "Zoë", "consent": "true"})
        form.add_field("file", io.BytesIO(tone_wav(6.0)), filename="me.wav")
        async with client.post("/v1/voices", data=form) as answer:
            voice = await answer.json()
            assert answer.status == 201, voice
            assert answer.headers["Location"] == f"/v1/voices/{voice['id']}"
        async with client.delete(f"/v1/voices/{voice['id']}") as answer:
            assert answer.status == 204

        async with client.get("/v1/models") as answer:
            assert {model["id"] for model in (await answer.json())["data"]} >= {"whisper-1", "tts-1"}

        async with client.ws_connect("/v1/stream/asr?sample_rate=16000&interim_results=true") as socket:
            pcm = tone_pcm(1.2) + bytes(32000)
            for start in range(0, len(pcm), 1280):
                await socket.send_bytes(pcm[start : start + 1280])
            await socket.send_str(serialize(CloseStream()))
            events = [parse_asr_event(message.data) async for message in socket]
        assert " ".join(event.text for event in events if isinstance(event, Final)) == "one two three"
        assert socket.close_code == 1000

        async with client.ws_connect("/v1/stream/tts?sample_rate=16000") as socket:
            assert (await socket.receive_json())["type"] == "ready"
            await socket.send_json({"text": "Good evening.", "context_id": "a"})
            kinds = [(await socket.receive()).type for _ in range(4)]
            assert WSMsgType.BINARY in kinds


async def test_without_the_key_nothing_is_passed_on(tmp_path: Path) -> None:
    async with media_role(tmp_path) as client:
        for path in ("/v1/voices", "/v1/models", "/v1/stream/asr"):
            async with client.get(path, headers={"Authorization": "Bearer wrong"}) as answer:
                assert answer.status == 401

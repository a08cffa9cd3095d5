"""Speech by HTTP: the real voice, real encoders, OpenAI's own client, and the recogniser to listen."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import openai
import pytest
import pytest_asyncio
import soxr
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engines import ports
from engines.ports import Listening
from media_server.audio.g711 import decode_alaw, decode_mulaw
from media_server.config import Settings
from media_server.protocol.tts_stream import LEAST_SPEED, MOST_SPEED
from media_server.services.tts import ENGINE, create_app
from tests.engines.asr.loaded import whisper
from tests.speech_data import words_right

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

Client = TestClient[web.Request, web.Application]
TEXT = "Your table for four people is booked. We look forward to seeing you tomorrow evening."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(Settings(models_dir=models_dir)))) as client:
        yield client


def understood(models_dir: Path, samples: np.ndarray, rate: int) -> str:
    heard = soxr.resample(samples.astype(np.float32) / 32768, rate, 16000)
    return whisper(models_dir).transcribe(heard, Listening()).text


def samples_of(file: bytes) -> tuple[np.ndarray, int]:
    with av.open(io.BytesIO(file), mode="r") as opened:
        frames = list(opened.decode(audio=0))
        resampler = av.AudioResampler(format="s16", layout="mono", rate=frames[0].sample_rate)
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)]
        return np.concatenate(pieces), frames[0].sample_rate


@pytest.mark.parametrize("kind", ["wav", "mp3", "opus", "flac", "wav_mulaw", "wav_alaw"])
async def test_a_text_comes_back_as_a_file_that_says_it(client: Client, models_dir: Path, kind: str) -> None:
    async with client.post("/v1/synthesize", json={"text": TEXT, "format": kind}) as answer:
        assert answer.status == 200, await answer.text()
        file = await answer.read()
    samples, rate = samples_of(file)
    assert rate == (48000 if kind == "opus" else 24000)
    assert 3.0 < len(samples) / rate < 9.0
    assert words_right(TEXT, understood(models_dir, samples, rate)) >= 0.9


@pytest.mark.parametrize(("kind", "named"), [("mulaw", "audio/PCMU"), ("alaw", "audio/PCMA")])
async def test_a_telephone_s_encodings_are_one_byte_a_sample(
    client: Client, models_dir: Path, kind: str, named: str
) -> None:
    async with client.post("/v1/synthesize", json={"text": TEXT, "format": kind, "sample_rate": 8000}) as answer:
        assert answer.headers["Content-Type"] == f"{named};rate=8000"
        sound = await answer.read()
    pcm = decode_mulaw(sound) if kind == "mulaw" else decode_alaw(sound)
    assert words_right(TEXT, understood(models_dir, np.frombuffer(pcm, "<i2"), 8000)) >= 0.9


async def test_speed_makes_it_longer_and_shorter(client: Client, models_dir: Path) -> None:
    sounds: dict[float, np.ndarray] = {}
    for speed in (0.5, 1.0, 1.5):
        asked = {"text": TEXT, "format": "pcm", "sample_rate": 16000, "speed": speed}
        async with client.post("/v1/synthesize", json=asked) as answer:
            sounds[speed] = np.frombuffer(await answer.read(), "<i2")
    assert 1.5 < len(sounds[0.5]) / len(sounds[1.0]) < 2.3
    assert 0.6 < len(sounds[1.5]) / len(sounds[1.0]) < 0.85
    assert words_right(TEXT, understood(models_dir, sounds[1.5], 16000)) >= 0.9


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
async def test_pcm_has_the_rate_that_was_asked_for(client: Client, rate: int) -> None:
    asked = {"text": "Hello there.", "format": "pcm", "sample_rate": rate}
    async with client.post("/v1/synthesize", json=asked) as answer:
        pcm = await answer.read()
    assert 0.4 < len(pcm) / 2 / rate < 2.0


async def test_it_is_sent_as_it_is_made(client: Client) -> None:
    async with client.post("/v1/synthesize", json={"text": " ".join([TEXT] * 8), "format": "mp3"}) as answer:
        first = await answer.content.readany()
        rest = await answer.read()
    assert 0 < len(first) < len(rest) / 4


async def test_openais_own_client_is_served(client: Client, models_dir: Path) -> None:
    async with openai.AsyncOpenAI(base_url=str(client.make_url("/v1")), api_key="none", max_retries=0) as api:
        assert {model.id async for model in api.models.list()} == {"piper-joe", "tts-1"}
        spoken = await api.audio.speech.create(model="tts-1", voice="alloy", input=TEXT)
        samples, rate = samples_of(await spoken.aread())
        assert words_right(TEXT, understood(models_dir, samples, rate)) >= 0.9
        async with api.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input="Hello.", response_format="pcm"
        ) as stream:
            assert len(b"".join([piece async for piece in stream.iter_bytes()])) > 10_000
        with pytest.raises(openai.NotFoundError, match="no 'nobody'"):
            await api.audio.speech.create(model="tts-1", voice="nobody", input="Hello.")
        fast = await api.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, speed=1.5, response_format="pcm")
        assert 0.5 < len(await fast.aread()) / 2 / 24000 / (len(samples) / rate) < 0.9
        for speed in (0.25, 4.0):  # OpenAI's voices can
            with pytest.raises(openai.BadRequestError, match=r"speed: it may be 0\.5 to 2\.0"):
                await api.audio.speech.create(model="tts-1", voice="alloy", input="Hello.", speed=speed)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "Hello", "format": "midi"}, "format"),
        ({"text": "Hello", "sample_rate": 11025}, "sample_rate"),
        ({"text": "Hello", "speed": 2.5}, "speed: it may be 0.5 to 2.0"),
        ({"text": "Hello", "speed": "fast"}, "speed"),
        ({"text": "Hello", "pitch": 2}, "pitch"),
        ({}, "text"),
        ([], "object"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(client: Client, body: object, names: str) -> None:
    async with client.post("/v1/synthesize", json=body) as answer:
        assert answer.status == 400
        assert names in (await answer.json())["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"text": "\\ud800"}', b"[" * 10_000, b'{"text": "x", "speed": NaN}']
)
async def test_a_body_that_is_no_json_is_refused(client: Client, body: bytes) -> None:
    async with client.post("/v1/synthesize", data=body) as answer:
        assert answer.status == 400


async def test_a_voice_is_no_path(client: Client) -> None:
    async with client.post("/v1/synthesize", json={"text": "Hello", "voice": "../../etc/passwd"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "not_found")


async def test_text_without_words_is_a_file_without_sound_or_a_refusal(client: Client) -> None:
    async with client.post("/v1/synthesize", json={"text": " ... "}) as answer:
        assert answer.status in (200, 400)


async def test_what_may_be_asked_for_is_what_engines_can() -> None:
    assert (LEAST_SPEED, MOST_SPEED) == (ports.LEAST_SPEED, ports.MOST_SPEED)


@pytest.mark.parametrize("kind", ["wav", "flac"])
async def test_what_fails_at_once_is_no_file(client: Client, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client.app[ENGINE], "synthesize", broken)
    async with client.post("/v1/synthesize", json={"text": "This is said nowhere else.", "format": kind}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (502, "engine")

"""Whole recordings through the asr service: real models, real decoders, OpenAI's own client."""

import asyncio
import io
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import openai
import pytest
import pytest_asyncio
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

from media_server.config import Settings
from media_server.services.asr import create_app
from media_server.settings_sections import AsrSettings
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

Client = TestClient[web.Request, web.Application]
CODECS = {
    "wav": ("pcm_s16le", 8000),
    "flac": ("flac", 16000),
    "mp3": ("libmp3lame", 44100),
    "ogg": ("libopus", 48000),
    "webm": ("libopus", 48000),
    "mp4": ("aac", 32000),
    "adts": ("aac", 16000),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    asr = AsrSettings(max_file_s=120, max_file_bytes=4 << 20)
    async with TestClient(TestServer(create_app(Settings(models_dir=models_dir, asr=asr)))) as client:
        yield client


@pytest.fixture(scope="module")
def spoken(prompts: list[Prompt]) -> tuple[bytes, str]:
    """Three sentences and what lies between them, linear PCM at 8 kHz."""
    by_name = {prompt.name: prompt for prompt in prompts}
    chosen = [by_name[name] for name in ("all-circuits-busy-now", "agent-newlocation", "auth-incorrect")]
    pcm = b"".join(bytes(8000) + prompt.pcm + bytes(12000) for prompt in chosen)
    return pcm, " ".join(prompt.text for prompt in chosen)


def recording(pcm: bytes, container: str) -> bytes:
    codec, rate = CODECS[container]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, dtype="<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 8000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("container", CODECS)
async def test_a_recording_of_any_kind_is_understood(client: Client, spoken: tuple[bytes, str], container: str) -> None:
    pcm, text = spoken
    async with client.post("/v1/transcribe?language=en", data=recording(pcm, container)) as answer:
        assert answer.status == 200, await answer.text()
        document = await answer.json()
    assert words_right(text, document["text"]) >= 0.8
    assert document["duration_s"] == pytest.approx(len(pcm) / 16000, abs=0.2)
    starts = [segment["start"] for segment in document["segments"]]
    assert starts == sorted(starts)
    assert len(starts) >= 3


async def test_words_have_their_times_and_the_language_is_found(client: Client, spoken: tuple[bytes, str]) -> None:
    pcm, _ = spoken
    async with client.post("/v1/transcribe?words=true", data=recording(pcm, "wav")) as answer:
        document = await answer.json()
    assert document["language"] == "en"
    for segment in document["segments"]:
        words = segment["words"]
        assert " ".join(word["text"] for word in words) == segment["text"]
        for word in words:
            assert segment["start"] - 0.01 <= word["start"] <= word["end"] <= segment["end"] + 0.01
            assert 0 <= word["confidence"] <= 1


async def test_captions_are_cut_into_lines(client: Client, spoken: tuple[bytes, str]) -> None:
    wav = recording(spoken[0], "wav")
    async with client.post("/v1/transcribe?language=en&format=vtt", data=wav) as answer:
        assert answer.content_type == "text/vtt"
        text = await answer.text()
    assert text.startswith("WEBVTT\n\n00:00:0")
    async with client.post("/v1/transcribe?language=en&format=srt", data=wav) as answer:
        assert (await answer.text()).startswith("1\n00:00:0")


async def test_openais_own_client_is_served(client: Client, spoken: tuple[bytes, str]) -> None:
    pcm, text = spoken
    flac = recording(pcm, "flac")
    async with openai.AsyncOpenAI(base_url=str(client.make_url("/v1")), api_key="none", max_retries=0) as api:
        assert {model.id async for model in api.models.list()} == {"whisper-base", "whisper-1"}
        plain = await api.audio.transcriptions.create(model="whisper-1", file=("speech.flac", flac), language="en")
        assert words_right(text, plain.text) >= 0.8
        verbose = await api.audio.transcriptions.create(
            model="whisper-1",
            file=("speech.flac", flac),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert verbose.text == plain.text
        assert verbose.language == "en"
        assert verbose.words is not None
        assert verbose.segments is not None
        assert len(verbose.segments) >= 3
        srt = await api.audio.transcriptions.create(model="whisper-1", file=("a.flac", flac), response_format="srt")
        assert "-->" in str(srt)
        stream = await api.audio.transcriptions.create(
            model="whisper-1", file=("speech.flac", flac), language="en", stream=True
        )
        events = [event async for event in stream]
        assert [event.type for event in events[:-1]] == ["transcript.text.delta"] * (len(events) - 1)
        assert events[-1].type == "transcript.text.done"
        assert events[-1].text == plain.text
        with pytest.raises(openai.NotFoundError, match="no 'gpt-5'"):
            await api.audio.transcriptions.create(model="gpt-5", file=("speech.flac", flac))
        with pytest.raises(openai.BadRequestError, match="temperature"):
            await api.audio.transcriptions.create(model="whisper-1", file=("speech.flac", flac), temperature=0.7)


LYING = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 0, 0, 0, 0, 0) + b"data\xff\xff\xff\xff"
PCM = b"RIFF\xff\xff\xff\x7fWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 48000, 96000, 2, 16) + b"data\xff\xff\xff\x7f"
PLAYLIST = b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 415, "unsupported_media"),
        (b"hello" * 100, 415, "unsupported_media"),
        (PLAYLIST, 415, "unsupported_media"),
        (LYING + bytes(1000), 422, "undecodable"),
        (b"fLaC" + bytes(1000), 422, "undecodable"),
        (b"OggS" + bytes(1000), 422, "undecodable"),
        (b"\x1aE\xdf\xa3" + bytes(1000), 422, "undecodable"),
        (b"\0\0\0\x20ftypM4A " + bytes(1000), 422, "undecodable"),
        (PCM + bytes(5 << 20), 413, "too_large"),
    ],
)
async def test_what_is_no_recording_is_named(client: Client, body: bytes, status: int, code: str) -> None:
    async with client.post("/v1/transcribe", data=io.BytesIO(body)) as answer:
        assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_a_small_file_with_hours_of_sound_is_refused(client: Client) -> None:
    silence = recording(bytes(2 * 8000 * 200), "flac")
    assert len(silence) < 100_000
    async with client.post("/v1/transcribe", data=silence) as answer:
        assert (answer.status, (await answer.json())["detail"]) == (413, "The recording is too long")


async def test_silence_has_no_words(client: Client) -> None:
    async with client.post("/v1/transcribe", data=recording(bytes(16000 * 5), "wav")) as answer:
        assert await answer.json() == {"text": "", "language": None, "duration_s": 5.0, "segments": []}


@pytest.mark.parametrize(
    ("query", "names"),
    [("wrds=1", "wrds"), ("format=pdf", "format"), ("language=tlh", "language"), ("words=7", "words")],
)
async def test_an_option_that_does_not_fit_is_named(client: Client, query: str, names: str) -> None:
    async with client.post(f"/v1/transcribe?{query}", data=b"") as answer:
        assert answer.status == 400
        assert names in (await answer.json())["detail"]


async def test_the_file_may_stand_before_the_fields(client: Client, spoken: tuple[bytes, str]) -> None:
    form = FormData()
    form.add_field("file", recording(spoken[0], "mp3"), filename="../../etc/passwd\0.mp3".replace("\0", ""))
    form.add_field("model", "whisper-1")
    form.add_field("response_format", "text")
    async with client.post("/v1/audio/transcriptions", data=form) as answer:
        assert answer.status == 200
        assert words_right(spoken[1], await answer.text()) >= 0.8


async def test_a_form_without_a_file_is_none(client: Client) -> None:
    form = FormData({"model": "whisper-1"})
    async with client.post("/v1/audio/transcriptions", data=form) as answer:
        assert answer.status == 400


async def test_a_client_that_vanishes_leaves_no_decoder_behind(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield PCM
        while True:
            yield bytes(9600)
            await asyncio.sleep(0.05)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.post("/v1/transcribe", data=endless())
    async with asyncio.timeout(5):
        while decoders():  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.05)


def decoders() -> list[str]:
    mine = Path("/proc/self/task").glob("*/children")
    children = [child for task in mine for child in task.read_text().split()]
    return [child for child in children if b"audio_decoder" in Path(f"/proc/{child}/cmdline").read_bytes()]

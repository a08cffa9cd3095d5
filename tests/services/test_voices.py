"""The voices by HTTP: the real app, decoder, VAD and disk, with an engine whose voices can be told by ear."""

import asyncio
import io
import os
import pickle
import stat
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import soxr
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer
from numpy.typing import NDArray
from safetensors.numpy import save
from yarl import URL

from engines.tts.phrase_file import name_of
from engines.tts.voice_file import parse, serialize
from media_server.config import Settings
from media_server.services import voice_catalog, voices
from media_server.services.tts import create_app
from media_server.settings_sections import TtsSettings
from tests.engines.tts.tone_voice import BUILT_IN, BUILT_IN_HZ, ToneEngine, loudest_hz
from tests.services.test_asr_files import LYING, PLAYLIST, recording
from tests.speech_data import Prompt

pytestmark = pytest.mark.models

Client = TestClient[web.Request, web.Application]
RATE = 8000
Pcm = NDArray[np.int16]


@pytest.fixture(scope="module")
def speech(prompts: list[Prompt]) -> Pcm:
    """Twelve seconds of somebody who speaks."""
    long = [np.frombuffer(prompt.pcm, np.int16) for prompt in prompts if prompt.seconds > 3]
    return np.concatenate(long[:10])[: 12 * RATE]


@asynccontextmanager
async def service(
    models_dir: Path, data_dir: Path, engine: ToneEngine | None = None, **settings: Any
) -> AsyncIterator[Client]:
    model = data_dir / "tone"  # nothing is in it, but kept phrases are told apart by it
    model.mkdir(exist_ok=True)
    tts = TtsSettings(voice=str(model), workers=2, **settings)
    app = create_app(Settings(models_dir=models_dir, data_dir=data_dir, tts=tts), lambda: engine or ToneEngine())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def engine() -> ToneEngine:
    return ToneEngine()


@pytest.fixture
async def client(models_dir: Path, tmp_path: Path, engine: ToneEngine) -> AsyncIterator[Client]:
    async with service(models_dir, tmp_path, engine) as client:
        yield client


def wav(pcm: Pcm) -> bytes:
    return recording(np.clip(pcm, -32768, 32767).astype("<i2").tobytes(), "wav")


async def create(
    client: Client, file: bytes, filename: str = "me.wav", /, **fields: str
) -> tuple[int, Mapping[str, Any]]:
    form = FormData({"name": "Zoë Müller", "consent": "true"} | fields)
    form.add_field("file", io.BytesIO(file), filename=filename)
    async with client.post("/v1/voices", data=form) as answer:
        return answer.status, await answer.json()


async def created(client: Client, pcm: Pcm, **fields: str) -> str:
    status, voice = await create(client, wav(pcm), **fields)
    assert status == 201, voice
    return str(voice["id"])


async def listed(client: Client) -> Mapping[str, Any]:
    async with client.get("/v1/voices") as answer:
        document: Mapping[str, Any] = await answer.json()
        return document


async def ids(client: Client) -> list[str]:
    return [voice["id"] for voice in (await listed(client))["voices"]]


async def delete(client: Client, voice: str) -> tuple[int, str | None]:
    async with client.delete(f"/v1/voices/{voice}") as answer:
        return answer.status, (await answer.json())["code"] if answer.status != 204 else None


async def heard_hz(client: Client, voice: str, path: str = "/v1/synthesize") -> float:
    text = "Which voice is this, if I may ask?"
    ours = {"text": text, "voice": voice, "format": "pcm"}
    openai = {"model": "tts-1", "input": text, "voice": voice, "response_format": "pcm"}
    async with client.post(path, json=openai if "audio" in path else ours) as answer:
        assert answer.status == 200, await answer.text()
        return loudest_hz(np.frombuffer(await answer.read(), "<i2").astype(np.float64), 24000)


async def streamed_hz(client: Client, voice: str) -> float:
    async with client.ws_connect(f"/v1/stream/tts?voice={voice}&sample_rate=8000") as stream:
        assert (await stream.receive_json())["voice"] == voice
        await stream.send_json({"text": "Which voice is this?", "context_id": "a"})
        sound = b""
        while (message := await stream.receive(10)).type is not aiohttp.WSMsgType.TEXT or '"done"' not in message.data:
            sound += message.data if message.type is aiohttp.WSMsgType.BINARY else b""
    return loudest_hz(np.frombuffer(sound, "<i2").astype(np.float64), 8000)


def files(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / "voices").iterdir())


async def test_a_voice_made_of_a_recording_is_the_one_that_is_heard(client: Client, speech: Pcm) -> None:
    slowed = np.asarray(soxr.resample(speech, RATE, RATE * 1.3), np.int16)[: 12 * RATE]
    zoe = await created(client, speech, description="warm", language="de")
    other = await created(client, slowed, name="Zoë Müller")
    assert zoe.startswith("zoe-muller-")
    assert zoe != other
    expected = {BUILT_IN: BUILT_IN_HZ, zoe: loudest_hz(speech, RATE), other: loudest_hz(slowed, RATE)}
    assert abs(expected[zoe] - expected[other]) > 20
    for voice, hz in expected.items():
        assert await heard_hz(client, voice) == pytest.approx(hz, abs=5)
        assert await heard_hz(client, voice, "/v1/audio/speech") == pytest.approx(hz, abs=5)
        assert await streamed_hz(client, voice) == pytest.approx(hz, abs=5)
    document = await listed(client)
    assert (document["default"], document["can_clone"], document["refused"]) == (BUILT_IN, True, [])
    assert document["voices"][0] == {"id": BUILT_IN, "name": BUILT_IN, "kind": "built-in"}
    async with client.get(f"/v1/voices/{zoe}") as answer:
        shown = await answer.json()
    assert shown in document["voices"]
    about = ("name", "kind", "description", "language")
    assert [shown[key] for key in about] == ["Zoë Müller", "cloned", "warm", "de"]
    assert 11 < shown["reference_s"] <= 12


@pytest.mark.parametrize("container", ["flac", "mp3", "webm", "mp4"])
async def test_a_recording_may_be_of_any_kind(client: Client, speech: Pcm, container: str) -> None:
    status, voice = await create(client, recording(speech.tobytes(), container), "me.wav")
    assert status == 201
    assert await heard_hz(client, voice["id"]) == pytest.approx(loudest_hz(speech, RATE), abs=5)


async def test_a_voice_outlives_a_restart_and_is_its_owners_alone(
    models_dir: Path, tmp_path: Path, speech: Pcm
) -> None:
    async with service(models_dir, tmp_path) as client:
        voice = await created(client, speech)
        before = await listed(client)
    folder = tmp_path / "voices"
    assert files(tmp_path) == [f"{voice}.safetensors"]
    assert stat.S_IMODE((folder / f"{voice}.safetensors").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    async with service(models_dir, tmp_path) as client:
        assert await listed(client) == before
        assert await streamed_hz(client, voice) == pytest.approx(loudest_hz(speech, RATE), abs=5)


async def test_of_a_deleted_voice_nothing_is_left(
    client: Client, engine: ToneEngine, tmp_path: Path, speech: Pcm
) -> None:
    voice = await created(client, speech)
    assert await delete(client, voice) == (204, None)
    assert not engine.cloned
    assert files(tmp_path) == []
    assert await ids(client) == [BUILT_IN]
    assert await delete(client, voice) == (404, "not_found")
    for path, body in (
        ("/v1/synthesize", {"text": "Hello", "voice": voice}),
        ("/v1/audio/speech", {"model": "tts-1", "input": "Hello", "voice": voice}),
    ):
        async with client.post(path, json=body) as answer:
            assert answer.status == 404
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(f"/v1/stream/tts?voice={voice}")
    assert refused.value.status == 404
    assert await delete(client, BUILT_IN) == (403, "forbidden")


async def test_a_voice_that_somebody_speaks_with_stays(client: Client, speech: Pcm) -> None:
    voice = await created(client, speech)
    async with client.ws_connect(f"/v1/stream/tts?voice={voice}") as stream:
        assert (await stream.receive_json())["type"] == "ready"
        assert await delete(client, voice) == (409, "voice_in_use")
        await stream.send_json({"text": "I am still here.", "context_id": "a"})
        while (message := await stream.receive(10)).type is not aiohttp.WSMsgType.TEXT or '"done"' not in message.data:
            assert "error" not in str(message.data)[:20]
    async with asyncio.timeout(5):
        while (await delete(client, voice))[0] == 409:
            await ids(client)
    assert await ids(client) == [BUILT_IN]


async def test_instances_share_their_voices(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    there = ToneEngine()
    async with service(models_dir, tmp_path) as one, service(models_dir, tmp_path, there) as other:
        voice = await created(one, speech)
        assert await heard_hz(other, voice) == pytest.approx(loudest_hz(speech, RATE), abs=5)
        async with other.ws_connect(f"/v1/stream/tts?voice={voice}"):
            assert await delete(one, voice) == (204, None)
            assert await ids(other) == [BUILT_IN]
            assert voice in there.cloned  # until the session over there is done
        async with asyncio.timeout(5):
            while there.cloned:
                assert await ids(one) == [BUILT_IN]
                await ids(other)


# --- what is no reference ----------------------------------------------------------------------------------------


def silence(seconds: float) -> Pcm:
    return np.zeros(int(seconds * RATE), np.int16)


UNFIT: list[tuple[str, Callable[[Pcm], Pcm]]] = [
    ("too_short", lambda speech: speech[: RATE // 100]),
    ("too_short", lambda speech: speech[: 3 * RATE]),
    ("too_short", lambda speech: np.concatenate((speech[: 4 * RATE], silence(4)))),
    ("too_long", lambda speech: np.tile(speech, 6)[: 61 * RATE]),
    ("too_long", lambda _: silence(3600)),
    ("too_quiet", lambda _: silence(10)),
    ("too_quiet", lambda speech: speech // 100),
    ("clipped", lambda speech: np.clip(speech * 8.0, -32768, 32767).astype(np.int16)),
    ("no_speech", lambda _: np.random.default_rng(7).normal(0, 3000, 10 * RATE).astype(np.int16)),
    ("no_speech", lambda _: (9000 * np.sin(np.arange(10 * RATE) * 0.3)).astype(np.int16)),
    ("no_speech", lambda speech: np.concatenate((speech[: 6 * RATE], silence(40)))),
]


@pytest.mark.parametrize(("code", "made"), UNFIT)
async def test_a_recording_that_does_not_do_is_told_why(
    client: Client, tmp_path: Path, speech: Pcm, code: str, made: Callable[[Pcm], Pcm]
) -> None:
    pcm = made(speech)
    status, problem = await create(client, recording(pcm.tobytes(), "flac"))
    assert (status, problem["code"]) == (422, code)
    assert any(figure.isdigit() for figure in problem["detail"])
    assert files(tmp_path) == []


async def test_a_minute_of_speech_is_taken_and_what_lies_around_it_is_not(client: Client, speech: Pcm) -> None:
    await created(client, np.tile(speech, 5)[: 60 * RATE])
    _, voice = await create(client, wav(np.concatenate((silence(8), speech, silence(6)))))
    assert 11 < voice["reference_s"] < 13


def float_wav(samples: NDArray[Any], rate: int, channels: int = 1) -> bytes:
    data = samples.astype("<f4").tobytes()
    block = 4 * channels
    form = b"".join(
        value.to_bytes(size, "little")
        for value, size in ((16, 4), (3, 2), (channels, 2), (rate, 4), (rate * block, 4), (block, 2), (32, 2))
    )
    return (
        b"RIFF"
        + (36 + len(data)).to_bytes(4, "little")
        + b"WAVEfmt "
        + form
        + b"data"
        + len(data).to_bytes(4, "little")
        + data
    )


def hostile(speech: Pcm) -> Iterator[tuple[str, bytes, set[int]]]:
    samples = speech.astype(np.float32) / 32768
    holes = samples.copy()
    holes[::50] = np.nan
    yield "nothing", b"", {415}
    yield "playlist", PLAYLIST, {415}
    yield "lying", LYING + bytes(1000), {422}
    yield "pickle", pickle.dumps({"a": 1}), {415}
    yield "nan", float_wav(np.full(10 * RATE, np.nan, np.float32), RATE), {422}
    yield "holes", float_wav(holes, RATE), {201, 422}
    yield "inf", float_wav(np.full(10 * RATE, np.inf, np.float32), RATE), {422}
    yield "1e30", float_wav(samples * np.float32(1e30), RATE), {422}
    yield "dc", float_wav(np.full(10 * RATE, 0.5, np.float32), RATE), {422}
    yield "384 kHz", float_wav(np.asarray(soxr.resample(samples, RATE, 384000)), 384000)[: 30 << 20], {201}
    yield "255 channels", float_wav(np.tile(samples[:20000], 255), RATE, 255), {422}


async def test_nothing_hostile_makes_a_voice_or_harm(client: Client, engine: ToneEngine, speech: Pcm) -> None:
    for kind, file, statuses in hostile(speech):
        status, document = await create(client, file)
        assert status in statuses, (kind, status, document)
    assert all(np.isfinite(tensors["hz"]) for tensors in engine.cloned.values())
    assert await heard_hz(client, BUILT_IN) == pytest.approx(BUILT_IN_HZ, abs=5)


async def test_a_recording_of_too_many_bytes_is_not_taken(client: Client) -> None:
    status, problem = await create(client, recording(bytes(40 << 20), "wav"))
    assert (status, problem["code"]) == (413, "too_large")


@pytest.mark.parametrize("filename", ["../../x.wav", "/etc/passwd", "CON", "a" * 4000, "\u202egnp.wav", "a%00.wav"])
async def test_a_files_name_is_nothing_to_us(client: Client, tmp_path: Path, speech: Pcm, filename: str) -> None:
    status, voice = await create(client, wav(speech), filename)
    assert status == 201
    assert files(tmp_path) == [f"{voice['id']}.safetensors"]


async def test_what_an_engine_makes_of_it_is_checked_too(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    engine = ToneEngine(spoiled=True)
    async with service(models_dir, tmp_path, engine) as client:
        status, problem = await create(client, wav(speech))
        assert (status, problem["code"]) == (502, "engine")
        assert files(tmp_path) == []
        assert not engine.cloned


# --- what is no request ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "names"),
    [
        ({"consent": "false"}, 403, "consent"),
        ({"consent": ""}, 403, "consent"),
        ({"consent": "True"}, 403, "consent"),
        ({"name": ""}, 400, "name"),
        ({"name": "  "}, 400, "name"),
        ({"name": "x" * 101}, 400, "name"),
        ({"name": "a\0b"}, 400, "name"),
        ({"name": "\u202eannA"}, 400, "name"),
        ({"description": "x" * 501}, 400, "description"),
        ({"language": "Klingon, mostly"}, 400, "language"),
        ({"id": "../../x"}, 400, "id"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(
    client: Client, speech: Pcm, fields: dict[str, str], status: int, names: str
) -> None:
    answered, problem = await create(client, wav(speech), **fields)
    assert (answered, names in problem["detail"]) == (status, True), problem
    assert (problem["code"] == "consent_required") == (status == 403)


async def test_without_consent_name_or_file_there_is_no_voice(client: Client, speech: Pcm) -> None:
    for fields, status in (({"name": "A"}, 403), ({"consent": "true"}, 400), ({"name": "A", "consent": "true"}, 400)):
        form = FormData(fields)
        if len(fields) == 1:
            form.add_field("file", wav(speech), filename="a.wav")
        else:
            form.add_field("more", "", filename="b")
        async with client.post("/v1/voices", data=form) as answer:
            assert answer.status == status
    form = FormData([("name", "A"), ("name", "B"), ("consent", "true"), ("file", io.BytesIO(wav(speech)))])
    async with client.post("/v1/voices", data=form) as answer:
        assert (answer.status, (await answer.json())["detail"]) == (400, "name: once is enough")
    for body in (b"", b'{"name": "A"}', b"[" * 10_000, b'{"consent": NaN}'):
        async with client.post("/v1/voices", data=body) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fsecret",
        "%2e%2e%2fsecret",
        "%2e%2e/secret",
        "../secret",
        "%2fetc%2fpasswd",
        "secret%00",
        "secret%0a",
        "link",
        "SECRET",
        "x" * 65,
        "%c3%a4",
    ],
)
async def test_an_id_is_no_path(models_dir: Path, tmp_path: Path, path: str) -> None:
    data = tmp_path / "data"
    (data / "voices").mkdir(parents=True)
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes(save({"hz": np.array(440.0, np.float32)}))
    for place in (data / "secret.safetensors", data / "voices" / "Secret.safetensors"):
        place.write_bytes(secret.read_bytes())
    (data / "voices" / "link.safetensors").symlink_to(secret)
    async with service(models_dir, data) as client:
        url = URL(f"/v1/voices/{path}", encoded=True)
        async with client.get(url) as answer:
            assert answer.status == 404
        if path != "link":  # what is refused may be deleted: the link, not what it leads to
            async with client.delete(url) as answer:
                assert answer.status in (404, 405)
        assert await ids(client) == [BUILT_IN]
    assert secret.exists()
    assert len(files(data)) == 2


async def test_what_lies_in_the_folder_is_not_believed(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    async with service(models_dir, tmp_path) as client:
        good = await created(client, speech)
    folder = tmp_path / "voices"
    data = (folder / f"{good}.safetensors").read_bytes()
    about, tensors = parse(good, data)
    planted = {
        "pickle": pickle.dumps({"hz": 440.0}),
        "nothing": b"",
        "short": data[:-1],
        "longer": data + b"\0",
        "flipped": data[:-1] + bytes([data[-1] ^ 1]),
        "nan": data.replace(tensors["hz"].tobytes(), np.float32("nan").tobytes()),
        "bare": save(dict(tensors)),
        "wrong": serialize(about, {"other": np.zeros(3, np.float32)}),
        "stranger": serialize(replace(about, engine="another"), tensors),
        BUILT_IN: data,
        "late": data.replace(b'"created":"2', b'"created":"x'),
        "bomb": (1 << 40).to_bytes(8, "little") + b"{}",
    }
    assert list(planted.values()).count(data) == 1
    for name, content in planted.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    (folder / "link.safetensors").symlink_to(folder / f"{good}.safetensors")
    (folder / "folder.safetensors").mkdir()
    os.mkfifo(folder / "pipe.safetensors")
    with (folder / "huge.safetensors").open("wb") as huge:
        huge.truncate(1 << 40)
    async with service(models_dir, tmp_path) as client:
        document = await listed(client)
        assert [voice["id"] for voice in document["voices"]] == [BUILT_IN, good]
        reasons = {refused["id"]: refused["reason"] for refused in document["refused"]}
        assert reasons.keys() == {*planted, "link", "folder", "pipe", "huge"}
        assert "another" in reasons["stranger"]
        assert str(tmp_path) not in str(reasons)
        assert await heard_hz(client, good) == pytest.approx(loudest_hz(speech, RATE), abs=5)
        for name in ({*planted} - {BUILT_IN}) | {"link", "pipe", "huge"}:
            assert await delete(client, name) == (204, None)
        assert await delete(client, "folder") == (404, "not_found")
        assert files(tmp_path) == ["folder.safetensors", f"{BUILT_IN}.safetensors", f"{good}.safetensors"]
        assert await heard_hz(client, BUILT_IN) == pytest.approx(BUILT_IN_HZ, abs=5)


# --- how many, and how long --------------------------------------------------------------------------------------


async def test_there_are_no_more_voices_than_there_may_be(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    async with service(models_dir, tmp_path, max_voices=2) as client:
        first, _ = await created(client, speech), await created(client, speech)
        status, problem = await create(client, wav(speech))
        assert (status, problem["code"], problem["retryable"]) == (409, "too_many_voices", False)
        await delete(client, first)
        await created(client, speech)
    (path,) = list((tmp_path / "voices").iterdir())[:1]
    for number in range(10_000):
        (path.parent / f"planted-{number}.safetensors").symlink_to(path)
    engine = ToneEngine()
    async with service(models_dir, tmp_path, engine, max_voices=2) as client:
        assert len(await ids(client)) <= 3
        assert len((await listed(client))["refused"]) <= 2
        assert (await create(client, wav(speech)))[0] == 409


async def test_voices_that_are_made_hold_up_nobody_who_speaks(client: Client, engine: ToneEngine, speech: Pcm) -> None:
    engine.go_on.clear()
    making = [asyncio.create_task(create(client, wav(speech))) for _ in range(2)]
    await asyncio.to_thread(engine.cloning.acquire)
    for _ in range(3):
        assert await streamed_hz(client, BUILT_IN) == pytest.approx(BUILT_IN_HZ, abs=5)
    async with asyncio.timeout(5):
        while (refused := await create(client, b""))[0] != 503:
            pass
    assert refused[1]["retryable"]
    engine.go_on.set()
    assert [status for status, _ in await asyncio.gather(*making)] == [201, 201]


async def test_uploads_that_trickle_hold_up_nobody_who_makes_a_voice_and_end(
    client: Client, speech: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "UPLOAD_S", 3.0)
    coming = asyncio.Semaphore(0)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(100):
            coming.release()
            yield bytes(100)
            await asyncio.sleep(0.1)

    async def slow() -> tuple[int, str]:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        async with client.post("/v1/voices", data=trickle(), headers=headers) as answer:
            return answer.status, (await answer.json())["code"]

    uploads = [asyncio.create_task(slow()) for _ in range(2 * voices.MAX_AT_ONCE)]
    for _ in range(2 * len(uploads)):
        await coming.acquire()
    await created(client, speech)
    assert {code for _, code in await asyncio.gather(*uploads)} == {"deadline_exceeded"}


async def test_who_leaves_while_a_voice_is_made_gives_the_place_back_and_has_none(
    client: Client, engine: ToneEngine, tmp_path: Path, speech: Pcm
) -> None:
    engine.go_on.clear()
    making = [asyncio.create_task(create(client, wav(speech))) for _ in range(voices.MAX_AT_ONCE)]
    await asyncio.to_thread(engine.cloning.acquire)
    async with asyncio.timeout(5):
        while (await create(client, b""))[0] != 503:
            pass
    for request in making:
        request.cancel()
    async with asyncio.timeout(5):
        while (answer := await create(client, b""))[0] == 503:
            pass
    assert answer[0] == 415
    engine.go_on.set()
    await created(client, speech)
    assert len(files(tmp_path)) == 1


async def test_a_voice_that_takes_too_long_is_given_up(
    client: Client, engine: ToneEngine, tmp_path: Path, speech: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_catalog, "CLONE_S", 0.05)
    engine.go_on.clear()
    status, problem = await create(client, wav(speech))
    assert (status, problem["code"], problem["retryable"]) == (503, "overloaded", True)
    engine.go_on.set()
    assert files(tmp_path) == []


async def test_a_voice_may_be_deleted_whatever_the_engine(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    async with service(models_dir, tmp_path) as client:
        voice, gone = await created(client, speech), await created(client, speech)
        for said in (voice, voice, gone, gone, BUILT_IN, BUILT_IN):  # a phrase is kept when it is asked for again
            await heard_hz(client, said)
    kept = tmp_path / "tts-cache"
    assert {path.name for path in kept.iterdir()} == {name_of(voice), name_of(gone), name_of(BUILT_IN)}
    (tmp_path / "voices" / f"{gone}.safetensors").unlink()  # a process that ended before it had forgotten the rest
    async with service(models_dir, tmp_path) as client:
        assert await ids(client) == [BUILT_IN, voice]
        assert {path.name for path in kept.iterdir()} == {name_of(voice), name_of(BUILT_IN)}
    app = create_app(Settings(models_dir=models_dir, data_dir=tmp_path))
    async with TestClient(TestServer(app)) as client:
        assert [path.name for path in kept.iterdir()] == [name_of(voice)]
        assert await ids(client) == ["piper-joe"]
        assert await delete(client, voice) == (204, None)
        assert (files(tmp_path), list(kept.iterdir())) == ([], [])
        assert await delete(client, voice) == (404, "not_found")


async def test_without_a_folder_of_voices_an_engine_that_cannot_clone_speaks(models_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "voices").touch()
    async with TestClient(TestServer(create_app(Settings(models_dir=models_dir, data_dir=tmp_path)))) as client:
        assert await ids(client) == ["piper-joe"]
        assert await delete(client, "somebody") == (404, "not_found")


async def test_an_engine_that_cannot_clone_says_so(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    app = create_app(Settings(models_dir=models_dir, data_dir=tmp_path))
    async with TestClient(TestServer(app)) as client:
        status, problem = await create(client, wav(speech))
        assert (status, problem["code"], problem["retryable"]) == (501, "cannot_clone", False)
        assert "Chatterbox" in problem["detail"]
        document = await listed(client)
        assert (document["default"], document["can_clone"]) == ("piper-joe", False)
        assert [voice["id"] for voice in document["voices"]] == ["piper-joe"]
        assert await delete(client, "piper-joe") == (403, "forbidden")
        assert await delete(client, "somebody") == (404, "not_found")


async def test_a_voice_that_cannot_be_written_is_none(
    client: Client, engine: ToneEngine, tmp_path: Path, speech: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, problem = await create(client, wav(speech))
    assert (status, problem["detail"]) == (500, "Internal error")
    assert not engine.cloned
    assert files(tmp_path) == []

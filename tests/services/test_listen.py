"""`ws /v1/listen` with Deepgram's own client: a real server on a free port, real models, recorded speech."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v1.socket_client import AsyncV1SocketClient
from deepgram.listen.v1.types import ListenV1Configure as Configure
from deepgram.listen.v1.types import ListenV1ConfigureFailure as ConfigureFailure
from deepgram.listen.v1.types import ListenV1Metadata as Metadata
from deepgram.listen.v1.types import ListenV1Results as Results
from deepgram.listen.v1.types import ListenV1SpeechStarted as SpeechStarted
from deepgram.listen.v1.types import ListenV1UtteranceEnd as UtteranceEnd

from media_server.audio.g711 import encode_mulaw
from media_server.config import Settings
from media_server.services.asr import create_app
from media_server.settings_sections import AsrSettings
from tests.engines.asr.loaded import line_noise
from tests.services.test_asr import a_prompt, leaving_frees_the_place, service, stream_of
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]

KEY = "a-secret-key"
HEADERS = {"Authorization": f"Token {KEY}"}
RAW = {"model": "nova-3", "encoding": "linear16", "sample_rate": 8000}
QUERY = "/v1/listen?encoding=linear16&sample_rate=8000"
Client = TestClient[web.Request, web.Application]
Message = Any  # the client's union of all that it may receive


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(models_dir: Path) -> AsyncIterator[Client]:
    settings = Settings.model_validate(
        {"models_dir": models_dir, "api_key": KEY, "asr": AsrSettings(max_sessions=2, idle_timeout_s=5.0)}
    )
    async with TestClient(TestServer(create_app(settings)), headers=HEADERS) as client:
        yield client


def deepgram(client: Client, key: str = KEY) -> AsyncDeepgramClient:
    """Deepgram's client, at our address."""
    place = f"{client.server.host}:{client.server.port}"
    here = DeepgramClientEnvironment(base=f"http://{place}", production=f"ws://{place}", agent="", agent_rest="")
    return AsyncDeepgramClient(api_key=key, environment=here)


async def spoken(connection: AsyncV1SocketClient, sound: bytes) -> None:
    """Send it in pieces of 80 ms, samples torn between them."""
    for start in range(0, len(sound), 1281):
        await connection.send_media(sound[start : start + 1281])


async def to_the_end(connection: AsyncV1SocketClient) -> list[Message]:
    return [message async for message in connection]


def finals(messages: list[Message]) -> list[Results]:
    return [message for message in messages if isinstance(message, Results) and message.is_final]


def text_of(results: Results) -> str:
    return results.channel.alternatives[0].transcript


async def test_a_sentence_is_told_while_it_is_spoken_and_when_it_is_over(client: Client, prompts: list[Prompt]) -> None:
    prompt = a_prompt(prompts)
    sound = line_noise(0.6) + prompt.pcm + line_noise(1.6)
    asked = {"interim_results": True, "vad_events": True, "utterance_end_ms": 1000, "smart_format": True}
    async with deepgram(client).listen.v1.connect(**RAW, **asked, extra="call:7") as connection:
        await spoken(connection, sound[: 2 * 12_800])  # a second of it
        messages: list[Message] = [await connection.recv(), await connection.recv()]
        await spoken(connection, sound[2 * 12_800 :])
        await connection.send_close_stream()
        messages += await to_the_end(connection)

    kinds = [type(message) for message in messages]
    assert kinds == [SpeechStarted, *[Results] * (len(kinds) - 3), UtteranceEnd, Metadata]
    *interim, final = [message for message in messages if isinstance(message, Results)]
    assert interim
    assert not any(result.is_final or result.speech_final for result in interim)
    assert (final.is_final, final.speech_final, final.from_finalize) == (True, True, False)
    assert words_right(prompt.text, text_of(final)) >= 0.6

    words = final.channel.alternatives[0].words
    assert " ".join(word.punctuated_word or "" for word in words) == text_of(final)
    assert all(word.word == word.word.lower() and word.word.isalnum() for word in words)
    times = [final.start, *[time for word in words for time in (word.start, word.end)], final.start + final.duration]
    assert times == sorted(times)
    assert messages[0].timestamp == pytest.approx(final.start)
    assert messages[-2].last_word_end == words[-1].end

    metadata = messages[-1]
    assert metadata.request_id == final.metadata.request_id
    assert metadata.channels == 1
    assert metadata.extra == {"call": "7"}


async def test_finalize_makes_final_what_was_said_and_the_stream_goes_on(client: Client, prompts: list[Prompt]) -> None:
    sound = line_noise(0.6) + a_prompt(prompts).pcm
    async with deepgram(client).listen.v1.connect(**RAW, endpointing=False) as connection:
        for _ in range(2):
            await spoken(connection, sound)
            await connection.send_finalize()
        await connection.send_keep_alive()
        await connection.send_finalize()  # there is nothing to make final
        await connection.send_close_stream()
        messages = await to_the_end(connection)
    assert [result.from_finalize for result in finals(messages)] == [True, True, True]
    assert not any(result.speech_final for result in finals(messages))
    first, second, nothing = map(text_of, finals(messages))
    assert first
    assert second
    assert nothing == ""
    assert isinstance(messages[-1], Metadata)
    assert messages[-1].duration == pytest.approx(2 * len(sound) / 16000, abs=0.001)
    assert messages[-1].sha256 == hashlib.sha256(2 * sound).hexdigest()


@pytest.mark.parametrize("kind", ["mulaw", "opus", "container"])
async def test_sound_is_taken_in_other_encodings_and_its_language_found(
    client: Client, prompts: list[Prompt], kind: str
) -> None:
    pcm = line_noise(0.6) + a_prompt(prompts).pcm + line_noise(1)
    sound, asked = {
        "mulaw": (encode_mulaw(pcm), {"encoding": "mulaw", "sample_rate": 8000}),
        "opus": (stream_of(pcm, "ogg"), {"encoding": "opus", "sample_rate": 48000}),
        "container": (stream_of(pcm, "webm"), {}),
    }[kind]
    async with deepgram(client).listen.v1.connect(model="whisper-base", language="multi", **asked) as connection:
        await spoken(connection, sound)
        await connection.send_close_stream()
        [final] = finals(await to_the_end(connection))
    [heard] = final.channel.alternatives
    assert words_right(a_prompt(prompts).text, heard.transcript) >= 0.6
    assert heard.languages == ["en"]
    assert {word.language for word in heard.words} == {"en"}


async def test_unpunctuated_words_are_told_bare(client: Client, prompts: list[Prompt]) -> None:
    async with deepgram(client).listen.v1.connect(**RAW, language="en-US", punctuate=False) as connection:
        await spoken(connection, line_noise(0.6) + a_prompt(prompts).pcm)
        await connection.send_close_stream()
        [final] = finals(await to_the_end(connection))
    [heard] = final.channel.alternatives
    assert heard.transcript == " ".join(word.word for word in heard.words)
    assert heard.transcript == heard.transcript.lower().strip(".")
    assert heard.words[0].punctuated_word is None


async def test_key_terms_cannot_be_changed_and_the_stream_goes_on(client: Client) -> None:
    async with deepgram(client).listen.v1.connect(**RAW, keyterm=["circuits", "busy"]) as connection:
        await connection.send_configure(Configure(type="Configure", keyterms=["flowers"]))
        await connection.send_close_stream()
        failure, metadata = await to_the_end(connection)
    assert isinstance(failure, ConfigureFailure)
    assert failure.code == "CONFIGURE_KEYTERMS_NOT_SUPPORTED"
    assert isinstance(metadata, Metadata)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("model", "nova-3-medical"),
        ("language", "tlh"),
        ("language", "en_US"),
        ("channels", 2),
        ("encoding", "flac"),
        ("sample_rate", 4000),
        ("endpointing", "soon"),
        ("endpointing", 1),
        ("utterance_end_ms", 60_000),
        ("diarize", True),
        ("multichannel", True),
        ("redact", "pci"),
        ("search", "word"),
        ("replace", "one:two"),
        ("dictation", True),
        ("numerals", True),
        ("profanity_filter", True),
        ("callback", "https://example.com"),
        ("keywords", "word:2"),
        ("tag", "mine"),
        ("version", "2024-01-09"),
        ("extra", "no-value"),
        ("keyterm", 101 * "a"),
        ("translate", "es"),
        ("summarize", "v2"),
        ("c\r\nSet-Cookie: olour", "blue"),
    ],
)
async def test_an_option_that_is_not_supported_is_refused_by_its_name(
    client: Client, option: str, value: str | int
) -> None:
    asked = {**RAW, option: str(value).lower() if isinstance(value, bool) else str(value)}
    async with client.get("/v1/listen", params={key: str(given) for key, given in asked.items()}) as answer:
        assert answer.status == 400
        told = await answer.json()
        assert set(told) == {"err_code", "err_msg", "request_id"}
        assert told["err_code"] == "INVALID_QUERY_PARAMETER"
        assert told["err_msg"].startswith(option)
        assert answer.headers["dg-request-id"] == told["request_id"]
        assert answer.headers["dg-error"].startswith(option.replace("\r\n", "\\r\\n"))
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("query", ["encoding=linear16", "sample_rate=16000", "diarize=false&diarize=true"])
async def test_raw_sound_needs_encoding_and_rate_and_nothing_stands_twice(client: Client, query: str) -> None:
    async with client.get(f"/v1/listen?{query}") as answer:
        assert (answer.status, (await answer.json())["err_code"]) == (400, "INVALID_QUERY_PARAMETER")


async def test_deepgrams_client_sees_what_was_refused(client: Client) -> None:
    with pytest.raises(ApiError) as refused:
        async with deepgram(client).listen.v1.connect(**RAW, diarize=True):
            pass
    assert refused.value.status_code == 400


@pytest.mark.parametrize("key", ["another-key", "a-secret-kéy"])
async def test_a_wrong_key_is_refused(client: Client, key: str) -> None:
    headers = {"Authorization": f"Token {key}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(client.make_url(QUERY)) as answer:
        assert answer.status == 401
    if key.isascii():
        with pytest.raises(ApiError) as refused:
            async with deepgram(client, key).listen.v1.connect(**RAW):
                pass
        assert refused.value.status_code == 401


async def test_one_session_too_many_is_refused_before_the_upgrade(client: Client) -> None:
    connect = deepgram(client).listen.v1.connect
    async with connect(**RAW), connect(**RAW), client.get(QUERY) as answer:
        assert answer.status == 503
        assert (await answer.json())["err_code"] == "OVERLOADED"
        assert "Retry-After" in answer.headers


@pytest.mark.parametrize("text", ["{", "[]", "NaN", '{"type": "Sing"}', '{"type": "Finalize", "channel": 3}'])
async def test_a_message_that_is_none_ends_the_stream_with_an_error(client: Client, text: str) -> None:
    async with client.ws_connect(QUERY) as socket:
        await socket.send_bytes(b"\0")
        await socket.send_str(text)
        error = await socket.receive_json()
        assert (error["type"], error["variant"]) == ("Error", "SchemaError")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_sound_in_no_container_that_is_known_is_told_by_the_closing(client: Client) -> None:
    async with client.ws_connect("/v1/listen") as socket:
        await socket.send_bytes(b"#EXTM3U\nfile:///etc/passwd\n" * 10)
        assert (await socket.receive_json())["type"] == "Error"
        closing = await socket.receive()
        assert (closing.data, closing.extra) == (aiohttp.WSCloseCode.POLICY_VIOLATION, "DATA-0000")


async def test_an_idle_client_is_told_by_the_closing(models_dir: Path) -> None:
    async with service(models_dir, idle_timeout_s=0.2) as hasty, hasty.ws_connect(QUERY) as socket:
        assert (await socket.receive_json())["variant"] == "idle"
        closing = await socket.receive()
        assert (closing.data, closing.extra) == (aiohttp.WSCloseCode.INTERNAL_ERROR, "NET-0001")


async def test_a_client_that_goes_away_gives_its_place_back(client: Client, prompts: list[Prompt]) -> None:
    socket = await client.ws_connect(f"{QUERY}&vad_events=true")
    await socket.send_bytes(line_noise(0.6) + a_prompt(prompts).pcm + line_noise(0.2))
    await socket.receive()
    await leaving_frees_the_place(client, socket)

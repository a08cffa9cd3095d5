import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engines.errors import ModelError
from media_server.audio.g711 import decode_mulaw
from media_server.config import Settings, TtsSettings
from media_server.protocol.speech import SpeechError, SpeechWarning
from media_server.protocol.tts_stream import TtsDone, TtsEvent, TtsReady, TtsStarted, Words, parse_tts_event
from media_server.services import tts
from media_server.services.app import LIMIT
from media_server.services.tts import MAX_AUDIO_MESSAGE, PATH, create_app

Client = TestClient[web.Request, web.Application]
pytestmark = [pytest.mark.models, pytest.mark.usefixtures("models_dir"), pytest.mark.asyncio(loop_scope="module")]

TEXT = "Open the door, you said. It is cold outside."


@asynccontextmanager
async def service(models_dir: Path, **settings: Any) -> AsyncIterator[Client]:
    app = create_app(Settings(models_dir=models_dir, tts=TtsSettings(**settings)))
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="client")
async def shared_service(models_dir: Path) -> AsyncIterator[Client]:
    async with service(models_dir=models_dir) as client:
        yield client


class Listener:
    """A client of the stream, and what it has got."""

    def __init__(self, stream: aiohttp.ClientWebSocketResponse) -> None:
        self.stream = stream
        self.audio = b""

    async def say(self, text: str, context_id: str = "a", *, more: bool = False) -> None:
        await self.stream.send_json({"text": text, "context_id": context_id, "continue": more})

    async def next(self) -> TtsEvent:
        """The next event; the audio before it is kept."""
        while True:
            message = await self.stream.receive(10)
            if message.type is aiohttp.WSMsgType.TEXT:
                event = parse_tts_event(message.data)
                assert event is not None
                return event
            assert message.type is aiohttp.WSMsgType.BINARY, message
            assert 0 < len(message.data) <= MAX_AUDIO_MESSAGE
            self.audio += message.data

    async def until_done(self) -> list[TtsEvent]:
        events = [await self.next()]
        while not isinstance(events[-1], TtsDone | SpeechError):
            events.append(await self.next())
        return events


@asynccontextmanager
async def listening(client: Client, query: str = "") -> AsyncIterator[Listener]:
    async with client.ws_connect(PATH + query) as stream:
        listener = Listener(stream)
        ready = await listener.next()
        assert isinstance(ready, TtsReady)
        assert ready.voice == "piper-joe"
        yield listener


async def test_it_measures_its_voice_before_it_is_ready(models_dir: Path) -> None:
    async with service(models_dir, max_sessions=3) as client:
        report = await (await client.get("/readyz")).json()
        assert (report["ready"], report["role"], report["voice"], report["free"]) == (True, "tts", "piper-joe", 3)
        assert 0 < report["first_audio_ms"] < 2000
        assert 0 < report["real_time_factor"] < 1


async def test_a_text_is_spoken_with_its_words_at_every_rate_and_encoding(client: Client) -> None:
    for encoding, width in (("linear16", 2), ("mulaw", 1)):
        for rate in (8000, 16000, 22050, 24000):
            async with listening(client, f"?encoding={encoding}&sample_rate={rate}") as listener:
                await listener.say(TEXT)
                started, *middle, done = await listener.until_done()
                assert started == TtsStarted(context_id="a")
                assert isinstance(done, TtsDone)
                assert not done.cancelled
                assert len(listener.audio) / width / rate == pytest.approx(done.audio_s, abs=0.002)
                pcm = decode_mulaw(listener.audio) if encoding == "mulaw" else listener.audio
                assert np.sqrt(np.mean((np.frombuffer(pcm, np.int16) / 32768) ** 2)) > 0.05
                words = [word for event in middle if isinstance(event, Words) for word in event.words]
                assert [word.text for word in words] == TEXT.split()
                assert words[-1].end <= done.audio_s + 1e-6


async def test_contexts_come_in_order_and_a_cancelled_one_ends_early(client: Client) -> None:
    async with listening(client, "?sample_rate=8000") as listener:
        long = "This is the first of very many sentences that will not be heard. " * 50
        await listener.say(long, "a")
        await listener.say("Short.", "b")
        assert await listener.next() == TtsStarted(context_id="a")
        assert isinstance(await listener.next(), Words)
        await listener.stream.send_json({"cancel": "a"})
        *_, done = await listener.until_done()
        assert isinstance(done, TtsDone)
        assert (done.context_id, done.cancelled) == ("a", True)
        assert done.audio_s < 60
        started, *_, done = await listener.until_done()
        assert started == TtsStarted(context_id="b")
        assert isinstance(done, TtsDone)
        assert not done.cancelled


async def test_text_may_come_in_pieces(client: Client) -> None:
    async with listening(client) as listener:
        await listener.say("Hello there.", more=True)
        assert await listener.next() == TtsStarted(context_id="a")  # before the text is complete
        await listener.say(" Good bye.")
        words = [word for event in await listener.until_done() if isinstance(event, Words) for word in event.words]
        assert [(word.text, word.offset) for word in words] == [("Hello", 0), ("there.", 6), ("Good", 13), ("bye.", 18)]


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "...", "\u202e", "\x00"])
async def test_what_has_no_words_is_done_at_once(client: Client, text: str) -> None:
    async with listening(client) as listener:
        await listener.say(text)
        assert await listener.until_done() == [
            TtsStarted(context_id="a"),
            TtsDone(context_id="a", audio_s=0.0, cancelled=False),
        ]
        assert listener.audio == b""


BAD = ["no json", "[]", "{}", '{"text": 1}', '{"text": "x", "context_id": ""}', '{"cancel": 5}', "NaN", "[" * 10_000]


async def test_a_bad_message_is_answered_with_an_error_and_1008(client: Client) -> None:
    long = json.dumps({"text": "x" * 10_001, "context_id": "a"})
    surrogate = '{"text": "\\ud800", "context_id": "a"}'
    messages: list[str | bytes] = [*BAD, surrogate, long, b"\x00\x01"]
    for bad in messages:
        async with listening(client) as listener:
            await (listener.stream.send_bytes(bad) if isinstance(bad, bytes) else listener.stream.send_str(bad))
            error = await listener.next()
            assert isinstance(error, SpeechError), bad
            assert (error.code, error.context_id) == ("protocol_violation", None)
            assert (await listener.stream.receive(5)).type is aiohttp.WSMsgType.CLOSE
            assert listener.stream.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_too_much_text_ends_its_context_and_the_stream_goes_on(client: Client) -> None:
    async with listening(client) as listener:
        for _ in range(6):
            await listener.say("x" * 10_000, "a", more=True)
        await listener.say("Yes.", "b")
        *_, failed = await listener.until_done()
        assert isinstance(failed, SpeechError)
        assert (failed.context_id, failed.code) == ("a", "input")
        *_, done = await listener.until_done()
        assert isinstance(done, TtsDone)
        assert done.context_id == "b"


async def test_a_wrong_query_is_refused_before_the_upgrade(client: Client) -> None:
    for query, status in (
        ("?voice=nobody", 404),
        ("?voice=..%2Fx", 400),
        ("?sample_rate=44100", 400),
        ("?sample_rate=x", 400),
        ("?encoding=opus", 400),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(PATH + query)
        assert refused.value.status == status, query
    async with listening(client, "?pitch=2&voice=piper-joe") as listener:
        warning = await listener.next()
        assert isinstance(warning, SpeechWarning)
        assert warning.code == "unknown_key"


async def test_the_session_over_the_limit_is_told_when_to_come_back(models_dir: Path) -> None:
    async with service(models_dir, max_sessions=1) as client, listening(client):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(PATH)
        assert refused.value.status == 503
        assert refused.value.headers is not None
        assert "Retry-After" in refused.value.headers


async def test_a_client_that_leaves_frees_its_place(models_dir: Path) -> None:
    async with service(models_dir, max_sessions=1) as client:
        async with listening(client) as listener:
            await listener.say("This sentence is cut off by the end of the connection. " * 100)
            assert isinstance(await listener.next(), TtsStarted)
        async with asyncio.timeout(2), listening(client) as listener:
            await listener.say("Yes.")
            assert isinstance((await listener.until_done())[-1], TtsDone)


async def test_a_client_that_does_not_read_is_cut_off(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tts, "SEND_TIMEOUT_S", 0.1)
    assert client.port is not None
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", client.port))
    reader, writer = await asyncio.open_connection(sock=small, limit=1024)
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13"
    head = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n\r\n"
    writer.write(head.encode())
    await reader.readuntil(b"\r\n\r\n")
    text = json.dumps({"text": "This is a sentence that nobody reads. " * 250, "context_id": "a"}).encode()
    frame = b"\x81\xfe" + len(text).to_bytes(2) + bytes(4) + text
    for _ in range(5):
        writer.write(frame)
    limit = client.app[LIMIT]
    assert limit.live == 1
    async with asyncio.timeout(30):
        while limit.live:  # noqa: ASYNC110 - the service tells nobody
            await asyncio.sleep(0.05)
    writer.transport.abort()


async def test_silence_of_the_client_ends_the_stream(models_dir: Path) -> None:
    async with service(models_dir, idle_timeout_s=0.05) as client, listening(client) as listener:
        error = await listener.next()
        assert isinstance(error, SpeechError)
        assert error.code == "idle"


async def test_a_missing_voice_stops_the_start(tmp_path: Path) -> None:
    runner = web.AppRunner(create_app(Settings(models_dir=tmp_path)))
    with pytest.raises(ModelError, match="missing"):
        await runner.setup()
    await runner.cleanup()

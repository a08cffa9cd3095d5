import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
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
from media_server.audio.g711 import decode_alaw, decode_mulaw
from media_server.config import Settings
from media_server.protocol.speech import SpeechError, SpeechWarning
from media_server.protocol.tts_stream import (
    TtsDone,
    TtsEvent,
    TtsFlushed,
    TtsReady,
    TtsStarted,
    Word,
    Words,
    parse_tts_event,
)
from media_server.services import sending
from media_server.services.app import LIMIT
from media_server.services.sending import MOST_AT_ONCE
from media_server.services.tts import CACHE, PATH, create_app
from media_server.settings_sections import TtsSettings

Client = TestClient[web.Request, web.Application]
pytestmark = [pytest.mark.models, pytest.mark.usefixtures("models_dir"), pytest.mark.asyncio(loop_scope="module")]

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "linear16": bytes,
    "mulaw": decode_mulaw,
    "alaw": decode_alaw,
}
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
            assert 0 < len(message.data) <= MOST_AT_ONCE
            self.audio += message.data

    async def until_done(self) -> list[TtsEvent]:
        events = [await self.next()]
        while not isinstance(events[-1], TtsDone | SpeechError):
            events.append(await self.next())
        return events


async def spoken(listener: Listener, text: str, **fields: object) -> tuple[TtsDone, list[Word]]:
    """Speak a text; the listener has its sound alone."""
    listener.audio = b""
    await listener.stream.send_json({"text": text, "context_id": "a", **fields})
    *events, done = await listener.until_done()
    assert isinstance(done, TtsDone)
    return done, [word for event in events if isinstance(event, Words) for word in event.words]


async def words_until(listener: Listener, last: TtsEvent) -> list[str]:
    words: list[str] = []
    while (event := await listener.next()) != last:
        assert isinstance(event, Words)
        words += [word.text for word in event.words]
    return words


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
    for encoding, width in (("linear16", 2), ("mulaw", 1), ("alaw", 1)):
        for rate in (8000, 16000, 22050, 24000, 44100, 48000):
            async with listening(client, f"?encoding={encoding}&sample_rate={rate}") as listener:
                await listener.say(TEXT)
                started, *middle, done = await listener.until_done()
                assert started == TtsStarted(context_id="a")
                assert isinstance(done, TtsDone)
                assert not done.cancelled
                assert len(listener.audio) / width / rate == pytest.approx(done.audio_s, abs=0.002)
                samples = np.frombuffer(DECODERS[encoding](listener.audio), np.int16) / 32768
                assert 0.05 < np.sqrt(np.mean(samples**2)) < 0.3
                words = [word for event in middle if isinstance(event, Words) for word in event.words]
                assert [word.text for word in words] == TEXT.split()
                assert words[-1].end <= done.audio_s + 0.001
                for word in words:  # where it sounds by its times, it sounds
                    within = samples[int(word.start * rate) : int(word.end * rate)]
                    assert np.abs(within).max() > 0.05, word


@pytest.mark.parametrize(("speed", "least", "most"), [(0.5, 0.4, 0.65), (1.5, 1.2, 1.6), (2.0, 1.3, 2.1)])
async def test_a_faster_voice_takes_less_time_and_its_words_lie_where_they_sound(
    client: Client, speed: float, least: float, most: float
) -> None:
    async with listening(client, "?sample_rate=16000") as listener:
        usual, usual_words = await spoken(listener, TEXT)
        own, _ = await spoken(listener, TEXT, speed=speed)
    async with listening(client, f"?sample_rate=16000&speed={speed}") as listener:
        done, words = await spoken(listener, TEXT)
    assert least < usual.audio_s / done.audio_s < most
    assert least < usual.audio_s / own.audio_s < most
    assert [(word.text, word.offset) for word in words] == [(word.text, word.offset) for word in usual_words]
    samples = np.frombuffer(listener.audio, np.int16) / 32768
    for word, usual_word in zip(words, usual_words, strict=True):
        assert word.end / done.audio_s == pytest.approx(usual_word.end / usual.audio_s, abs=0.12)
        assert np.abs(samples[int(word.start * 16000) : int(word.end * 16000)]).max() > 0.05, word


async def test_what_was_flushed_is_spoken_without_its_end(client: Client) -> None:
    async with listening(client) as listener:
        await listener.stream.send_json({"text": "Your table is", "context_id": "a", "flush": True})
        assert await listener.next() == TtsStarted(context_id="a")
        assert await words_until(listener, TtsFlushed(context_id="a")) == ["Your", "table", "is"]
        assert len(listener.audio) > 24000 / 2
        await listener.say(" booked for", more=True)
        await listener.stream.send_json({"context_id": "a", "flush": True})
        assert await words_until(listener, TtsFlushed(context_id="a")) == ["booked", "for"]
        await listener.say(" four.")
        words, done = [await listener.next() for _ in range(2)]
        assert isinstance(words, Words)
        assert [(word.text, word.offset) for word in words.words] == [("four.", 25)]
        assert isinstance(done, TtsDone)
        assert done.audio_s == pytest.approx(len(listener.audio) / 48000, abs=0.001)


async def test_a_flush_may_end_its_context(client: Client) -> None:
    async with listening(client) as listener:
        await listener.stream.send_json({"text": "Yes", "context_id": "a", "flush": True, "continue": False})
        assert [event.type for event in await listener.until_done()] == ["started", "words", "flushed", "done"]


async def test_a_cancelled_context_tells_to_the_word_what_was_sent_of_it(client: Client) -> None:
    text = "You have three new messages in your mailbox. " * 60
    async with listening(client, "?sample_rate=8000&encoding=alaw") as listener:
        await listener.say(text, more=True)
        await listener.say("And one more thing", more=True)
        events: list[TtsEvent] = []
        while sum(isinstance(event, Words) for event in events) < 6:
            events.append(await listener.next())
        await listener.stream.send_json({"cancel": "a"})
        events += await listener.until_done()
        done = events[-1]
        assert isinstance(done, TtsDone)
        assert done.cancelled
        assert done.spoken is not None
        assert done.remaining is not None
        assert done.spoken + done.remaining == text + "And one more thing"
        assert done.audio_s == pytest.approx(len(listener.audio) / 8000)
        words = [word for event in events if isinstance(event, Words) for word in event.words]
        sent = [word for word in words if word.end <= done.audio_s + 0.001]
        assert sent
        assert len(done.spoken) == sent[-1].offset + len(sent[-1].text)
        await listener.say("Yes.", "b")
        done = (await listener.until_done())[-1]
        assert isinstance(done, TtsDone)
        assert (done.context_id, done.cancelled, done.spoken) == ("b", False, None)
        assert 0.2 < done.audio_s < 1.0


async def test_a_context_that_was_cancelled_before_its_turn_was_not_spoken(client: Client) -> None:
    async with listening(client) as listener:
        await listener.say("One.", "a", more=True)
        await listener.say("Two.", "b")
        await listener.stream.send_json({"cancel": "b"})
        await listener.say("", "a")
        await listener.until_done()
        done = await listener.next()
        assert done == TtsDone(context_id="b", audio_s=0.0, cancelled=True, spoken="", remaining="Two.")


async def test_a_prompt_is_made_twice_and_then_taken_from_the_disk(client: Client) -> None:
    async def looked_up(outcome: str) -> float:
        name = f'media_server_tts_phrases_total{{outcome="{outcome}"}} '
        text = await (await client.get("/metrics")).text()
        return sum(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    text = "The office is closed today. Please call again tomorrow."
    misses, hits = await looked_up("miss"), await looked_up("hit")
    times: list[bytes] = []
    for asked in ("?sample_rate=8000", "?sample_rate=8000", "?sample_rate=8000", "?sample_rate=16000&encoding=mulaw"):
        async with listening(client, asked) as listener:
            _, words = await spoken(listener, text)
            assert [word.text for word in words] == text.split()
            times.append(listener.audio)
        cache = client.app[CACHE]
        assert cache is not None
        await asyncio.wrap_future(cache._writer.submit(lambda: None))  # what is to be written is
    assert await looked_up("miss") == misses + 4
    assert await looked_up("hit") == hits + 4
    assert times[2] == times[1]
    assert len(times[3]) == pytest.approx(len(times[1]), abs=4)


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


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "...", "\u202e", "\x00", "**", "https://example.com/a", "[](x)"])
async def test_what_has_no_words_is_done_at_once(client: Client, text: str) -> None:
    async with listening(client) as listener:
        await listener.say(text)
        assert await listener.until_done() == [
            TtsStarted(context_id="a"),
            TtsDone(context_id="a", audio_s=0.0, cancelled=False),
        ]
        assert listener.audio == b""


async def test_the_lexicon_reaches_streams_and_files(models_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text('[piper-joe]\nOK = "one two three four five six seven eight nine ten"\n')
    async with service(models_dir, pronounce=file) as client:
        async with listening(client) as listener:
            await listener.say("OK.")
            events = await listener.until_done()
            words = [word for event in events if isinstance(event, Words) for word in event.words]
            assert [(word.text, word.offset) for word in words] == [("OK.", 0)]
            assert words[0].end - words[0].start > 2.0
        asked = {"text": "OK.", "format": "pcm", "sample_rate": 8000}
        async with client.post("/v1/synthesize", json=asked) as answer:
            assert len(await answer.read()) > 2.0 * 2 * 8000


BAD = [
    '{"context_id": "a", "text": "x", "speed": 2.01}',
    '{"context_id": "a", "text": "x", "speed": NaN}',
    '{"context_id": "a", "text": "x", "speed": 1e400}',
    '{"context_id": "a"}',
    "no json",
    "[]",
    "{}",
    '{"text": 1}',
    '{"text": "x", "context_id": ""}',
    '{"cancel": 5}',
    "NaN",
    "[" * 10_000,
]


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
        ("?sample_rate=11025", 400),
        ("?sample_rate=x", 400),
        ("?encoding=opus", 400),
        ("?speed=0.4", 400),
        ("?speed=nan", 400),
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
    monkeypatch.setattr(sending, "SEND_TIMEOUT_S", 0.1)
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

"""`bench asr` end to end: on the real service, and on one that does not answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media_server.config import Settings
from media_server.errors import EngineError
from media_server.evaluation.asr_load import PATH, AsrLoad, run_asr_load
from media_server.phone.speech_folder import Recording
from media_server.protocol.asr_stream import AsrClosed, AsrLimits, AsrReady
from media_server.protocol.speech import Message, SpeechError, serialize
from media_server.services.asr import create_app
from media_server.settings_sections import AsrSettings
from tests.phone.tones import tone
from tests.speech_data import Prompt


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.models
async def test_streams_are_answered_and_one_too_many_is_refused(models_dir: Path, prompts: list[Prompt]) -> None:
    [prompt] = [prompt for prompt in prompts if prompt.name == "all-circuits-busy-now"]
    settings = Settings(models_dir=models_dir, asr=AsrSettings(max_sessions=2))
    async with serving(create_app(settings)) as url:
        load = AsrLoad(streams=3, seconds=1.0, silence_s=1.0)
        figures = await run_asr_load(url, None, load, [Recording("busy", prompt.pcm, prompt.text)])
    assert (figures.streams, figures.refused, figures.utterances, figures.lost) == (3, 1, 2, 0)
    assert figures.good
    assert figures.failed == []
    assert (figures.wer, figures.wer_offline, figures.wer_against_offline) == (0.0, 0.0, 0.0)
    assert figures.delay.p50 is not None
    assert figures.delay.p50 > 0, "no final comes before its voice ends"
    assert figures.use.cpu_s is not None
    assert figures.use.cpu_s > 0


def deaf_service(*last: Message) -> web.Application:
    """It takes sound and makes nothing of it; to `CloseStream` it says its last words."""

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        limits = AsrLimits(max_turn_s=28, max_buffered_s=30, idle_timeout_s=60)
        await socket.send_str(serialize(AsrReady(session="1", limits=limits)))
        received = 0
        async for message in socket:
            if isinstance(message.data, str):
                break
            received += len(message.data)
        closing = [SERENE] if received < 3 * 8000 else last
        for each in closing:
            await socket.send_str(serialize(each))
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get(PATH, stream)
    return app


SERENE = AsrClosed(received_s=2, decoded_s=0, silence_s=2, dropped_s=0, reason="close")
DEAF = AsrClosed(received_s=4, decoded_s=0, silence_s=2, dropped_s=1.5, reason="close")
FAILED = SpeechError(code="engine", message="The recogniser failed", retryable=True)
SPEECH = [Recording("a", tone(2.0), "la la")]


@pytest.mark.parametrize(
    ("last", "failed", "dropped_s"),
    [([DEAF], [], 1.5), ([FAILED], ["engine: The recogniser failed"], 0.0), ([], ["the service went away"], 0.0)],
)
async def test_what_is_not_answered_is_lost(last: list[Message], failed: list[str], dropped_s: float) -> None:
    async with serving(deaf_service(*last)) as url:
        figures = await run_asr_load(url, None, AsrLoad(streams=1, seconds=0.1, silence_s=1.0), SPEECH)
    assert (figures.utterances, figures.lost, figures.good) == (1, 1, False)
    assert (figures.failed, figures.dropped_s) == (failed, dropped_s)
    assert (figures.wer, figures.wer_offline, figures.use.cpu_s) == (100.0, None, None)
    assert 3.5 <= figures.audio_s <= 4.5, "half a second to 1.5, then two, then one"


async def test_a_service_that_is_not_there_is_said_at_once() -> None:
    async with serving(web.Application()) as url:
        pass
    with pytest.raises(EngineError, match=url):
        await run_asr_load(url, None, AsrLoad(streams=1), SPEECH)

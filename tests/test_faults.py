"""Engines that die while people talk: the real server, real models, recorded speech, Twilio's wire."""

import asyncio
import io
import os
import re
import signal
import time
import wave
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from media_server.call.phrases import ONE_MOMENT
from media_server.call.record import CallRecord
from media_server.phone.call_record import fetch_record
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import CallRefused, PhoneCall, TwilioPhone
from tests.house import House, house
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.timing, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[House]:
    options = ("--models-dir", str(models_dir))
    async with house(tmp_path_factory.mktemp("data"), *options) as running:
        yield running


@pytest.fixture(scope="module")
def sentences(prompts: list[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.single_sentence and prompt.reported and 2 < prompt.seconds < 5]


async def spoken_into(phone_call: "asyncio.Task[PhoneCall]", script: CallerScript, after_s: float) -> None:
    """Until so much of the script's first utterance was said."""
    while not script.spoken:
        assert not phone_call.done()
        await asyncio.sleep(0.02)
    await asyncio.sleep(after_s)


async def test_a_recogniser_that_is_killed_while_a_caller_speaks_costs_no_word(
    server: House, sentences: list[Prompt]
) -> None:
    async with aiohttp.ClientSession() as http:
        scripts = [CallerScript([prompt.pcm], answer_timeout_s=20) for prompt in sentences[:2]]
        phones = [TwilioPhone(http, base_url=server.url) for _ in scripts]
        calls = [asyncio.create_task(phone.call(script)) for phone, script in zip(phones, scripts, strict=True)]
        await spoken_into(calls[0], scripts[0], 1.0)
        os.kill(server.pid_of("asr"), signal.SIGKILL)
        for call, prompt in zip(await asyncio.gather(*calls), sentences, strict=False):
            record = await fetch_record(http, server.url, None, call.call_sid, print)
            assert record is not None
            heard = " ".join(turn.text for turn in record.turns)
            # A word may be misheard, as on any call; none may be missing.
            assert words_right(prompt.text, heard) >= 0.6, heard
            assert len(heard.split()) >= 0.75 * len(prompt.text.split()), heard
            assert len(call.measured().answered) == 1
            assert call.measured().gaps == ()
            assert record.ledger.balances
    assert re.search(r"asr .*SIGKILL.*starts again", "".join(server.lines))


async def test_a_voice_that_is_killed_while_it_speaks_goes_on_where_it_was(
    server: House, sentences: list[Prompt]
) -> None:
    prompt = max(sentences, key=lambda prompt: prompt.seconds)
    async with aiohttp.ClientSession() as http:
        phone = TwilioPhone(http, base_url=server.url)
        script = CallerScript([prompt.pcm], answer_timeout_s=20, quiet_s=4.0)
        running = asyncio.create_task(phone.call(script))
        await spoken_into(running, script, prompt.seconds + 0.45)
        os.kill(server.pid_of("tts"), signal.SIGKILL)
        call = await running
        record = await fetch_record(http, server.url, None, call.call_sid, print)
    assert record is not None
    # While there is no voice, the caller is asked for a moment.
    answer = next(line for line in record.transcript[1:] if line.who == "agent" and line.text != ONE_MOMENT)
    assert answer.text == answer.said
    assert answer.text.endswith("you said.")


async def ended(http: aiohttp.ClientSession, url: str, within_s: float) -> CallRecord:
    """The record of a call, once it is over; there may be no server for a while."""
    async with asyncio.timeout(within_s):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(url, raise_for_status=True) as answer:
                    record = CallRecord.model_validate(await answer.json())
                if record.state == "ended":
                    return record
            await asyncio.sleep(0.05)


async def test_of_a_call_that_the_server_died_under_there_is_what_was_said_and_its_sound(
    server: House, sentences: list[Prompt]
) -> None:
    first, second = sorted(sentences, key=lambda prompt: prompt.seconds)[:2]
    script = CallerScript([first.pcm, second.pcm], answer_timeout_s=20)
    async with aiohttp.ClientSession() as http:
        phone = asyncio.create_task(TwilioPhone(http, base_url=server.url).call(script))
        while len(script.spoken) < 2:  # noqa: ASYNC110 - it is spoken in real time
            await asyncio.sleep(0.02)
        await asyncio.sleep(1.8)
        async with http.get(f"{server.url}/v1/calls?state=live") as answer:
            [live] = (await answer.json())["calls"]
        os.kill(server.pid_of("media"), signal.SIGKILL)
        killed = time.monotonic()
        with suppress(CallRefused):  # nobody is there to ask what comes next
            assert (await phone).hung_up_by == "server"
        record = await ended(http, f"{server.url}/v1/calls/{live['id']}", within_s=10)
        print(f"the books of the call were closed {time.monotonic() - killed:.1f} s after the crash")  # noqa: T201
        async with http.get(f"{server.url}/v1/calls/{live['id']}/recording", raise_for_status=True) as answer:
            sound = await answer.read()
    assert record.ended_reason == "server_crash"
    said = [line.who for line in record.transcript]
    assert said == ["agent", "caller", "agent"], record.transcript
    assert words_right(first.text, record.transcript[1].text) >= 0.6, record.transcript
    assert record.recording is not None
    assert record.recording.problem == "crash"
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 8000)
        frames = file.readframes(file.getnframes())
        assert len(frames) == len(sound) - 44, "the header says how much sound there is"
    missing_s = script.spoken[1].begin / 8000 + 1.8 - len(frames) / 32000
    assert missing_s < 1.5, "no more than the last second or so is not on the disk yet"
    await server.printed(r"^media +it was ended by SIGKILL; starts again")


async def sessions(http: aiohttp.ClientSession, server: House, name: str) -> int:
    async with http.get(f"{server.addresses[name]}/readyz") as answer:
        told: int = (await answer.json())["sessions"]
        return told


async def test_of_two_recognisers_one_is_killed_and_its_callers_change_over_to_the_other(
    tmp_path: Path, models_dir: Path, sentences: list[Prompt]
) -> None:
    options = ("--models-dir", str(models_dir), "--instances", "asr=2")
    room = {"MEDIA_SERVER_ASR__MAX_SESSIONS": "8"}
    async with (
        house(tmp_path, *options, environment=room, roles=4) as server,
        aiohttp.ClientSession() as http,
    ):
        prompts = sorted(sentences, key=lambda prompt: prompt.seconds)[-4:]
        scripts = [CallerScript([prompt.pcm], answer_timeout_s=20) for prompt in prompts]
        phones = [TwilioPhone(http, base_url=server.url) for _ in scripts]
        calls = [asyncio.create_task(phone.call(script)) for phone, script in zip(phones, scripts, strict=True)]
        for call, script in zip(calls, scripts, strict=True):
            await spoken_into(call, script, 0.0)
        assert [await sessions(http, server, name) for name in ("asr-1", "asr-2")] == [2, 2]
        os.kill(server.pid_of("asr-1"), signal.SIGKILL)
        async with asyncio.timeout(10):  # they would not come here later, but stay where they are
            while await sessions(http, server, "asr-2") < 4:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)
        for made, prompt in zip(await asyncio.gather(*calls), prompts, strict=True):
            record = await fetch_record(http, server.url, None, made.call_sid, print)
            assert record is not None
            heard = " ".join(turn.text for turn in record.turns)
            assert words_right(prompt.text, heard) >= 0.6, heard
            assert len(heard.split()) >= 0.75 * len(prompt.text.split()), heard
            assert len(made.measured().answered) == 1
            assert record.ledger.balances
        lost = [line for line in server.lines if "asr_stream_lost" in line]
        assert len(lost) == 2, "who was with the other one noticed nothing"
        assert all('"process": "media"' in line for line in lost)
        await server.printed(r"^asr-1 +it was ended by SIGKILL; starts again")

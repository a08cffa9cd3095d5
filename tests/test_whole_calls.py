"""Whole calls, from the signed webhook to the books: the real server, real models, recorded speech, Twilio's wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soxr

from engines.ports import Listening, Samples
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.audio.levels import rms
from media_server.call.record import CallRecord
from media_server.phone.bench_echo import Hiss
from media_server.phone.call_record import fetch_record
from media_server.phone.caller_script import CallerScript, Interjection
from media_server.phone.playout_buffer import VOICED_RMS
from media_server.phone.twilio_phone import LineBusy, PhoneCall, TwilioPhone
from tests.engines.asr.loaded import whisper
from tests.house import House, house
from tests.speech_data import Prompt, words_right

pytestmark = [pytest.mark.models, pytest.mark.timing, pytest.mark.asyncio(loop_scope="module")]

TOKEN = "12345"
TURNS = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[House]:
    options = ("--models-dir", str(models_dir))
    async with house(tmp_path_factory.mktemp("data"), *options, environment={"TWILIO_AUTH_TOKEN": TOKEN}) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="module")
def sentences(prompts: list[Prompt]) -> list[Prompt]:
    """Single sentences that nothing was tuned on."""
    return [prompt for prompt in prompts if prompt.single_sentence and prompt.reported and prompt.seconds < 5]


async def record_of(http: aiohttp.ClientSession, server: House, call: PhoneCall) -> CallRecord:
    """Of a call that is over here, and soon there."""
    record = await fetch_record(http, server.url, None, call.call_sid, print)
    assert record is not None
    return record


async def test_a_caller_is_greeted_understood_and_answered(
    server: House, http: aiohttp.ClientSession, sentences: list[Prompt]
) -> None:
    chosen = sentences[:: len(sentences) // TURNS][:TURNS]
    phone = TwilioPhone(http, base_url=server.url, auth_token=TOKEN)
    call = await phone.call(CallerScript([prompt.pcm for prompt in chosen]))
    measured = call.measured()
    record = await record_of(http, server, call)

    assert call.violations == ()
    assert call.hung_up_by == "caller"
    assert measured.greeting_ms is not None
    assert len(measured.answered) == TURNS
    assert measured.cut_ins == 0
    assert measured.gaps == ()
    answers = [line.text for line in record.transcript if line.who == "agent"][1:]
    assert len(answers) == TURNS
    for prompt, answer in zip(chosen, answers, strict=True):
        assert answer.endswith(", you said.")
        assert words_right(prompt.text, answer.removesuffix(", you said.")) >= 0.6, (prompt.text, answer)
    assert all(turn.receipt is not None for turn in record.turns)
    assert record.ended_reason == "caller_hangup"
    assert record.ledger.balances
    assert record.ledger.delivered > 0.9 * record.ledger.received
    async with http.get(f"{server.url}/metrics") as response:
        metrics = await response.text()
    assert f'media_server_answer_seconds_count{{stage="total"}} {TURNS}.0' in metrics
    assert 'media_server_calls_total{reason="caller_hangup"} 1.0' in metrics


async def test_the_terminal_shows_the_turns_and_that_the_books_balance(server: House) -> None:
    await server.printed(r"\d\d:\d\d:\d\d [0-9a-f]{4}  caller  .+ \d+ ms = waited \d+, words \d+, think \d+")
    await server.printed(rf"ended   caller hung up   \d+ s, {TURNS} turns, books balance")


async def test_of_a_reply_that_was_cut_the_record_holds_what_was_played(
    server: House, http: aiohttp.ClientSession, sentences: list[Prompt], models_dir: Path
) -> None:
    long = max(sentences, key=lambda prompt: prompt.seconds)
    other = min(sentences, key=lambda prompt: prompt.seconds)
    phone = TwilioPhone(http, base_url=server.url, auth_token=TOKEN)
    call = await phone.call(CallerScript([long.pcm], interjections=[Interjection(other.pcm, 1.2, asks=True)]))
    record = await record_of(http, server, call)
    _greeting, cut, _answer = [line for line in record.transcript if line.who == "agent"]
    assert cut.said is not None
    assert cut.said.startswith(cut.text)
    assert 3 <= len(cut.text.split()) < len(cut.said.split())
    played = call.agent[2 * call.spoken[0].end : 2 * call.interjected[0].end]
    heard = whisper(models_dir).transcribe(resample_to_model(played), Listening()).text
    assert abs(len(heard.split()) - len(cut.text.split())) <= 1, (heard, cut.text)
    assert call.measured().gaps == ()


def resample_to_model(pcm: bytes) -> Samples:
    samples: Samples = soxr.resample(np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768, 8000, 16000)
    return samples


async def test_numbers_that_end_in_9196_hear_themselves(
    server: House, http: aiohttp.ClientSession, sentences: list[Prompt]
) -> None:
    phone = TwilioPhone(http, base_url=server.url, auth_token=TOKEN, called="+15559196")
    call = await phone.call(CallerScript([sentences[0].pcm], greeting_timeout_s=0.5, answer_timeout_s=1))
    record = await record_of(http, server, call)
    assert record.dialplan == "echo"
    begin, end = (2 * edge for edge in (call.spoken[0].begin, call.spoken[0].end))
    frames = [call.caller[at : at + 320] for at in range(begin, end - 320, 320)]
    voiced = [decode_mulaw(encode_mulaw(frame)) for frame in frames if rms(frame) > VOICED_RMS]
    back = sum(frame in call.agent for frame in voiced)
    assert back > 0.9 * len(voiced), "the caller's own samples come back, mu-law for mu-law"


async def test_an_unsigned_webhook_gets_nothing(server: House, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{server.url}/twilio/voice", data={"CallSid": "CA1", "To": "+1", "From": "+2"}) as answer:
        assert answer.status == 403


async def test_of_fifty_calls_at_once_some_are_taken_whole_and_the_others_told_so(
    server: House, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/readyz") as answer:
        free = (await answer.json())["free"]

    async def call(number: int) -> PhoneCall | None:
        caller = f"+1555{number:07d}"
        phone = TwilioPhone(http, base_url=server.url, auth_token=TOKEN, called="+15559196", caller=caller)
        with suppress(LineBusy):
            return await phone.call(Hiss(2.0, number))
        return None

    taken = [each for each in await asyncio.gather(*(call(number) for number in range(50))) if each is not None]
    assert free // 2 <= len(taken) <= free
    for each in taken:
        assert each.violations == ()
        record = await record_of(http, server, each)
        assert record.ledger.balances
        assert record.ledger.received == len(each.caller) // 2

"""The developer's loop, seen to work: `media-server run FILE`, calls to it, and the file saved anew between them."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from media_server.call.phrases import APOLOGY
from media_server.call.record import CallRecord
from media_server.phone.call_record import fetch_record
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import TwilioPhone
from tests.house import House, house

pytestmark = [pytest.mark.models, pytest.mark.timing, pytest.mark.asyncio(loop_scope="module")]

PLAN = """\
import json

from media_server.dialplan import Call


async def greeting(call: Call) -> None:
    {0}
"""
SOON_S = 1.0
"""From a save to what it does."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mine") / "greeting.py"
    save(path, 'await call.say("Good morning.")')
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path, file: Path) -> AsyncIterator[House]:
    options = ("--models-dir", str(models_dir))
    async with house(tmp_path_factory.mktemp("data"), *options, command=("run", str(file))) as running:
        yield running


def save(file: Path, body: str) -> None:
    file.write_text(PLAN.format(body))


async def saved(server: House, file: Path, body: str, shown: str) -> float:
    """Save, and see within a second that it was taken, or refused; how many seconds that took."""
    lines, begun = len(server.lines), time.monotonic()
    save(file, body)
    await server.printed(shown, after=lines, within_s=SOON_S)
    took = time.monotonic() - begun
    print(f"saved, and after {took:.2f} s: {server.lines[-1].rstrip()}")  # noqa: T201 - a measurement
    return took


async def call(server: House) -> CallRecord:
    """One call that only listens, and what the server has of it."""
    async with aiohttp.ClientSession() as http:
        made = await TwilioPhone(http, base_url=server.url).call(CallerScript([]), max_s=20)
        record = await fetch_record(http, server.url, None, made.call_sid, print)
    assert record is not None
    assert made.violations == ()
    assert made.measured().greeting_ms is not None
    return record


def heard(record: CallRecord) -> list[str]:
    return [line.text for line in record.transcript if line.who == "agent"]


async def test_who_calls_hears_what_the_file_says(server: House) -> None:
    await server.printed(r"Answering with  .*greeting\.py; what you save answers the next call")
    record = await call(server)
    assert record.dialplan == "greeting"
    assert heard(record) == ["Good morning."]
    assert record.ended_reason == "completed"


async def test_a_second_after_a_save_callers_hear_the_new_words(server: House, file: Path) -> None:
    assert await saved(server, file, 'await call.say("Good evening.")', r"greeting\.py: loaded anew") <= SOON_S
    assert heard(await call(server)) == ["Good evening."]


async def test_a_broken_file_is_named_with_its_line_within_a_second_and_the_old_one_answers_on(
    server: House, file: Path
) -> None:
    await saved(server, file, 'await call.say("Good evening."', r"greeting\.py:7: .+ answer on")
    assert heard(await call(server)) == ["Good evening."]


async def test_of_a_dialplan_that_raises_the_caller_hears_an_apology_and_the_author_sees_the_line(
    server: House, file: Path
) -> None:
    await saved(server, file, 'json.loads("{")', r"greeting\.py: loaded anew")
    record = await call(server)
    assert heard(record) == [APOLOGY]
    assert record.ended_reason == "dialplan_error"
    assert record.error == "JSONDecodeError at greeting.py:7", "the author's own line, not the library's"
    await server.printed(r"FAILED  .*greeting\.py:7: JSONDecodeError: Expecting property name .+ apology")

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from media_server.audio.wav_header import wav_header
from tests.api.call_house import CallHouse, call_house

SOUND = bytes(range(256)) * 4
FILE = wav_header(len(SOUND), channels=2, sample_rate=8000) + SOUND


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[CallHouse]:
    async with call_house(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        (None, 200, FILE),
        ("bytes=0-0", 206, FILE[:1]),
        ("bytes=44-47", 206, SOUND[:4]),
        ("bytes=-1", 206, FILE[-1:]),
        ("bytes=40-", 206, FILE[40:]),
        ("bytes=1000000-", 416, None),
        (f"bytes={10**20}-", 416, None),
        ("bytes=5-1", 416, None),
        ("bytes=nonsense", 416, None),
    ],
)
async def test_a_recording_is_given_out_whole_or_in_ranges(
    house: CallHouse, wanted: str | None, status: int, body: bytes | None
) -> None:
    call = await house.call()
    house.archive.recordings.wav(call).write_bytes(FILE)
    headers = {"Range": wanted} if wanted else {}
    async with house.client.get(f"/v1/calls/{call}/recording", headers=headers) as answer:
        assert answer.status == status
        if body is not None:
            assert answer.content_type == "audio/wav"
            assert await answer.read() == body


@pytest.mark.parametrize("name", ["0" * 32, "0" * 31, "..%2fcalls.sqlite", "%2e%2e", "0" * 32 + "%00", "0" * 32 + "-1"])
async def test_what_is_not_there_is_not_found(house: CallHouse, name: str) -> None:
    status, _ = await house.ask(f"/v1/calls/{name}/recording")
    assert status == 404

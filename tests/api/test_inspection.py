"""`/v1/calls/{id}/timeline` and `/v1/calls/{id}/peaks`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from media_server.api import inspection
from media_server.audio.wav_header import wav_header
from tests.api.call_house import CallHouse, call_house

SOUND = b"\0\x40\0\x20" * 8000


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[CallHouse]:
    async with call_house(tmp_path) as running:
        yield running


async def test_a_call_has_a_time_line_and_peaks_also_after_another_start(tmp_path: Path) -> None:
    async with call_house(tmp_path) as first:
        call = await first.call()
    async with call_house(tmp_path) as house:
        recordings = house.archive.recordings
        status, body = await house.ask(f"/v1/calls/{call}/timeline")
        assert (status, body["recorded"], body["live"]) == (200, False, False)
        assert (await house.ask(f"/v1/calls/{call}/peaks"))[0] == 404
        recordings.wav(call).write_bytes(wav_header(len(SOUND), channels=2, sample_rate=8000) + SOUND)
        recordings.inputs(call).write_text(
            f'{{"at":0,"line_s":0,"type":"call","version":1,"sample_rate":8000,"call":"{call}"}}\n'
            '{"at":0.5,"line_s":0.4,"type":"floor","move":"PAUSE"}\n'
        )
        _, body = await house.ask(f"/v1/calls/{call}/timeline")
        assert (body["recorded"], body["seconds"]) == (True, 1.0)
        assert body["floor"] == [{"at": 0.4, "move": "pause"}]
        _, body = await house.ask(f"/v1/calls/{call}/peaks?per_s=10&from=0.5&to=0.7")
        assert body == {"per_s": 10.0, "from_s": 0.5, "caller": [0.5, 0.5], "agent": [0.25, 0.25]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("timeline", 404),
        ("peaks", 404),
        ("peaks?per_s=0", 400),
        ("peaks?per_s=401", 400),
        ("peaks?from=-1", 400),
        ("peaks?to=nan", 400),
        ("peaks?zoom=1", 400),
        ("timeline?zoom=1", 400),
    ],
)
async def test_bad_input_is_named(house: CallHouse, path: str, status: int) -> None:
    got, body = await house.ask(f"/v1/calls/{'0' * 32}/{path}")
    assert (got, body["status"]) == (status, status)


async def test_not_many_are_read_at_once(house: CallHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "MAX_WAITING", 0)
    call = await house.call()
    assert (await house.ask(f"/v1/calls/{call}/timeline"))[0] == 503

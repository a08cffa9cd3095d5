"""The commands, as a user runs them, against routes on a free port and against a database."""

import asyncio
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from media_server.audio.wav_header import wav_header
from media_server.cli import app
from tests.api.call_house import CallHouse, call_house
from tests.records.archived import Line, archive, numbered

CALL = numbered(0xABC)[::-1]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a server that does not run."""
    monkeypatch.setenv("MEDIA_SERVER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MEDIA_SERVER_PORT", "1")
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["calls", *arguments])
    return result.exit_code, result.output


async def kept(folder: Path) -> None:
    line = Line()
    async with archive(folder, line) as opened:
        line.begin(CALL)
        line.say(CALL, "a table for four")
        line.end(CALL)
        opened.recordings.wav(CALL).write_bytes(wav_header(4, channels=2, sample_rate=8000) + b"\1\0\2\0")
        opened.recordings.inputs(CALL).write_text("{}\n")


def test_without_a_server_its_database_is_asked(data_dir: Path) -> None:
    asyncio.run(kept(data_dir))
    code, output = run("list")
    assert code == 0
    assert "parrot" in output
    code, output = run("show", CALL[:4])
    assert code == 0
    assert "a table for four" in output
    code, output = run("export", CALL[:4], str(data_dir / "one.zip"))
    assert code == 0
    with zipfile.ZipFile(data_dir / "one.zip") as file:
        assert file.namelist() == ["call.json", "audio.wav", "inputs.jsonl"]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in file.infolist())
    assert run("show", "ffff")[0] == 1
    assert run("tail")[0] == 1


@pytest.mark.usefixtures("data_dir")
def test_where_there_is_neither_that_is_said() -> None:
    code, output = run("list", "--url", "http://127.0.0.1:1")
    assert code == 1
    assert "no server answers" in output
    assert run("list")[0] == 1


async def test_a_running_server_is_asked(tmp_path: Path) -> None:
    async with call_house(tmp_path) as house:
        call = await house.call()
        url = str(house.client.make_url("/"))
        code, output = await asyncio.to_thread(run, "list", "--url", url)
        assert (code, call[:8] in output) == (0, True)
        code, output = await asyncio.to_thread(run, "show", call[:6], "--json", "--url", url)
        assert (code, call in output) == (0, True)
        assert await exported(house, call, tmp_path / "one.zip") == ["call.json"]
        code, output = await asyncio.to_thread(run, "show", "0" * 32, "--url", url)
        assert (code, "no call of this id" in output) == (1, True)


async def exported(house: CallHouse, call: str, path: Path) -> list[str]:
    url = str(house.client.make_url("/"))
    code, output = await asyncio.to_thread(run, "export", call, str(path), "--url", url)
    assert code == 0, output
    assert list((house.archive.recordings.folder / "making").iterdir()) == [], "nothing is left behind"
    return zipfile.ZipFile(path).namelist()

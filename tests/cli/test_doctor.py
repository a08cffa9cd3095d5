"""The doctor's checks, each where it finds something and where it does not."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from engines import cores
from media_server.capacity import calls_at_once
from media_server.cli.doctor import calls, machine, ports, speech
from media_server.cli.doctor.finding import Finding, Patient, examine
from media_server.config import Settings, load
from media_server.data_folder import owned
from media_server.errors import ConfigError


def patient(config: Path | None = None, **settings: Any) -> Patient:
    return Patient(load(config, {}, **settings), config, quick=True)


def marks(findings: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.mark, finding.text) for finding in findings]


def test_a_check_that_fails_or_is_late_is_a_finding_and_the_others_are_run() -> None:
    def fails(_patient: Patient) -> Iterator[Finding]:
        raise ConfigError("mine.py:3: it is broken")
        yield

    def is_broken(_patient: Patient) -> Iterator[Finding]:
        raise ValueError("x")
        yield

    def hangs(_patient: Patient) -> Iterator[Finding]:
        time.sleep(0.5)
        yield Finding("ok", "late", "")

    def good(_patient: Patient) -> Iterator[Finding]:
        yield Finding("ok", "good", "fine")

    checks = (("a", fails, 5.0), ("b", is_broken, 5.0), ("c", hangs, 0.05), ("good", good, 5.0))
    lines = [finding.line() for finding in examine(patient(), checks)]
    assert lines[0] == "FAIL  a         mine.py:3: it is broken"
    assert lines[1].startswith("FAIL  b         the check itself failed: ValueError")
    assert lines[2].startswith("FAIL  c         no answer within 0.05 s")
    assert lines[3] == "ok    good      fine"


def test_a_config_file_whose_secrets_everybody_may_read_is_a_failure(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('api_key = "s3cret"\n')
    config.chmod(0o644)
    [(mark, text)] = marks(machine.config_file(patient(config)))
    assert mark == "FAIL"
    assert "chmod o-r" in text
    assert "s3cret" not in text
    config.chmod(0o600)
    [(mark, _)] = marks(machine.config_file(patient(config)))
    assert mark == "ok"
    assert marks(machine.config_file(patient())) == []


def test_a_data_folder_that_another_server_has_is_a_failure_unless_that_is_ours(tmp_path: Path) -> None:
    examined = patient(data_dir=tmp_path)
    assert [mark for mark, _ in marks(machine.data_folder(examined))] == ["ok"]
    with owned(tmp_path):
        [(mark, text)] = marks(machine.data_folder(examined))
        assert mark == "FAIL"
        assert "--data-dir" in text
        examined.serving["media"] = {}
        assert [mark for mark, _ in marks(machine.data_folder(examined))] == ["ok"]
    made = patient(data_dir=tmp_path / "not" / "there")
    assert [mark for mark, _ in marks(machine.data_folder(made))] == ["ok"]
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    assert [mark for mark, _ in marks(machine.data_folder(patient(data_dir=tmp_path / "file")))] == ["FAIL"]


def test_a_full_disk_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined = patient(data_dir=tmp_path, models_dir=tmp_path)
    for free, mark in ((10_000, "FAIL"), (machine.LEAST_BYTES, "note"), (machine.ENOUGH_BYTES, "ok")):
        monkeypatch.setattr("shutil.disk_usage", lambda _path, free=free: type("Usage", (), {"free": free}))
        assert [found for found, _ in marks(machine.disk(examined))] == [mark, mark]


async def serving(answer: object) -> TestServer:
    async def readyz(_request: web.Request) -> web.Response:
        return web.json_response(answer) if isinstance(answer, dict) else web.Response(text=str(answer))

    app = web.Application()
    app.router.add_get("/readyz", readyz)
    server = TestServer(app)
    await server.start_server()
    return server


async def test_ports_are_ours_free_or_another_programs() -> None:
    ours = await serving({"role": "asr", "ready": True, "decode_ms": 200})
    loading = await serving({"role": "tts", "ready": False, "real_time_factor": 0.05})
    other = await serving("hello")
    at: dict[str, Any] = {"port": other.port, "asr_port": ours.port, "tts_port": loading.port}
    try:
        examined = patient(**at)
        found = await asyncio.to_thread(lambda: marks(ports.ports(examined)))
    finally:
        for server in (ours, loading, other):
            await server.close()
    assert [mark for mark, _ in found] == ["FAIL", "note", "ok"]
    assert "taken by something else → --port" in found[0][1]
    assert set(examined.serving) == {"asr", "tts"}
    assert marks(speech.speed(examined)) == [("ok", found_speed(200))]
    examined = patient(**at)
    [(mark, text)] = marks(ports.ports(examined))
    assert mark == "ok"
    assert "nothing serves there yet: media" in text
    [(mark, text)] = marks(speech.speed(examined))
    assert mark == "note"
    asr_port = at["asr_port"]
    elsewhere = patient(media={"asr_urls": (f"http://127.0.0.1:{asr_port}",)}, port=0, tts_port=0)
    assert (
        "FAIL",
        f"asr: nothing answers at http://127.0.0.1:{asr_port} → start it there, or mend asr_urls",
    ) in marks(ports.ports(elsewhere))


def found_speed(decode_ms: int) -> str:
    count = calls_at_once(decode_ms / 1000, cores.available())
    return f"decode {decode_ms} ms → about {count} call{'s'[: count != 1]} at once, voice 20x real time"


def test_models_that_are_missing_are_failures_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    found = marks(speech.models(patient(models_dir=tmp_path)))
    assert [mark for mark, _ in found] == ["FAIL"] * 4
    assert found[0][1].endswith("→ media-server models pull whisper-base")
    own = marks(speech.models(patient(models_dir=tmp_path, asr={"model": f"{tmp_path}/"})))
    assert own[0][0] == "note"


def test_a_voice_without_its_runtime_is_a_failure(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    [(mark, text)] = marks(speech.runtime(patient(tts={"python": python})))
    assert mark == "FAIL"
    assert "pip install 'media-server[piper-gpl]'" in text
    [(mark, _)] = marks(speech.runtime(patient()))
    assert mark == "ok"


def test_dialplans_that_do_not_load_are_a_failure_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_text("default = 'mine'")
    (tmp_path / "mine.py").write_text("async def mine(call): ...\n")
    examined = patient(dialplans=tmp_path)
    assert [mark for mark, _ in marks(calls.dialplans(examined))] == ["ok"]
    (tmp_path / "mine.py").write_text("\nimport nothing_of_that_name\n")
    [finding] = examine(examined, (("dialplans", calls.dialplans, 10.0),))
    assert finding.mark == "FAIL"
    assert "mine.py:2: ModuleNotFoundError" in finding.text


def test_what_a_phone_needs_is_named_until_it_is_there() -> None:
    bare = patient()
    assert [mark for mark, _ in (*marks(calls.public(bare)), *marks(calls.twilio(bare)))] == ["FAIL", "FAIL"]
    environ = {"TWILIO_AUTH_TOKEN": "t", "MEDIA_SERVER_PUBLIC_URL": "https://calls.example.org"}
    ready = Patient(load(None, environ))
    assert [mark for mark, _ in (*marks(calls.public(ready)), *marks(calls.twilio(ready)))] == ["ok", "ok"]
    plain = Patient(Settings(public_url="http://127.0.0.1:8000"))
    assert [mark for mark, _ in marks(calls.public(plain))] == ["FAIL"]

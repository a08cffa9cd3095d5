"""The doctor's checks, each where it finds something and where it does not."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from engines import cores
from media_server.capacity import calls_at_once
from media_server.cli.doctor import calls, machine, ports, public, speech, speed
from media_server.cli.doctor.finding import Finding, Patient, examine
from media_server.config import load
from media_server.data_folder import owned
from media_server.dialplan import Call
from media_server.errors import ConfigError
from tests.calling_house import calling_house
from tests.phone.test_twilio_link import answering


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
    examined = patient()
    lines = [finding.line() for finding in examine(examined, checks)]
    assert examined.late
    assert lines[0] == "FAIL  a         mine.py:3: it is broken"
    assert lines[1].startswith("FAIL  b         the check itself failed: ValueError")
    assert lines[2].startswith("FAIL  c         no answer within 0.05 s")
    assert lines[3] == "ok    good      fine"


def test_when_the_time_for_all_is_over_what_is_left_is_noted_and_not_begun() -> None:
    begun: list[str] = []

    def slow(_patient: Patient) -> Iterator[Finding]:
        yield Finding("ok", "slow", "so far")
        time.sleep(0.5)

    def next_one(_patient: Patient) -> Iterator[Finding]:
        begun.append("next")
        yield Finding("ok", "next", "")

    checks = (("slow", slow, 5.0), ("next", next_one, 5.0))
    lines = [finding.line() for finding in examine(patient(), checks, within_s=0.1)]
    assert lines[0] == "ok    slow      so far"
    assert lines[1].startswith("note  slow      no answer within 0.1 s")
    assert lines[2].startswith("note  next      not examined: the 0.1 s for all of it are over")
    assert begun == []


LATE = """
import time
from concurrent.futures import ThreadPoolExecutor
from media_server.cli.doctor.finding import Patient, examine, leave
from media_server.config import Settings

def hangs(patient):
    ThreadPoolExecutor().submit(time.sleep, 60).result()
    yield

patient = Patient(Settings())
for finding in examine(patient, [("name", hangs, 0.1)]):
    print(finding.line())
raise SystemExit(leave(patient, 1))
"""


def test_a_check_that_is_late_does_not_hold_up_the_end_of_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stdout.startswith("FAIL  name      no answer within 0.1 s")
    assert ended.stderr == ""


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
    assert marks(speed.speed(examined)) == [("ok", found_speed(200))]
    examined = patient(**at)
    [(mark, text)] = marks(ports.ports(examined))
    assert mark == "ok"
    assert "nothing serves there yet: media" in text
    [(mark, text)] = marks(speed.speed(examined))
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


def tools(tmp_path: Path, script: str) -> Patient:
    """Somebody whose voice runs in an environment that holds this program, and nothing else."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    asr_elsewhere = {"asr_urls": ("http://127.0.0.1:9",)}
    return Patient(load(None, {}, tts={"python": python}, media=asr_elsewhere))


@pytest.mark.parametrize(
    ("script", "mark", "text"),
    [
        ("""echo '{"real_time_factor": 0.05}'""", "ok", "voice 20x real time"),
        ("""echo '{"real_time_factor": 1.5}'""", "FAIL", "too slow to speak in real time → another tts.voice"),
        ("""echo '{"error": "piper-joe is missing"}'""", "note", "not measured: tts: piper-joe is missing"),
        ("exit 3", "note", "not measured: tts: the engine cannot be loaded (exit code 3)"),
        ("exec sleep 60", "note", "not measured: tts: it took too long"),
    ],
)
def test_speed_is_measured_by_a_program_of_its_own_that_may_fail_or_be_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, mark: str, text: str
) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    [(found_mark, found_text)] = marks(speed.speed(tools(tmp_path, script), within_s=1.0))
    assert found_mark == mark
    assert text in found_text


def test_what_was_measured_on_a_busy_machine_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (50.0, 50.0, 50.0))
    examined = tools(tmp_path, """echo '{"real_time_factor": 1.5}'""")
    [(mark, text)] = marks(speed.speed(examined))
    assert mark == "note"
    assert "other programs were busy" in text


def reached(**settings: Any) -> Patient:
    """Somebody on whose machine no tunnel runs, but what is said."""
    return Patient(load(None, {}, **settings), ngrok_ports=(), cloudflared_ports=())


TOKEN = {"auth_token": "12345"}


def reach(examined: Patient) -> list[tuple[str, str]]:
    return [*marks(public.public(examined)), *marks(public.tunnel(examined)), *marks(public.path(examined))]


def test_what_a_phone_needs_is_named_until_it_is_there() -> None:
    [(mark, text)] = reach(reached())
    assert mark == "FAIL"
    assert text.endswith(
        "no tunnel runs here → ngrok http 8000, or cloudflared tunnel --url "
        "http://localhost:8000; then --public-url https://…"
    )
    assert [mark for mark, _ in marks(calls.twilio(reached()))] == ["FAIL"]
    url = "https://calls.example.org"
    assert [mark for mark, _ in marks(calls.twilio(reached(twilio=TOKEN)))] == ["ok"]
    for told, why in (({"api_key": "k"}, "TWILIO_AUTH_TOKEN"), ({"twilio": TOKEN}, "nothing serves")):
        [(first, _), (second, text)] = reach(reached(public_url=url, **told))
        assert (first, second) == ("ok", "note")
        assert why in text
    assert [mark for mark, _ in marks(public.public(reached(public_url="http://127.0.0.1:8000")))] == ["FAIL"]


async def test_a_tunnel_that_runs_here_is_found_and_compared_with_what_is_set() -> None:
    tunnels = {"tunnels": [{"public_url": "https://ab12.ngrok.app", "config": {"addr": "http://localhost:8000"}}]}
    async with answering({"/api/tunnels": tunnels}) as ngrok, answering({"/quicktunnel": {"hostname": "x.try"}}) as cf:

        def found(url: str | None, **at: tuple[int, ...]) -> list[tuple[str, str]]:
            settings: dict[str, Any] = {"twilio": TOKEN} if url is None else {"public_url": url, "twilio": TOKEN}
            ports = {"ngrok_ports": (), "cloudflared_ports": (), **at}
            return marks(public.tunnel(Patient(load(None, {}, **settings), **ports)))  # type: ignore[arg-type]

        [(mark, text)] = await asyncio.to_thread(found, None, ngrok_ports=(ngrok,))
        assert mark == "FAIL"
        assert text.endswith("ngrok runs here for :8000 → add --public-url https://ab12.ngrok.app")
        [(mark, text)] = await asyncio.to_thread(found, None, cloudflared_ports=(cf,))
        assert mark == "FAIL"
        assert text.endswith("cloudflared runs here → if it is for :8000, --public-url https://x.try")
        [(mark, _)] = await asyncio.to_thread(found, "https://AB12.ngrok.app/", ngrok_ports=(ngrok,))
        assert mark == "ok"
        [(mark, text)] = await asyncio.to_thread(found, "https://old.ngrok.app", ngrok_ports=(ngrok,))
        assert mark == "FAIL"
        assert "as https://ab12.ngrok.app, not https://old.ngrok.app" in text


async def test_the_way_from_the_public_address_to_here_is_proven_or_what_is_wrong_with_it_is_said() -> None:
    async def nothing(_call: Call) -> None: ...

    async with calling_house(nothing) as house:
        here = Patient(load(None, {}, public_url=house.url, twilio={"auth_token": house.twilio.token}))
        here.serving["media"] = {}
        assert [mark for mark, _ in await asyncio.to_thread(marks, public.path(here))] == ["ok", "ok"]
    async with answering({}) as port:
        there = Patient(load(None, {}, public_url=f"http://127.0.0.1:{port}", twilio=TOKEN))
        there.serving["media"] = {}
        [(mark, text)] = await asyncio.to_thread(marks, public.path(there))
    assert mark == "FAIL"
    assert "leads somewhere, but not to this server" in text
    assert "→ does it run" in text

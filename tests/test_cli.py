import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engines import cores
from media_server.capacity import calls_at_once, shared
from media_server.cli.serve import chosen, roles
from media_server.config import Settings, load, parse
from media_server.control import Bound
from media_server.errors import ConfigError
from media_server.instances import PORT_STEP
from tests.test_supervisor import gone

COMMAND = (sys.executable, "-m", "media_server.cli")


def media_server(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, **environ}, timeout=60, check=False
    )


@contextmanager
def serving(*arguments: str, until: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`media-server serve` in a process group of its own, as a terminal has it, up to the line that begins so."""
    with subprocess.Popen(
        [*COMMAND, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                if line.startswith(until):
                    break
            else:
                pytest.fail("\n".join(lines))
            yield process, lines
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_help_loads_nothing_heavy() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "media_server.cli", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for option in ("role", "host", "port", "asr-port", "tts-port", "public-url", "data-dir", "models-dir"):
        assert f"--{option} " in shown.stdout
    for option in ("dialplans", "config", "asr-url", "tts-url", "instances", "instance"):
        assert f"--{option} " in shown.stdout
    loaded = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"aiohttp", "numpy", "rich.console", "onnxruntime", "ctranslate2"}


def test_the_version_is_shown() -> None:
    assert re.fullmatch(r"media-server \d+\.\d+\.\d+\n", media_server("--version").stdout)


def test_wrong_settings_end_in_one_line_each() -> None:
    ended = media_server("serve", "--host", "0.0.0.0", MEDIA_SERVER_PROT="1")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "media-server: MEDIA_SERVER_PROT: there is no such setting (did you mean port?)\n"
    ended = media_server("serve", "--instances", "asr=two,tts=2,media=2")
    assert ended.stderr.splitlines() == [
        "media-server: --instances: Input should be a valid integer, unable to parse string as an integer",
        "media-server: --instances: there is no such setting (did you mean instances.asr?)",
    ]


def test_a_config_file_with_secrets_for_all_to_read_is_warned_of(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('api_key = "s3cret"\n[asr]\nmodel = "whisper-bass"\n')
    config.chmod(0o644)
    ended = media_server("serve", "--config", str(config), "--role", "asr")
    assert ended.returncode == 2
    assert "s3cret" not in ended.stdout + ended.stderr
    warning, error = ended.stderr.splitlines()
    assert warning.startswith(f"media-server: warning: {config}: it holds secrets")
    assert error.startswith("media-server: there is no model 'whisper-bass'")


def names(choice: str, settings: Settings, only: int | None = None) -> list[str]:
    return [instance.name for instance in chosen(choice, settings, only)]


def test_engines_elsewhere_are_not_started_here() -> None:
    assert names("all", load(None, {})) == ["asr", "tts", "media"]
    elsewhere = {"asr_urls": ("http://gpu:8001",)}
    assert names("all", load(None, {}, media=elsewhere)) == ["tts", "media"]
    with pytest.raises(ConfigError, match="none is started here"):
        chosen("all", load(None, {}, media=elsewhere, instances={"asr": 2}))
    assert names("media", load(None, {})) == ["media"]
    assert names("asr", load(None, {"MEDIA_SERVER_API_KEY": "k"}, host="0.0.0.0")) == ["asr"]
    with pytest.raises(ConfigError, match="only with an api_key"):
        chosen("tts", load(None, {"TWILIO_AUTH_TOKEN": "t"}, host="0.0.0.0"))


def test_instances_are_started_together_or_one_by_one() -> None:
    settings = load(None, {}, instances={"asr": "2", "tts": "2"})
    assert names("all", settings) == ["asr-1", "asr-2", "tts-1", "tts-2", "media"]
    assert names("asr", settings) == ["asr-1", "asr-2"]
    assert names("asr", settings, 2) == ["asr-2"]
    for choice, number in (("asr", 3), ("media", 1), ("all", 1)):
        with pytest.raises(ConfigError, match="--instance"):
            chosen(choice, settings, number)


def test_each_instance_listens_at_its_own_port_again_and_again_and_media_knows_them_all() -> None:
    settings = load(None, {}, instances={"asr": 2}, tts_port=0)
    made = {role.name: role for role in roles(settings, chosen("all", settings))}
    assert parse(made["asr-1"].settings({})).asr_port == 8001
    assert parse(made["asr-2"].settings({})).asr_port == 8011
    assert parse(made["asr-2"].settings({"asr-2": Bound("127.0.0.1", 5000)})).asr_port == 5000
    assert parse(made["tts"].settings({})).tts_port == 0
    assert made["media"].needs == ("asr-1", "asr-2", "tts")
    addresses = {name: Bound("127.0.0.1", 5000 + at) for at, name in enumerate(made["media"].needs)}
    told = parse(made["media"].settings(addresses)).media
    assert told.asr_urls == ("http://127.0.0.1:5000", "http://127.0.0.1:5001")
    assert told.tts_urls == ("http://127.0.0.1:5002",)


def test_instances_share_what_one_machine_carries() -> None:
    assert [shared(9, count) for count in (1, 2, 3, 20)] == [9, 4, 3, 1]
    assert 1 <= cores.share(2) <= max(1, cores.available() // 2)
    assert cores.share(10_000) == 1


@pytest.mark.parametrize(
    ("decode_s", "count", "calls"), [(0.3, 2, 9), (0.3, 1, 4), (1.2, 2, 4), (0.3, 8, 37), (30.0, 1, 1)]
)
def test_calls_at_once_follow_from_the_measured_decode(decode_s: float, count: int, calls: int) -> None:
    assert calls_at_once(decode_s, count) == calls


@pytest.mark.models
def test_a_corrupt_model_ends_the_start_in_one_line(models_dir: Path, tmp_path: Path) -> None:
    for folder in models_dir.glob("[a-z]*"):
        (tmp_path / folder.name).symlink_to(folder)
    (tmp_path / "silero-vad").unlink()
    shutil.copytree(models_dir / "silero-vad", tmp_path / "silero-vad")
    path = tmp_path / "silero-vad" / "silero_vad.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    ended = media_server("serve", "--models-dir", str(tmp_path), "--asr-port", "0", "--tts-port", "0", "--port", "0")
    assert ended.returncode == 2
    assert "ready" not in ended.stdout
    assert re.fullmatch(
        r"media-server: silero-vad: \S+silero_vad\.onnx is corrupt: its sha256 is .+ fetches it anew\n", ended.stderr
    )
    verified = media_server("models", "verify", "silero-vad", "smart-turn", "--models-dir", str(tmp_path))
    assert verified.returncode == 2
    assert verified.stdout == "smart-turn: verified\n"
    listed = media_server("models", "list", "--models-dir", str(tmp_path))
    assert re.search(r"silero-vad .* corrupt\n", listed.stdout)


def test_models_that_are_missing_or_unknown_are_named(tmp_path: Path) -> None:
    here = ("--models-dir", str(tmp_path))
    verified = media_server("models", "verify", "silero-vad", *here)
    assert (verified.returncode, verified.stdout) == (2, "")
    assert re.fullmatch(r"media-server: silero-vad: \S+silero_vad\.onnx is missing; .+\n", verified.stderr)
    unknown = media_server("models", "pull", "whisper-bass", *here)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("media-server: there is no model 'whisper-bass'; there are whisper-base, ")
    listed = media_server("models", "list", *here)
    assert listed.returncode == 0
    assert len(re.findall(r"not here$", listed.stdout, re.MULTILINE)) == 5


def test_an_evaluation_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    ended = media_server("eval", str(tmp_path))
    assert (ended.returncode, ended.stderr) == (2, f"media-server: {tmp_path}: there is no .wav file in it\n")
    ended = media_server("eval", str(tmp_path), "--device", "abacus")
    assert ended.returncode == 2


def test_an_interpreter_that_is_none_ends_the_start_in_one_line(tmp_path: Path) -> None:
    ended = media_server("serve", "--role", "tts", MEDIA_SERVER_TTS__PYTHON=str(tmp_path), MEDIA_SERVER_TTS__VOICE="./")
    assert ended.returncode == 2
    assert ended.stderr == f"media-server: tts.python: {tmp_path} is no program that can be run\n"


@pytest.mark.models
def test_the_voice_runs_on_the_interpreter_that_is_named_for_it(models_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/ran\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    config = tmp_path / "server.toml"
    config.write_text(f'tts_port = 0\nmodels_dir = "{models_dir}"\n[tts]\npython = "{other}"\n')
    with serving("--role", "tts", "--config", str(config), until="tts    ready"):
        assert re.fullmatch(r"-P -m media_server\.role tts tts \d+\n", (tmp_path / "ran").read_text())


@pytest.mark.models
def test_an_address_that_is_taken_ends_the_start_in_one_line(models_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        models = ("--models-dir", str(models_dir))
        ended = media_server("serve", "--role", "tts", "--tts-port", str(port), *models)
        assert (ended.returncode, ended.stderr) == (2, f"media-server: tts: 127.0.0.1 port {port} is in use\n")
        second = ("--instances", "tts=2", "--tts-port", str(port - PORT_STEP))
        ended = media_server("serve", "--role", "tts", "--instance", "2", *second, *models)
        assert (ended.returncode, ended.stderr) == (2, f"media-server: tts-2: 127.0.0.1 port {port} is in use\n")


@pytest.mark.models
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_when_serve_ends_nobody_is_left(number: signal.Signals, code: int, models_dir: Path) -> None:
    arguments = ("--role", "tts", "--tts-port", "0", "--models-dir", str(models_dir))
    with serving(*arguments, until="  Served to this machine only") as (process, lines):
        assert any(
            re.fullmatch(r"tts    ready \d+\.\d s   ws://127\.0\.0\.1:\d+/v1/stream/tts", line) for line in lines
        )
        [child] = children(process.pid)
        # To the whole group, as a terminal's Ctrl-C and a service manager do it.
        os.killpg(process.pid, number)
        assert process.wait(10) == code
        assert gone(child)

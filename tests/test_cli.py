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

from media_server.capacity import calls_at_once
from media_server.cli.serve import chosen
from media_server.config import load
from media_server.errors import ConfigError
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
    for option in ("dialplans", "config", "asr-url", "tts-url"):
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


def test_engines_elsewhere_are_not_started_here() -> None:
    assert chosen("all", load(None, {})) == ["asr", "tts", "media"]
    assert chosen("all", load(None, {}, media={"asr_urls": ("http://gpu:8001",)})) == ["tts", "media"]
    assert chosen("media", load(None, {})) == ["media"]
    assert chosen("asr", load(None, {"MEDIA_SERVER_API_KEY": "k"}, host="0.0.0.0")) == ["asr"]
    with pytest.raises(ConfigError, match="only with an api_key"):
        chosen("tts", load(None, {"TWILIO_AUTH_TOKEN": "t"}, host="0.0.0.0"))


@pytest.mark.parametrize(
    ("decode_s", "cores", "calls"), [(0.3, 2, 9), (0.3, 1, 4), (1.2, 2, 4), (0.3, 8, 37), (30.0, 1, 1)]
)
def test_calls_at_once_follow_from_the_measured_decode(decode_s: float, cores: int, calls: int) -> None:
    assert calls_at_once(decode_s, cores) == calls


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
    assert len(re.findall(r"not here$", listed.stdout, re.MULTILINE)) == 4


def test_an_evaluation_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    ended = media_server("eval", str(tmp_path))
    assert (ended.returncode, ended.stderr) == (2, f"media-server: {tmp_path}: there is no .wav file in it\n")
    ended = media_server("eval", str(tmp_path), "--device", "abacus")
    assert ended.returncode == 2


@pytest.mark.models
def test_an_address_that_is_taken_ends_the_start_in_one_line(models_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = media_server("serve", "--role", "tts", "--tts-port", str(port), "--models-dir", str(models_dir))
    assert ended.returncode == 2
    assert ended.stderr == f"media-server: tts: 127.0.0.1 port {port} is in use\n"


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

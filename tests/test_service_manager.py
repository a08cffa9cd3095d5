"""What systemd is told, heard where systemd listens."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from media_server.cli.service_manager import READY, ServiceManager
from tests.peers.nginx import free_port


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        yield heard


def word(manager: socket.socket) -> str:
    return manager.recv(1024).decode()


def words(manager: socket.socket) -> Iterator[str]:
    """What comes, three at most, until nothing does."""
    with contextlib.suppress(TimeoutError):
        for _ in range(3):
            yield word(manager)


@pytest.mark.models
def test_a_service_is_ready_when_its_role_is_and_lives_while_its_loop_runs(
    manager: socket.socket, models_dir: Path, tmp_path: Path
) -> None:
    port = free_port()
    command = (sys.executable, "-m", "media_server.cli", "serve", "--role", "tts", "--tts-port", str(port))
    environment = {**os.environ, "NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "500000"}
    folders = ("--models-dir", str(models_dir), "--data-dir", str(tmp_path))
    with subprocess.Popen((*command, *folders), env=environment) as process:
        try:
            while (said := word(manager)) != "READY=1":
                assert said == "WATCHDOG=1"
            with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.status == 200
            assert [word(manager), word(manager)] == ["WATCHDOG=1"] * 2
            process.send_signal(signal.SIGSTOP)
            manager.settimeout(1.5)  # three periods
            assert len(list(words(manager))) <= 2, "they were on their way"
            process.send_signal(signal.SIGCONT)
            manager.settimeout(10)
            assert word(manager) == "WATCHDOG=1"
            process.send_signal(signal.SIGTERM)
            while (said := word(manager)) != "STOPPING=1":
                assert said == "WATCHDOG=1"
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_its_socket_may_have_an_abstract_name() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0media-server-test-{os.getpid()}")
        heard.settimeout(5)
        ServiceManager.of({"NOTIFY_SOCKET": f"@media-server-test-{os.getpid()}"}).tell(READY)
        assert word(heard) == "READY=1"


def test_where_nobody_listens_the_server_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ServiceManager(str(tmp_path / "nobody")).tell(READY)
    assert "systemd was not told READY=1: No such file" in capfd.readouterr().err
    ServiceManager().tell(READY)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "15000000"}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "15000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
    ],
)
def test_a_watchdog_that_is_meant_for_us_is_taken(environ: dict[str, str], seconds: float | None) -> None:
    assert ServiceManager.of(environ).watchdog_s == seconds

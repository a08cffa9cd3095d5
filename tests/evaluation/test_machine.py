import json
import os
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from media_server.cli.json_file import write_json
from media_server.evaluation.machine import this_machine


def test_figures_are_written_with_what_they_were_measured_on(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert write_json(path, "bench tts", {"figures": {"streams": 3}}) == 0
    told = json.loads(path.read_text())
    assert list(told) == ["command", "machine", "figures"]
    assert (told["command"], told["figures"]) == ("bench tts", {"streams": 3})
    machine = told["machine"]
    assert machine["cores"] == len(os.sched_getaffinity(0))
    assert machine["cpu"]
    assert machine["versions"]["media-server"] == version("media-server")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", machine["date"])


def test_in_a_checkout_the_commit_is_told() -> None:
    commit = this_machine()["commit"]
    assert isinstance(commit, str)
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?", commit)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no" / "figures.json"
    assert write_json(path, "eval", {}) == 2
    assert capsys.readouterr().err == f"media-server: {path}: No such file or directory\n"

"""How the new commands are called: options, and what they come to."""

import importlib
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from media_server import cli
from media_server.cli.route_test import moment

ROUTES = """
default = "mine"
timezone = "Europe/Berlin"
[settings]
shop = "https://shop.example.org"
api_key = "s3cret"
[[route]]
name = "day"
called = "+1555*"
hours = "Mon-Fri 09:00-17:30"
dialplan = "mine"
language = "de"
settings.account = { name = "n", token = "s3cret", uses_tokens = true }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routes.toml").write_text(ROUTES)
    (tmp_path / "mine.py").write_text("async def mine(call): ...\n")
    return tmp_path


def shown(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, arguments)
    return result.exit_code, result.output


def test_run_takes_the_options_of_serve_and_names_the_dialplan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    def serve_instead(*arguments: object) -> int:
        calls.append(arguments)
        return 0

    # The package has a command of the module's name, which a dotted path would find instead.
    monkeypatch.setattr(importlib.import_module("media_server.cli.serve"), "run", serve_instead)
    code, _ = shown("run", str(folder / "mine.py"), "--port", "9000", "--public-url", "http://localhost")
    assert code == 0
    [(role, instance, config, options)] = calls
    assert (role, instance, config) == ("all", None, None)
    wanted = {"dialplans": folder, "dialplan": "mine", "develop": True, "port": 9000, "public_url": "http://localhost"}
    assert options == wanted
    assert shown("run", str(folder / "nowhere.py"))[0] == 2
    run, serve = (typer.main.get_command(cli.app).commands[name].params for name in ("run", "serve"))  # type: ignore[attr-defined]
    own = {"role", "dialplans", "dialplan", "develop", "instance"}
    assert {each.name for each in serve} - own == {each.name for each in run} - {"file"}


def test_a_route_is_shown_with_why_those_before_it_are_not_taken_and_without_secrets(folder: Path) -> None:
    at = ("--at", "2026-12-24T18:00+01:00", "--dialplans", str(folder))
    code, output = shown("route-test", "+15550100", "--from", "+15550123", *at)
    assert code == 0
    first, no, yes, *details = output.splitlines()
    assert first.startswith("a call to +15550100 from +15550123, inbound, Thu 2026-12-24 ")
    assert re.fullmatch(r"  no   day +\S+routes\.toml:7   hours: it is Thu 18:00 in Europe/Berlin, not Mon-Fri .*", no)
    assert re.fullmatch(r"  yes  default +\S+routes\.toml:2   no route fits, so the default answers", yes)
    assert "setting   shop = 'https://shop.example.org'" in details
    code, output = shown("route-test", "+15550100", "--at", "2026-12-24T12:00+01:00", "--dialplans", str(folder))
    assert re.search(r"^  yes  day +\S+routes\.toml:7$", output, re.MULTILINE)
    assert "language  de" in output.splitlines()
    assert "setting   api_key = '***'" in output
    assert "'name': 'n', 'token': '***', 'uses_tokens': True" in output
    assert "s3cret" not in output


def test_what_cannot_be_tested_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("route-test", "+1", "--at", "noon")[0] == 2
    (folder / "routes.toml").write_text("default = 'nowhere'")
    result = CliRunner().invoke(cli.app, ["route-test", "+1", "--dialplans", str(folder)])
    assert result.exit_code == 2
    assert "routes.toml:1: default: there is no dialplan 'nowhere'" in result.output + capsys.readouterr().err


def test_a_time_without_a_zone_is_this_machines() -> None:
    assert moment("2026-12-24T18:00").hour == 18
    assert moment(None).tzinfo is not None

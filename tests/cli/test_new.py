import ast
import subprocess
import sys
from pathlib import Path

import pytest

from media_server.cli import new
from media_server.cli.run_file import find
from media_server.dialplan.loader import parse_plan


def test_a_new_dialplan_has_the_name_and_its_test_calls_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new.run("pizza", tmp_path) == 0
    tree = parse_plan("pizza", tmp_path / "pizza.py")
    assert [node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)] == ["pizza"]
    assert 'with_name("pizza.py")' in (tmp_path / "test_pizza.py").read_text()
    assert "booking" not in (tmp_path / "pizza.py").read_text() + (tmp_path / "test_pizza.py").read_text()
    last = capsys.readouterr().out.splitlines()[-2:]
    assert [line.split("media-server ")[-1].split("pytest ")[-1] for line in last] == [
        f"run {tmp_path}/pizza.py",
        f"{tmp_path}/test_pizza.py",
    ]


def test_the_test_of_a_new_dialplan_passes_until_the_dialplan_does_something_else(tmp_path: Path) -> None:
    assert new.run("pizza", tmp_path) == 0
    assert new.run("pasta", tmp_path) == 0
    pasta = tmp_path / "pasta.py"
    pasta.write_text(pasta.read_text().replace("Number(1, 12)", "Number(1, 3)"))
    # In a folder of its own, without any configuration of pytest's.
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path))
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stdout
    assert "test_pasta.py FF" in ended.stdout
    assert "test_pizza.py .." in ended.stdout


@pytest.mark.parametrize("there", ["pizza.py", "test_pizza.py"])
def test_nothing_that_is_there_is_touched(tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / there).write_text("mine")
    assert new.run("pizza", tmp_path) == 2
    assert (tmp_path / there).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert f"{tmp_path}/{there} is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["Pizza", "../pizza", "pizza.py", "1st", "", "class", "calendar", "test_me", "yarl", "a" * 65]
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    assert new.run(name, tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new.run("pizza", tmp_path / "nowhere") == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_file_to_run_is_a_folder_and_its_dialplan(tmp_path: Path) -> None:
    path = tmp_path / "pizza.py"
    path.write_text("async def pizza(call): ...\n")
    target = find(path)
    assert target is not None
    assert (target.folder, target.dialplan) == (tmp_path, "pizza")
    (tmp_path / "routes.toml").write_text("default = 'pizza'")
    target = find(tmp_path)
    assert target is not None
    assert (target.folder, target.dialplan) == (tmp_path, None)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("pizza.py", "async def pizza(call):\n    (\n", "pizza.py:2: "),
        ("pizza.py", "async def pasta(call): ...\n", "it has no function 'pizza'"),
        ("pizza.txt", "", "called like its function"),
        ("my-pizza.py", "", "called like its function"),
        ("pizza.py", "x = '\0'", "pizza.py"),
        ("", "", "there is no routes.toml in it"),
        ("nowhere.py", None, "`media-server new nowhere` makes one"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_starts(
    tmp_path: Path, name: str, text: str | None, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name and text is not None:
        path.write_text(text)
    assert find(path) is None
    assert complaint in capsys.readouterr().err

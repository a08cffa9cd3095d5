import json
from collections.abc import Callable
from pathlib import Path

import pytest

from media_server.call.authors_line import is_authors, place_of, short_place_of


def failing(folder: Path, name: str, source: str) -> Exception:
    """What the function `fail` of this source raises."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(source)
    names: dict[str, Callable[[], None]] = {}
    exec(compile(source, str(path), "exec"), names)
    try:
        names["fail"]()
    except ValueError as error:
        return error
    raise AssertionError("it does not fail")


def test_the_place_is_the_authors_own_line_not_the_one_of_the_library_that_raised(tmp_path: Path) -> None:
    error = failing(tmp_path, "mine.py", "import json\ndef fail():\n    json.loads('{')\n")
    assert place_of(error, [tmp_path]) == f"{tmp_path}/mine.py:3"
    assert short_place_of(error, tmp_path) == "mine.py:3"


@pytest.mark.parametrize("within", ["elsewhere", "mine/.venv/lib/site-packages"])
def test_of_code_that_is_not_the_authors_the_innermost_line_is_all_there_is(tmp_path: Path, within: str) -> None:
    error = failing(tmp_path / within, "theirs.py", "def fail():\n    raise ValueError\n")
    assert place_of(error, [tmp_path / "mine"]) == ""
    assert short_place_of(error, tmp_path / "mine") == "theirs.py:2"
    assert short_place_of(error, None) == "theirs.py:2"
    assert short_place_of(ValueError(), tmp_path) == "a place unknown"


def test_what_is_installed_in_an_authors_folder_is_not_theirs(tmp_path: Path) -> None:
    assert is_authors(f"{tmp_path}/helpers/tables.py", [tmp_path])
    assert not is_authors(f"{tmp_path}/.venv/lib/site-packages/x.py", [tmp_path])
    assert not is_authors(json.__file__, [tmp_path])

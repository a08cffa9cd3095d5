"""`media-server new NAME`: a dialplan to begin with, and its test. Nothing that is there is touched."""

import importlib.util
import keyword
import sys
from importlib.resources import files
from pathlib import Path

import typer

from media_server.cli.run_file import NAME
from media_server.cli.screen import command_prefix, complain
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError

TEMPLATE = "booking"
TOOLS = {"pytest": "pytest", "pytest-asyncio": "pytest_asyncio"}


def run(name: str, folder: Path) -> int:
    """Write the two files; returns the exit code."""
    try:
        _check(name)
        dialplan, test = write(name, folder)
    except ConfigError as error:
        complain(error.message)
        return EXIT_UNUSABLE
    typer.echo(f"{dialplan}   what a caller hears: yours to change")
    typer.echo(f"{test}   a call to it, without sound or models\n")
    typer.echo(f"  {command_prefix()}media-server run {dialplan}")
    typer.echo(f"  {command_prefix()}pytest {test}{_wanted()}")
    return 0


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """Both files, or none.

    Raises:
        ConfigError: One is there, or cannot be written.
    """
    templates = files("media_server.cli.templates")
    paths = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in paths:
        if path.exists() or path.is_symlink():
            raise ConfigError(f"{path} is there already, and stays as it is")
    for path in paths:
        template = templates / path.name.replace(name, TEMPLATE)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(template.read_text(encoding="utf-8").replace(TEMPLATE, name))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
    return paths


def _wanted() -> str:
    """What the test needs, and is not here."""
    missing = [package for package, module in TOOLS.items() if importlib.util.find_spec(module) is None]
    return f"   (it needs {' and '.join(missing)})" if missing else ""


def _check(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name!r}: a dialplan's name has a-z, 0-9 and _, and begins with a letter")
    if keyword.iskeyword(name) or name in sys.stdlib_module_names or name.startswith("test"):
        raise ConfigError(f"{name!r}: Python has that name for itself; take another")
    found = importlib.util.find_spec(name)
    if found is not None and found.origin is not None and "site-packages" in Path(found.origin).parts:
        raise ConfigError(f"{name!r}: a package that is installed has that name; take another")

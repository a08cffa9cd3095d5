"""`media-server run FILE`: which folder and which dialplan that is.

What is broken at a glance is said before anything is started; what only shows when it is imported is said by the media
role, whose start it ends.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from media_server.cli.screen import complain
from media_server.errors import ConfigError

ROUTES = "routes.toml"
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A folder of dialplans, and the one that answers; None: the one that the folder's routes name."""

    folder: Path
    dialplan: str | None


def find(path: Path) -> Target | None:
    """What a path stands for; complains, and returns None, if it is nothing to run."""
    try:
        return _find(path)
    except ConfigError as error:
        complain(error.message)
        return None


def _find(path: Path) -> Target:
    if path.is_dir():
        if not (path / ROUTES).is_file():
            raise ConfigError(f"{path}: there is no {ROUTES} in it; name a dialplan's file, such as {path}/booking.py")
        return Target(path, None)
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file (`media-server new {path.stem or 'booking'}` makes one)")
    if path.suffix != ".py" or not NAME.fullmatch(path.stem):
        raise ConfigError(f"{path}: a dialplan's file is called like its function: a-z, 0-9, _ and .py")
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    named = [node for node in ast.walk(tree) if getattr(node, "name", None) == path.stem]
    if not named and path.stem not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        raise ConfigError(f"{path}: it has no function {path.stem!r}: async def {path.stem}(call: Call) -> None")
    return Target(path.parent, path.stem)

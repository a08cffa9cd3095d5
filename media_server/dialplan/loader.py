"""Loading dialplans: `NAME.py` holds the async function `NAME`. One folder may win over another."""

import ast
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from media_server.dialplan.call import Call
from media_server.errors import ConfigError

Plan = Callable[[Call], Awaitable[None]]

MAX_PHRASE = 5000
"""Characters of a text that is made before anybody calls."""
_SPOKEN_BY = frozenset({"say", "ask", "working", "voicemail"})


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A dialplan and the constant texts in it, which are made before anybody calls."""

    name: str
    plan: Plan
    phrases: tuple[str, ...]


def load_plan(name: str, folders: Sequence[Path]) -> LoadedPlan:
    """Load a dialplan from the first folder that has it.

    Raises:
        ConfigError: No folder has it, or it is broken; the message names file and line.
    """
    for folder in folders:
        path = folder / f"{name}.py"
        if path.is_file():
            return _load(name, path)
    raise ConfigError(f"there is no dialplan {name!r} in {', '.join(str(folder) for folder in folders)}")


def _load(name: str, path: Path) -> LoadedPlan:
    source = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: {error.msg}") from error
    spec = importlib.util.spec_from_file_location(f"dialplan_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from error
    phrases = constant_phrases(tree)
    if any(len(phrase) > MAX_PHRASE for phrase in phrases):
        raise ConfigError(f"{path}: a constant text of more than {MAX_PHRASE} characters")
    plan = getattr(module, name, None)
    if not callable(plan):
        raise ConfigError(f"{path}: it has no function {name!r}")
    return LoadedPlan(name, plan, phrases)


def constant_phrases(tree: ast.AST) -> tuple[str, ...]:
    """The literal texts that a dialplan says, in the order of the source."""
    return tuple(
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _SPOKEN_BY
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )

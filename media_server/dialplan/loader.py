"""Loading dialplans: `NAME.py` holds the async function `NAME`. One folder may win over another."""

import ast
import importlib.machinery
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from pydantic import BaseModel

from media_server.call.authors_line import place_of
from media_server.dialplan.call import Call
from media_server.dialplan.modules import Generation
from media_server.dialplan.sources import read_capped
from media_server.errors import ConfigError

Plan = Callable[[Call], Awaitable[None]]

MAX_PHRASE = 5000
"""Characters of a text that is made before anybody calls."""
MAX_PHRASES = 500
"""Texts of one dialplan that are made before; any more are made when they are said."""
SETTINGS = "Settings"
"""What the model of its settings is called in a dialplan that has one."""

_SPOKEN_BY = frozenset({"say", "ask", "working", "voicemail"})
_SPOKEN_AS = frozenset({"question", "again", "filler", "when_down"})


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A dialplan.

    Attributes:
        phrases: The constant texts in it, which are made before anybody calls.
        path: Its file.
        settings: The model of its settings (pydantic's, or a dataclass), if it declares one.
        generation: The modules that it runs on.
    """

    name: str
    plan: Plan
    phrases: tuple[str, ...]
    path: Path | None = None
    settings: type | None = None
    generation: Generation | None = None


def load_plan(name: str, folders: Sequence[Path], generation: Generation | None = None) -> LoadedPlan:
    """Load a dialplan from the first folder that has it. Imports it: not for an event loop with calls on it.

    Raises:
        ConfigError: No folder has it, or it is broken; the message names file and line.
    """
    for folder in folders:
        path = folder / f"{name}.py"
        if path.is_file():
            return _load(name, path, generation or Generation(folders, anew=False))
    raise ConfigError(f"there is no dialplan {name!r} in {', '.join(str(folder) for folder in folders)}")


def parse_plan(name: str, path: Path) -> ast.Module:
    """A dialplan's source, which has the function; nothing of it is run.

    Raises:
        ConfigError: It is broken, or has none.
    """
    try:
        tree = ast.parse(read_capped(path), filename=str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, nested beyond what the parser bears
        raise ConfigError(f"{path}: it is no Python source: {error}") from error
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name and not node.decorator_list:
            raise ConfigError(f"{path}:{node.lineno}: a dialplan is an `async def`")
    return tree


def _load(name: str, path: Path, generation: Generation) -> LoadedPlan:
    tree = parse_plan(name, path)
    phrases = constant_phrases(tree)
    if any(len(phrase) > MAX_PHRASE for phrase in phrases):
        raise ConfigError(f"{path}: a constant text of more than {MAX_PHRASE} characters")
    module = _module(name, path, tree, generation)
    plan = getattr(module, name, None)
    if not callable(plan):
        raise ConfigError(f"{path}: it has no function {name!r}")
    return LoadedPlan(name, plan, phrases[:MAX_PHRASES], path, _settings_model(module), generation)


def _module(name: str, path: Path, tree: ast.Module, generation: Generation) -> ModuleType:
    unique = f"dialplan_{name}_{generation.number}"
    # The source is compiled as it was read, not read again: it may be written to at this moment.
    spec = importlib.util.spec_from_loader(unique, importlib.machinery.SourceFileLoader(unique, str(path)))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    generation.add(unique, module)
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)  # noqa: S102 - the operator's own code
    except SyntaxError as error:  # of a module that it imports
        raise ConfigError(f"{error.filename or path}:{error.lineno or 1}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{place_of(error, [path.parent]) or path}: {type(error).__name__}: {error}") from error
    return module


def _settings_model(module: ModuleType) -> type | None:
    model = getattr(module, SETTINGS, None)
    if isinstance(model, type) and (issubclass(model, BaseModel) or is_dataclass(model)):
        return model
    return None


def constant_phrases(tree: ast.AST) -> tuple[str, ...]:
    """The literal texts that a dialplan says, in the order of the source."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _SPOKEN_BY:
                found += map(_text, node.args[:1])
                found += [_text(each.value.elts[0]) for each in node.keywords if _has_question(each.value)]
            found += [_text(keyword.value) for keyword in node.keywords if keyword.arg in _SPOKEN_AS]
    return tuple(text for text in found if text)


def _has_question(node: ast.expr) -> TypeGuard[ast.Tuple]:
    """Whether it may be a slot with a question of its own: `day=("Which day?", Date())`."""
    return isinstance(node, ast.Tuple) and bool(node.elts)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

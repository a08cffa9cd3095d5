"""The modules of an operator's folder: dialplans, and what stands beside them for them to import.

Rules:
- Each loading is a *generation*. A dialplan's module has a name of its own in each (`dialplan_booking_7`), so that one
  that is in use is never overwritten.
- What a dialplan imports from its folder (`from mario import tables`) is found by a finder of the generation's own. It
  keeps its plain name, and is loaded anew by each generation: the dialplans of calls under way hold the modules that
  they have imported. Only an import *within* a function, which runs later, finds the newest ones.
- A name that is taken, by Python or by a package that is installed, is never found in the folder: a `calendar.py` there
  is nobody's calendar.
- Nothing is written beside the sources and nothing compiled is read: a second save within the same second counts.
- A loading that fails puts everything back. A generation whose last call is over leaves `sys.modules`.
"""

import importlib.machinery
import itertools
import sys
import threading
import types
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path

from typing_extensions import override

from media_server.dialplan.sources import read_capped
from media_server.errors import ConfigError

_MARK = "loaded anew by each generation"
_numbers = itertools.count(1)
_one_at_a_time = threading.Lock()


class _Loader(importlib.machinery.SourceFileLoader):
    """Sources only."""

    @override
    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        try:
            source = read_capped(Path(path))
        except ConfigError as error:
            raise ImportError(error.message, name=fullname, path=path) from error
        code: types.CodeType = self.source_to_code(source, path)
        return code


class _Finder(MetaPathFinder):
    """Finds modules in some folders, unless there are others of that name."""

    def __init__(self, folders: Sequence[Path], *, anew: bool) -> None:
        self._folders = [str(folder) for folder in folders]
        self._state = _MARK if anew else None

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        for folder in self._folders if path is None else [entry for entry in path if self._ours(entry)]:
            spec = importlib.machinery.FileFinder(folder, (_Loader, [".py"])).find_spec(fullname)
            if spec is not None and (path is not None or not self._taken(fullname)):
                spec.loader_state = self._state
                return spec
        return None

    def _ours(self, entry: str) -> bool:
        return any(Path(entry).is_relative_to(folder) for folder in self._folders)

    def _taken(self, name: str) -> bool:
        if name in sys.stdlib_module_names:
            return True
        other = importlib.machinery.PathFinder.find_spec(name)
        if other is None or other.origin is None:
            return False
        return Path(other.origin) not in {
            Path(folder, *inner) for folder in self._folders for inner in ((f"{name}.py",), (name, "__init__.py"))
        }


class Generation:
    """One loading's modules. Whoever holds a dialplan of it keeps it."""

    def __init__(self, folders: Sequence[Path], *, anew: bool) -> None:
        """`anew`: helpers are loaded anew too; otherwise those that are there are used."""
        self.number = next(_numbers)
        self._finder = _Finder(folders, anew=anew)
        self._own: dict[str, types.ModuleType] = {}
        sys.meta_path.insert(0, self._finder)
        self._let_go = weakref.finalize(self, _forget, self._finder, self._own)

    def add(self, name: str, module: types.ModuleType) -> None:
        """Make a dialplan's module known, as code that looks itself up expects."""
        self._own[name] = sys.modules[name] = module

    def drop(self) -> None:
        """It came to nothing."""
        self._let_go()


def _forget(finder: _Finder, own: dict[str, types.ModuleType]) -> None:
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    for name in own:
        sys.modules.pop(name, None)
    own.clear()


@contextmanager
def new_generation(folders: Sequence[Path]) -> Iterator[Generation]:
    """A generation while it is loaded; if that fails, everything is as before.

    Raises:
        ConfigError: An earlier loading hangs.
    """
    if not _one_at_a_time.acquire(timeout=1.0):
        raise ConfigError("an earlier loading of the dialplans still hangs; start the server anew")
    try:
        before = {name: module for name, module in sys.modules.copy().items() if _is_helper(module)}
        for name in before:
            del sys.modules[name]
        generation = Generation(folders, anew=True)
        try:
            yield generation
        except BaseException:
            generation.drop()
            for name in [name for name, module in sys.modules.copy().items() if _is_helper(module)]:
                del sys.modules[name]
            sys.modules.update(before)
            raise
    finally:
        _one_at_a_time.release()


def _is_helper(module: types.ModuleType) -> bool:
    return getattr(getattr(module, "__spec__", None), "loader_state", None) == _MARK

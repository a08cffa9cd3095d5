"""What is in a folder of dialplans: sizes and times of the files that matter, so that a change is seen.

Sources, routes and prompts count (`.py`, `.toml`, `.md`), in the folder and below it; tests, hidden folders and
environments do not. What is beyond the limits is not watched, and a restart finds it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

MAX_FILES = 2000
MAX_DEPTH = 4

_SUFFIXES = (".py", ".toml", ".md")
_OTHERS = ("test_", "conftest.py", ".")
_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})

Snapshot: TypeAlias = Mapping[str, tuple[int, int, int]]
"""Of each file its time of change in nanoseconds, its size, its inode."""


def snapshot(folders: Sequence[Path]) -> Snapshot:
    """How the folders are now. Reads the disk: not for an event loop."""
    seen: dict[str, tuple[int, int, int]] = {}
    for folder in folders:
        for entry in _files(str(folder), MAX_DEPTH):
            if len(seen) >= MAX_FILES:
                return seen
            try:
                state = entry.stat()
            except OSError:  # gone meanwhile
                continue
            seen[entry.path] = state.st_mtime_ns, state.st_size, state.st_ino
    return seen


def changed(before: Snapshot, after: Snapshot) -> list[str]:
    """The names of the files that are new, gone or different."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return sorted({Path(path).name for path in paths})


def _files(folder: str, depth: int) -> Iterator[os.DirEntry[str]]:
    inner: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(_OTHERS):
                    continue
                if entry.is_dir(follow_symlinks=False):  # so that a link in a circle is not followed
                    inner.append(entry.path)
                elif entry.name.endswith(_SUFFIXES):
                    yield entry
    except OSError:  # no such folder, or not to be read: loading says so
        return
    if depth > 1 and len(inner) <= MAX_FILES:
        for path in sorted(inner):
            name = os.path.basename(path)  # noqa: PTH119 - as the entries have it
            if name not in _PASSED_OVER and not os.path.exists(f"{path}/pyvenv.cfg"):  # noqa: PTH110
                yield from _files(path, depth - 1)

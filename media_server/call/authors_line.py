"""Whose code an error came through: a dialplan's author wants their own line, not the library's that raised. Pure."""

import traceback
from collections.abc import Sequence
from pathlib import Path


def place_of(error: BaseException, folders: Sequence[Path]) -> str:
    """The innermost line of an author's code that an error came through, as FILE:LINE; empty where there is none."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if is_authors(frame.f_code.co_filename, folders):
            return f"{frame.f_code.co_filename}:{line}"
    return ""


def short_place_of(error: BaseException, folder: Path | None) -> str:
    """The same without the way to the file; where no line is from `folder`, the innermost of all."""
    place = place_of(error, [folder] if folder is not None else [])
    if place:
        file, _, line = place.rpartition(":")
        return f"{Path(file).name}:{line}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "a place unknown"


def is_authors(file: str, folders: Sequence[Path]) -> bool:
    """Whether a source file is an author's own, and no library that is installed within their folder."""
    path = Path(file)
    return any(path.is_relative_to(folder) for folder in folders) and "site-packages" not in path.parts

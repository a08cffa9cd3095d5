"""A model's folder: is everything there, and is it what the manifest pins?

Hashing 200 MB takes a second, so after a full check a stamp next to the files remembers each one's size, time of change
and hash; a later check is a few `stat` calls as long as they are the same. Files appear whole: written aside, hashed on
the way, and renamed only when the hash is right.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engines.errors import ModelError
from engines.models.manifest import Model, ModelFile

_STAMP = ".verified.json"
_CHUNK = 1 << 20


def missing(model: Model, folder: Path) -> tuple[ModelFile, ...]:
    """The files that are not there."""
    return tuple(file for file in model.files if not (folder / file.name).is_file())


def verify(model: Model, folder: Path, *, fully: bool = False) -> None:
    """Check the model's files; with `fully` they are all read again, whatever the stamp says.

    Raises:
        ModelError: A file is missing, cannot be read or is not the one that the manifest pins.
    """
    stamp = {} if fully else _read_stamp(folder)
    seen: dict[str, list[object]] = {}
    for file in model.files:
        path = folder / file.name
        try:
            state = path.stat()
            seen[file.name] = [state.st_size, state.st_mtime_ns, file.sha256]
            if state.st_size != file.size:
                raise corrupt(model, path, f"it has {state.st_size} bytes, not {file.size}")
            if stamp.get(file.name) != seen[file.name] and (found := _hash(path)) != file.sha256:
                raise corrupt(model, path, f"its sha256 is {found[:12]}…, not {file.sha256[:12]}…")
        except FileNotFoundError:
            raise ModelError(f"{model.id}: {path} is missing; `media-server models pull` fetches it") from None
        except OSError as error:
            raise ModelError(f"{model.id}: {path} cannot be read: {error.strerror or error}") from error
    if seen != stamp:
        _write_stamp(folder, seen)


def corrupt(model: Model, path: Path, reason: str) -> ModelError:
    """The error for a file that is there, but is not the right one."""
    return ModelError(f"{model.id}: {path} is corrupt: {reason}; `media-server models pull` fetches it anew")


def write(file: ModelFile, folder: Path, chunks: Iterable[bytes]) -> None:
    """Make a file out of `chunks`; it appears only when it is whole and right.

    Raises:
        ModelError: The bytes are not those that the manifest pins, or they cannot be written.
    """
    aside = folder / f".{file.name}.part"
    digest = hashlib.sha256()
    written = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as out:
            for chunk in chunks:
                written += len(chunk)
                if written > file.size:
                    break
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if written != file.size or digest.hexdigest() != file.sha256:
            raise ModelError(f"{file.name} from there is not the pinned one")
        aside.replace(folder / file.name)
    except OSError as error:
        raise ModelError(f"{folder / file.name} cannot be written: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, piece by piece."""
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _hash(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _read_stamp(folder: Path) -> dict[str, object]:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _write_stamp(folder: Path, seen: dict[str, list[object]]) -> None:
    aside = folder / f"{_STAMP}.{os.getpid()}"
    try:
        aside.write_text(json.dumps(seen), encoding="utf-8")
        aside.replace(folder / _STAMP)
    except OSError:
        # A models folder that may not be written to is checked in full each time, and works all the same.
        aside.unlink(missing_ok=True)

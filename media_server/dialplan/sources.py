"""The files that authors and operators write: read whole, and not beyond what anybody writes by hand."""

from pathlib import Path

from media_server.errors import ConfigError

MAX_FILE = 1 << 20
"""Bytes of a file of routes, or of a dialplan."""


def read_capped(path: Path) -> bytes:
    """A file of an author's or operator's.

    Raises:
        ConfigError: It cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    if len(data) > MAX_FILE:
        raise ConfigError(f"{path}: it is larger than {MAX_FILE >> 20} MB")
    return data

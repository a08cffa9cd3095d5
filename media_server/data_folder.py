"""The folder of records and recordings belongs to one media role at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from media_server.errors import ConfigError

_LOCK = "media-server.lock"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make the folder and keep others out of it; the system lets go of it when this process ends, however it ends.

    Raises:
        ConfigError: Another server has it, or it cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, timeout=0).acquire()
    except Timeout as error:
        raise ConfigError(f"{folder} is in use by another server (data_dir)") from error
    except OSError as error:
        raise ConfigError(f"{folder} cannot be had: {error.strerror or error} (data_dir)") from error
    with lock:
        yield

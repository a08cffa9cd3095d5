"""`media-server try`: the settings, then the call."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from media_server.cli.screen import complain
from media_server.config import load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError
from media_server.phone.try_command import CALLED, run_try


def run(
    wavs: Sequence[Path], url: str | None, called: str | None, config: Path | None, said: Mapping[str, object]
) -> int:
    """Make the call; the recording goes into the current folder. Returns the exit code."""
    try:
        settings = load(config, **said)
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    return run_try(settings, wavs, url=url, called=called or CALLED, folder=Path(), say=typer.echo)

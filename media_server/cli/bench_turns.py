"""`media-server bench turns`: the models, then the recordings; a table, or JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from engines.errors import EnginesError
from media_server.cli.models import ensure
from media_server.cli.screen import complain
from media_server.config import load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError
from media_server.evaluation.turn_curve import turn_curve, turn_report
from media_server.phone.speech_folder import read_folder
from media_server.services.asr_models import load_asr_models


def run(
    folder: Path,
    splits_s: Sequence[float],
    language: str,
    config: Path | None,
    said: Mapping[str, object],
    *,
    as_json: bool,
) -> int:
    """Listen to the folder. Returns the exit code."""
    try:
        recordings = read_folder(folder)
        settings = load(config, **said)
        ensure(settings, ["asr"])
        models = load_asr_models(settings)
    except (ConfigError, EnginesError) as error:
        complain(str(error))
        return EXIT_UNUSABLE

    def progress(done: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{done} of {len(recordings)}", nl=done == len(recordings), err=True)

    curve = turn_curve(models, recordings, splits_s, language, progress)
    typer.echo(json.dumps(asdict(curve), indent=2) if as_json else "\n".join(turn_report(curve)))
    return 0

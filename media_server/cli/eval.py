"""`media-server eval`: the model once for each audio context, over the recordings; a table, and JSON."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from engines.asr.faster_whisper import FULL_CONTEXT_S, MEASURED_CONTEXTS_S
from engines.errors import EnginesError
from media_server.cli.json_file import write_json
from media_server.cli.models import ensure
from media_server.cli.screen import complain
from media_server.config import Settings, load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError
from media_server.evaluation.recognition import Contexts, Row, evaluate, report
from media_server.phone.speech_folder import Recording, read_folder
from media_server.services.asr_models import load_asr_models

NOT_MEASURED = "8,12,15"
"""What is tried for a model of which nothing is known."""


def run(
    folder: Path,
    contexts: str | None,
    config: Path | None,
    said: Mapping[str, object],
    *,
    language: str,
    partials: bool,
    json_file: Path | None,
) -> int:
    """Hear the folder. Returns the exit code."""
    try:
        recordings = read_folder(folder)
        settings = load(config, **said)
        choices = _choices(contexts, Path(settings.asr.model).name)
        ensure(settings, ["asr"])
        rows = [_row(settings, each, recordings, language, partials=partials) for each in choices]
    except (ConfigError, EnginesError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    seconds = sum(each.seconds for each in recordings)
    typer.echo(f"{len(recordings)} recordings, {seconds:.0f} s; first, stayed: p50 / p95 in ms after a word's end")
    typer.echo("\n".join(report(rows)))
    if json_file is not None:
        model = {"model": settings.asr.model, "device": settings.asr.device, "compute_type": settings.asr.compute_type}
        told = {**model, "language": language, "recordings": len(recordings), "rows": [asdict(row) for row in rows]}
        return write_json(json_file, "eval", told)
    return 0


def parse_contexts(text: str) -> list[Contexts]:
    """`8,12` is two choices; `8+12` is one, 8 s and, where that is doubtful, 12 s.

    Raises:
        ConfigError: It is none.
    """
    try:
        choices = [tuple(float(each) for each in choice.split("+")) for choice in text.split(",")]
    except ValueError:
        raise ConfigError(f"--context {text}: seconds are wanted, say 8,12 or 8+12") from None
    if not all(0 < seconds <= FULL_CONTEXT_S for choice in choices for seconds in choice):
        raise ConfigError(f"--context {text}: more than 0 s, and {FULL_CONTEXT_S:.0f} s at most")
    return [tuple(sorted(each for each in choice if each < FULL_CONTEXT_S)) for choice in choices]


def _choices(contexts: str | None, model: str) -> list[Contexts]:
    """What is to be tried, and the full context to compare with."""
    measured: Contexts | None = MEASURED_CONTEXTS_S.get(model)
    choices = [measured] if contexts is None and measured else parse_contexts(contexts or NOT_MEASURED)
    return list(dict.fromkeys([*choices, ()]))


def _row(
    settings: Settings, contexts: Contexts, recordings: Sequence[Recording], language: str, *, partials: bool
) -> Row:
    models = load_asr_models(settings, contexts)
    if language not in models.recogniser.languages:
        raise ConfigError(f"--language: this model does not know {language!r}")
    models.recogniser.warm_up()
    name = "+".join(f"{each:g}" for each in contexts) or "30"
    return evaluate(models, contexts, recordings, language, _progress(name, len(recordings)), partials=partials)


def _progress(name: str, count: int) -> Callable[[int], None]:
    def progress(done: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{name} s: {done} of {count}", nl=done == count, err=True)

    return progress

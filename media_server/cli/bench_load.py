"""`media-server bench asr` and `bench tts`: the settings, then the streams; a table, and JSON."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import typer

from media_server.cli.bench import sentence, server_of
from media_server.cli.json_file import write_json
from media_server.cli.screen import complain
from media_server.config import load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError, MediaServerError
from media_server.evaluation.asr_load import AsrLoad, run_asr_load
from media_server.evaluation.asr_load_figures import AsrFigures, asr_report
from media_server.evaluation.tts_load import TtsLoad, run_tts_load
from media_server.evaluation.tts_load_figures import TtsFigures, tts_report
from media_server.phone.speech_folder import read_folder

EXIT_LOST = 1


def asr(
    plan: AsrLoad,
    folder: Path | None,
    url: str | None,
    config: Path | None,
    said: Mapping[str, object],
    *,
    json_file: Path | None,
) -> int:
    """Streams that talk to the recogniser. Returns the exit code: not 0 where words were lost."""
    try:
        settings = load(config, **said)
        server = server_of(settings, None)
        recordings = read_folder(folder) if folder else [] if plan.idle else [sentence(settings)]
        at = (url or server.roles["asr"][0]).rstrip("/")
        figures = asyncio.run(run_asr_load(at, server.api_key, plan, recordings))
    except (ConfigError, MediaServerError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    return _tell("bench asr", asdict(plan), figures, asr_report(figures), json_file)


def tts(plan: TtsLoad, url: str | None, config: Path | None, said: Mapping[str, object], json_file: Path | None) -> int:
    """Streams that let the synthesiser speak. Returns the exit code: not 0 where sentences were lost."""
    try:
        server = server_of(load(config, **said), None)
        at = (url or server.roles["tts"][0]).rstrip("/")
        figures = asyncio.run(run_tts_load(at, server.api_key, plan))
    except (ConfigError, MediaServerError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    return _tell("bench tts", asdict(plan), figures, tts_report(figures), json_file)


def _tell(
    command: str,
    plan: Mapping[str, object],
    figures: AsrFigures | TtsFigures,
    report: Iterator[str],
    json_file: Path | None,
) -> int:
    typer.echo("\n".join(report))
    code = 0
    if json_file is not None:
        code = write_json(json_file, command, {"options": plan, "figures": asdict(figures)})
    return code or (0 if figures.good else EXIT_LOST)

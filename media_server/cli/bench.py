"""`media-server bench`: the settings, then the calls; a table, or JSON."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import typer

from media_server.cli.screen import complain
from media_server.config import Settings, load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError, MediaServerError
from media_server.phone.bench_calls import Bench, MakeCall, Server, by_twilio, run_bench
from media_server.phone.bench_echo import echo_report, run_echo
from media_server.phone.bench_report import report
from media_server.phone.speech_folder import Recording, read_folder
from media_server.phone.try_command import SENTENCE, spoken_sentence


def calls(
    bench: Bench,
    folder: Path | None,
    url: str | None,
    config: Path | None,
    said: Mapping[str, object],
    *,
    as_json: bool,
    make: MakeCall = by_twilio,
) -> int:
    """Phones that talk to the server. Returns the exit code."""
    try:
        settings = load(config, **said)
        server = server_of(settings, url)
        recordings = read_folder(folder) if folder is not None else [sentence(settings)]
        figures = asyncio.run(run_bench(server, bench, recordings, make))
    except (ConfigError, MediaServerError, OSError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    if as_json:
        shares = {"decodes_a_turn": figures.decodes_a_turn, "cpu_a_call_minute": figures.cpu_a_call_minute}
        _print_json({**asdict(figures), **shares})
    else:
        typer.echo("\n".join(report(figures)))
    return 0


def echo(
    count: int, seconds: float, url: str | None, config: Path | None, said: Mapping[str, object], *, as_json: bool
) -> int:
    """Phones that hear themselves. Returns the exit code."""
    try:
        figures = asyncio.run(run_echo(server_of(load(config, **said), url), calls=count, seconds=seconds))
    except (ConfigError, MediaServerError, OSError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    if as_json:
        _print_json(asdict(figures))
    else:
        typer.echo("\n".join(echo_report(figures)))
    return 0


def sentence(settings: Settings) -> Recording:
    """What is said where no folder is given.

    Raises:
        EngineError: There is no voice to say it.
    """
    return Recording("sentence", asyncio.run(spoken_sentence(settings)), SENTENCE)


def server_of(settings: Settings, url: str | None) -> Server:
    """The server of these settings, or the one at `url`."""
    base_url = (url or settings.base_url).rstrip("/")
    token, key = settings.twilio.auth_token, settings.api_key
    return Server(
        base_url,
        {"media": (base_url,), "asr": settings.engine_urls("asr"), "tts": settings.engine_urls("tts")},
        token.get_secret_value() if token else None,
        key.get_secret_value() if key else None,
    )


def _print_json(figures: object) -> None:
    typer.echo(json.dumps(figures, indent=2))

"""The command line. Commands import what they do only when they run, so that `--help` answers at once."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="media-server",
    help="Answers phone calls: hears the caller, lets a dialplan decide, and speaks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: loading rich for it takes longer than all the rest
    # A traceback with local variables would show secrets and what callers say.
    pretty_exceptions_enable=False,
)
models = typer.Typer(help="The speech models: list, pull, verify.", no_args_is_help=True)
app.add_typer(models, name="models")
bench = typer.Typer(help="Many calls at once, and what a caller notices of it.", no_args_is_help=True)
app.add_typer(bench, name="bench")


class RoleChoice(StrEnum):
    """What to run."""

    ALL = "all"
    MEDIA = "media"
    ASR = "asr"
    TTS = "tts"


ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings, as TOML.")]
Instances = Annotated[
    str | None, typer.Option(metavar="asr=N,tts=N", help="Processes of each engine here.", show_default="one")
]
ModelsDir = Annotated[Path | None, typer.Option(help="Where models are kept.", show_default="the cache folder")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"media-server {version('media-server')}")
        raise typer.Exit


@app.callback()
def root(
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version, and end.")
    ] = False,
) -> None:
    """Answers phone calls: hears the caller, lets a dialplan decide, and speaks."""


@app.command()
def serve(  # noqa: PLR0917 - options, passed by name
    role: Annotated[RoleChoice, typer.Option(help="What to run here.")] = RoleChoice.ALL,
    host: Annotated[str | None, typer.Option(help="The address to listen at.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")] = None,
    asr_port: Annotated[int | None, typer.Option(help="The recogniser's port.", show_default="8001")] = None,
    tts_port: Annotated[int | None, typer.Option(help="The synthesiser's port.", show_default="8002")] = None,
    public_url: Annotated[str | None, typer.Option(help="The address by which Twilio reaches this server.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where records are kept.", show_default="the user's data folder")
    ] = None,
    models_dir: ModelsDir = None,
    dialplans: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Your dialplans; they win over the shipped ones.")
    ] = None,
    asr_url: Annotated[
        list[str] | None, typer.Option(help="A recogniser elsewhere, instead of one here. Repeatable.")
    ] = None,
    tts_url: Annotated[
        list[str] | None, typer.Option(help="A synthesiser elsewhere, instead of one here. Repeatable.")
    ] = None,
    instances: Instances = None,
    instance: Annotated[
        int | None, typer.Option(min=1, help="With --role asr or tts: which of its instances.", show_default="all")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Answer calls, until Ctrl-C."""
    from media_server.cli.serve import run  # noqa: PLC0415

    said = _said(
        host=host,
        port=port,
        asr_port=asr_port,
        tts_port=tts_port,
        public_url=public_url,
        data_dir=data_dir,
        models_dir=models_dir,
        dialplans=dialplans,
        media=_said(asr_urls=asr_url or None, tts_urls=tts_url or None),
        instances=_counts(instances),
    )
    raise typer.Exit(run(role.value, instance, config, said))


@app.command("try")
def try_call(  # noqa: PLR0917 - options, passed by name
    wavs: Annotated[
        list[Path] | None, typer.Argument(metavar="WAV", help="What to say.", show_default="a sentence")
    ] = None,
    url: Annotated[str | None, typer.Option(help="The server to call.", show_default="the one of the settings")] = None,
    to: Annotated[str | None, typer.Option(metavar="NUMBER", help="The number to call.", show_default="any")] = None,
    port: Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")] = None,
    tts_port: Annotated[int | None, typer.Option(help="The synthesiser's port.", show_default="8002")] = None,
    config: ConfigFile = None,
) -> None:
    """Call the server as Twilio would, and show what a caller hears."""
    from media_server.cli.try_call import run  # noqa: PLC0415

    raise typer.Exit(run(wavs or [], url, to, config, _said(port=port, tts_port=tts_port)))


Url = Annotated[str | None, typer.Option("--url", help="The server.", show_default="the one of the settings")]
AsrPort = Annotated[int | None, typer.Option(help="The recogniser's port.", show_default="8001")]
TtsPort = Annotated[int | None, typer.Option(help="The synthesiser's port.", show_default="8002")]
Json = Annotated[bool, typer.Option("--json", help="Every figure, as JSON.")]


@bench.command("twilio")
def bench_twilio(  # noqa: PLR0917 - options, passed by name
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="WAVs to say, NAME.txt with the words.", show_default="a sentence"),
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
    turns: Annotated[int, typer.Option(min=1, help="How many utterances in each.")] = 4,
    duration: Annotated[float, typer.Option(help="Seconds after which a call says nothing new.")] = 3600.0,
    hesitate: Annotated[float, typer.Option(help="Seconds of silence in the middle of each utterance.")] = 0.0,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="Speak into every answer.")] = False,
    noise: Annotated[bool, typer.Option("--noise", help="Make a noise in every answer.")] = False,
    echo_db: Annotated[
        float | None,
        typer.Option(
            min=-90, max=0, help="The phones hear themselves at this level, say -30.", show_default="they do not"
        ),
    ] = None,
    echo_delay: Annotated[int, typer.Option(help="… and so many milliseconds later.")] = 150,
    stagger: Annotated[float, typer.Option(help="Seconds between the beginnings of two calls.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of what is said when.")] = 1,
    url: Url = None,
    port: Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")] = None,
    asr_port: AsrPort = None,
    tts_port: TtsPort = None,
    instances: Instances = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Phones that talk to the server, as Twilio would connect them."""
    from media_server.cli.bench import calls as run  # noqa: PLC0415
    from media_server.phone.bench_calls import Bench  # noqa: PLC0415
    from media_server.phone.twilio_phone import Feedback  # noqa: PLC0415

    feedback = Feedback(echo_db, echo_delay) if echo_db is not None else None
    plan = Bench(calls, turns, duration, hesitate, interrupt, noise, feedback, stagger, seed)
    said = _said(port=port, asr_port=asr_port, tts_port=tts_port, instances=_counts(instances))
    raise typer.Exit(run(plan, folder, url, config, said, as_json=as_json))


@bench.command("echo")
def bench_echo(  # noqa: PLR0917 - options, passed by name
    calls: Annotated[int, typer.Option(min=1, help="How many at once.")] = 50,
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 20.0,
    url: Url = None,
    port: Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")] = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Phones that hear themselves: how even the server's clock is. It must take as many calls (media.max_calls)."""
    from media_server.cli.bench import echo as run  # noqa: PLC0415

    raise typer.Exit(run(calls, duration, url, config, _said(port=port), as_json=as_json))


@bench.command("turns")
def bench_turns(  # noqa: PLR0917 - options, passed by name
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="WAVs, an utterance each.")],
    split: Annotated[
        list[float] | None,
        typer.Option(help="A silence to put inside, in seconds. Repeatable.", show_default="0.5, 0.8"),
    ] = None,
    language: Annotated[str, typer.Option(help="What is spoken.")] = "en",
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """How long the ends of turns take, and how often a speaker is cut short: ours, timers, VAD + Smart Turn."""
    from media_server.cli.bench_turns import run  # noqa: PLC0415

    splits = split if split is not None else [0.5, 0.8]
    raise typer.Exit(run(folder, splits, language, config, _said(models_dir=models_dir), as_json=as_json))


@models.command("list")
def list_models(models_dir: ModelsDir = None, config: ConfigFile = None) -> None:
    """Show the models, and which of them are there."""
    from media_server.cli.models import show  # noqa: PLC0415

    raise typer.Exit(show(config, _said(models_dir=models_dir)))


@models.command("pull")
def pull_models(
    ids: Annotated[list[str] | None, typer.Argument(help="Which ones.", show_default="what serve needs")] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """Fetch what is missing, and fetch anew what is corrupt."""
    from media_server.cli.models import pull  # noqa: PLC0415

    raise typer.Exit(pull(ids or [], config, _said(models_dir=models_dir)))


@models.command("verify")
def verify_models(
    ids: Annotated[list[str] | None, typer.Argument(help="Which ones.", show_default="what serve needs")] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """Read every byte of the models, and compare with what is pinned."""
    from media_server.cli.models import verify  # noqa: PLC0415

    raise typer.Exit(verify(ids or [], config, _said(models_dir=models_dir)))


def _counts(instances: str | None) -> Mapping[str, object]:
    """`asr=2,tts=2` as the settings have it; what does not fit is for them to say."""
    parts = (part.partition("=") for part in (instances or "").split(",") if part)
    return {name.strip(): count.strip() for name, _, count in parts}


def _said(**options: object) -> Mapping[str, object]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None and value != {}}

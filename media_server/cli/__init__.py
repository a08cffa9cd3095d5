"""The command line. Commands import what they do only when they run, so that `--help` answers at once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from media_server.cli.benches import bench
from media_server.cli.call_commands import calls
from media_server.cli.model_commands import models
from media_server.cli.options import (
    AsrPort,
    ConfigFile,
    Instances,
    ModelsDir,
    TtsPort,
    counts,
    said,
)
from media_server.cli.recogniser_commands import evaluate, replay
from media_server.cli.same_options import with_options_of
from media_server.cli.twilio import call, twilio
from media_server.control import EXIT_UNUSABLE

app = typer.Typer(
    name="media-server",
    help="Answers phone calls: hears the caller, lets a dialplan decide, and speaks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: loading rich for it takes longer than all the rest
    # A traceback with local variables would show secrets and what callers say.
    pretty_exceptions_enable=False,
)
app.add_typer(models, name="models")
app.add_typer(bench, name="bench")
app.add_typer(calls, name="calls")
app.add_typer(twilio, name="twilio")
app.command("call")(call)


class RoleChoice(StrEnum):
    """What to run."""

    ALL = "all"
    MEDIA = "media"
    ASR = "asr"
    TTS = "tts"


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
    dialplan: Annotated[
        str | None, typer.Option(metavar="NAME", help="What answers where no route fits.", show_default="as routes say")
    ] = None,
    develop: Annotated[
        bool, typer.Option("--develop", help="Show here what errors in dialplans say.", show_default=False)
    ] = False,
    asr_url: Annotated[
        list[str] | None, typer.Option(help="A recogniser elsewhere, instead of one here. Repeatable.")
    ] = None,
    tts_url: Annotated[
        list[str] | None, typer.Option(help="A synthesiser elsewhere, instead of one here. Repeatable.")
    ] = None,
    llm: Annotated[
        str | None, typer.Option(metavar="URL", help="The language model of agents: an OpenAI-compatible chat API.")
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name there.", show_default="the first that it lists")
    ] = None,
    instances: Instances = None,
    instance: Annotated[
        int | None, typer.Option(min=1, help="With --role asr or tts: which of its instances.", show_default="all")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Answer calls, until Ctrl-C."""
    from media_server.cli.serve import run  # noqa: PLC0415

    options = said(
        host=host,
        port=port,
        asr_port=asr_port,
        tts_port=tts_port,
        public_url=public_url,
        data_dir=data_dir,
        models_dir=models_dir,
        dialplans=dialplans,
        dialplan=dialplan,
        develop=develop or None,
        media=said(asr_urls=asr_url or None, tts_urls=tts_url or None),
        llm=said(url=llm, model=llm_model),
        instances=counts(instances),
    )
    raise typer.Exit(run(role.value, instance, config, options))


_serve = serve
"""By a name of its own: the module `cli.serve`, once it is imported, takes the function's place in this package."""


@app.command("run")
@with_options_of(_serve, but=("role", "dialplans", "dialplan", "develop", "instance"))
def run_dialplan(
    file: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A dialplan, or a folder with routes.toml.")],
    **options: Any,
) -> None:
    """Answer calls with a dialplan of yours, and take it anew whenever you save it."""
    from media_server.cli.run_file import find  # noqa: PLC0415

    if (target := find(file)) is None:
        raise typer.Exit(EXIT_UNUSABLE)
    _serve(dialplans=target.folder, dialplan=target.dialplan, develop=True, **options)


@app.command("new")
def new_dialplan(
    name: Annotated[str, typer.Argument(help="What it is called, such as booking.")],
    folder: Annotated[Path, typer.Option("--in", metavar="DIR", help="Where.", show_default="here")] = Path(),
) -> None:
    """Write a dialplan to begin with, and a test of it."""
    from media_server.cli.new import run  # noqa: PLC0415

    raise typer.Exit(run(name, folder))


@app.command("route-test")
def route_test(  # noqa: PLR0917 - options, passed by name
    called: Annotated[str, typer.Argument(metavar="NUMBER", help="The number that is called.")],
    caller: Annotated[
        str, typer.Option("--from", metavar="NUMBER", help="Who calls.", show_default="a withheld number")
    ] = "",
    at: Annotated[str | None, typer.Option(metavar="2026-12-24T18:00", help="When.", show_default="now")] = None,
    outbound: Annotated[bool, typer.Option("--outbound", help="A call of ours.", show_default=False)] = False,
    dialplans: Annotated[Path | None, typer.Option(metavar="DIR", help="Your dialplans.")] = None,
    config: ConfigFile = None,
) -> None:
    """Which route a call would take, and why not the ones before it."""
    from media_server.cli.route_test import moment, run  # noqa: PLC0415
    from media_server.dialplan.routes import Incoming  # noqa: PLC0415

    try:
        when = moment(at)
    except ValueError:
        raise typer.BadParameter("a time such as 2026-12-24T18:00 is wanted", param_hint="--at") from None
    incoming = Incoming(called, caller, when, "outbound" if outbound else "inbound")
    raise typer.Exit(run(incoming, config, said(dialplans=dialplans)))


@app.command()
def doctor(  # noqa: PLR0917 - options, passed by name
    quick: Annotated[bool, typer.Option("--quick", help="Without what takes seconds.", show_default=False)] = False,
    port: Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")] = None,
    asr_port: AsrPort = None,
    tts_port: TtsPort = None,
    public_url: Annotated[str | None, typer.Option(help="The address by which Twilio reaches this server.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where records are kept.", show_default="the user's data folder")
    ] = None,
    dialplans: Annotated[Path | None, typer.Option(metavar="DIR", help="Your dialplans.")] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """What is in order here and what is not, each with its remedy."""
    from media_server.cli.doctor import run  # noqa: PLC0415

    options = said(
        port=port,
        asr_port=asr_port,
        tts_port=tts_port,
        public_url=public_url,
        data_dir=data_dir,
        dialplans=dialplans,
        models_dir=models_dir,
    )
    raise typer.Exit(run(config, options, quick=quick))


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

    raise typer.Exit(run(wavs or [], url, to, config, said(port=port, tts_port=tts_port)))


@app.command()
def chat(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The dialplan: NAME.py, with its function NAME.")],
    caller: Annotated[str, typer.Option(metavar="NUMBER", help="Who calls.")] = "+15550100",
    called: Annotated[str, typer.Option(metavar="NUMBER", help="Which number.")] = "+15550101",
    setting: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A setting of the route. Repeatable.")
    ] = None,
) -> None:
    """Talk to a dialplan by text: no phone, no models."""
    from media_server.cli.chat import run  # noqa: PLC0415

    raise typer.Exit(run(file, caller, called, setting or []))


app.command("eval")(evaluate)
app.command()(replay)


@app.command()
def schema(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which one: verbs.")] = "verbs",
) -> None:
    """Print the JSON schema of what others send us."""
    from media_server.cli.schema import run  # noqa: PLC0415

    raise typer.Exit(run(name))

"""`media-server twilio` and `media-server call`: the settings, then the work."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from media_server.cli.options import ConfigFile, Url, said

if TYPE_CHECKING:
    from media_server.config import Settings

twilio = typer.Typer(help="Numbers at Twilio: link one to this server, or unlink it.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="+1...", help="The number, with its country.")]
PublicUrl = Annotated[
    str | None, typer.Option(help="The address by which Twilio reaches this server.", show_default="a running tunnel's")
]
Port = Annotated[int | None, typer.Option(help="The server's port for calls.", show_default="8000")]
DataDir = Annotated[Path | None, typer.Option(help="Where the old values are kept.", show_default="the data folder")]


@twilio.command("link")
def link(
    number: Number,
    public_url: PublicUrl = None,
    port: Port = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Have a number of yours ring here: proves the public path, then sets its voice URL and status callback."""
    from media_server.phone.twilio_link import run_link  # noqa: PLC0415

    options = said(public_url=public_url, port=port, data_dir=data_dir)
    raise typer.Exit(_with_settings(config, options, lambda settings: run_link(settings, number, say=typer.echo)))


@twilio.command("unlink")
def unlink(number: Number, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Put back what a number was set to before it was linked."""
    from media_server.phone.twilio_link import run_unlink  # noqa: PLC0415

    options = said(data_dir=data_dir)
    raise typer.Exit(_with_settings(config, options, lambda settings: run_unlink(settings, number, say=typer.echo)))


def call(  # noqa: PLR0917 - options, passed by name
    to: Annotated[str, typer.Argument(metavar="+1...", help="Whom to call: a number, or sip:user@host.")],
    dialplan: Annotated[str | None, typer.Option(help="What talks to them.", show_default="the number's route")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="+1...", help="Your number.", show_default="twilio.from_number")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A setting for the dialplan. Repeatable.")
    ] = None,
    timeout: Annotated[float, typer.Option(metavar="S", help="How long it may ring.")] = 30.0,
    machine_detection: Annotated[str, typer.Option(help="none, enable or message_end.")] = "none",
    url: Url = None,
    port: Port = None,
    config: ConfigFile = None,
) -> None:
    """Have the running server call somebody, and follow the call to its end."""
    from media_server.phone.call_out import run_call, settings_of  # noqa: PLC0415

    try:
        settings = settings_of(setting or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    body = {
        "to": to,
        "settings": settings,
        "timeout_s": timeout,
        "machine_detection": machine_detection,
        **said(dialplan=dialplan, **{"from": from_}),
    }
    raise typer.Exit(
        _with_settings(config, said(port=port), lambda loaded: run_call(loaded, body, url=url, say=typer.echo))
    )


def _with_settings(config: Path | None, options: Mapping[str, object], run: "Callable[[Settings], int]") -> int:
    """Load the settings and go; the exit code."""
    from media_server.cli.screen import complain  # noqa: PLC0415
    from media_server.config import load  # noqa: PLC0415
    from media_server.control import EXIT_UNUSABLE  # noqa: PLC0415
    from media_server.errors import ConfigError  # noqa: PLC0415

    try:
        settings = load(config, **options)
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    return run(settings)

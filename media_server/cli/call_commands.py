"""`media-server calls ...`: what was said on calls, and why they ended."""

from pathlib import Path
from typing import Annotated

import typer

from media_server.cli.options import ConfigFile, Url

calls = typer.Typer(help="Calls, live and past: list, show, tail, export.", no_args_is_help=True)

CallId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or how that begins.")]


@calls.command("list")
def list_calls(
    limit: Annotated[int, typer.Option(min=1, max=20_000, help="How many, at most.")] = 20,
    url: Url = None,
    config: ConfigFile = None,
) -> None:
    """Show the latest calls."""
    from media_server.cli.calls import list_calls as run  # noqa: PLC0415

    raise typer.Exit(run(limit, url, config))


@calls.command("show")
def show_call(
    call: CallId,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record, as JSON.")] = False,
    url: Url = None,
    config: ConfigFile = None,
) -> None:
    """Show what happened on a call."""
    from media_server.cli.calls import show_call as run  # noqa: PLC0415

    raise typer.Exit(run(call, url, config, as_json=as_json))


@calls.command("tail")
def tail_calls(url: Url = None, config: ConfigFile = None) -> None:
    """Follow live calls, until Ctrl-C."""
    from media_server.cli.calls import tail_calls as run  # noqa: PLC0415

    raise typer.Exit(run(url, config))


@calls.command("export")
def export_call(
    call: CallId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; a zip.")],
    url: Url = None,
    config: ConfigFile = None,
) -> None:
    """Write all that is kept of a call into one file: record, sound, what came in."""
    from media_server.cli.calls import export_call as run  # noqa: PLC0415

    raise typer.Exit(run(call, file, url, config))

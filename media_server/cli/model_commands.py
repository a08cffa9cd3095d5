"""`media-server models ...`: the speech models on this machine."""

from typing import Annotated

import typer

from media_server.cli.options import ConfigFile, ModelsDir, said

models = typer.Typer(help="The speech models: list, pull, verify.", no_args_is_help=True)


@models.command("list")
def list_models(models_dir: ModelsDir = None, config: ConfigFile = None) -> None:
    """Show the models, and which of them are there."""
    from media_server.cli.models import show  # noqa: PLC0415

    raise typer.Exit(show(config, said(models_dir=models_dir)))


@models.command("pull")
def pull_models(
    ids: Annotated[list[str] | None, typer.Argument(help="Which ones.", show_default="what serve needs")] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """Fetch what is missing, and fetch anew what is corrupt."""
    from media_server.cli.models import pull  # noqa: PLC0415

    raise typer.Exit(pull(ids or [], config, said(models_dir=models_dir)))


@models.command("verify")
def verify_models(
    ids: Annotated[list[str] | None, typer.Argument(help="Which ones.", show_default="what serve needs")] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """Read every byte of the models, and compare with what is pinned."""
    from media_server.cli.models import verify  # noqa: PLC0415

    raise typer.Exit(verify(ids or [], config, said(models_dir=models_dir)))

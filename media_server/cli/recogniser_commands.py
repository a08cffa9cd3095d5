"""`media-server eval` and `replay`: how well calls are heard, and what other knobs would change."""

from pathlib import Path
from typing import Annotated

import typer

from media_server.cli.options import ConfigFile, JsonFile, Language, ModelsDir, said


def evaluate(  # noqa: PLR0917 - options, passed by name
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="WAVs, and NAME.txt with what is said in NAME.wav.")],
    model: Annotated[
        str | None, typer.Option(metavar="ID|PATH", help="The recogniser.", show_default="the one of the settings")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="8,12", help="Least audio contexts to try, in seconds; 8+12 is one.", show_default="the model's own"
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.", show_default="cpu")] = None,
    compute_type: Annotated[
        str | None, typer.Option(help="CTranslate2's.", show_default="int8, on a GPU float16")
    ] = None,
    partials: Annotated[bool, typer.Option(help="How stable and how late partials are, too.")] = True,
    language: Language = "en",
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """How well a recogniser hears your recordings, and how little silence it may see around the words."""
    from media_server.cli.eval import run  # noqa: PLC0415

    options = said(models_dir=models_dir, asr=said(model=model, device=device, compute_type=compute_type))
    raise typer.Exit(run(folder, context, config, options, language=language, partials=partials, json_file=json_file))


def replay(  # noqa: PLR0917 - options, passed by name
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `calls export` wrote.")],
    patience: Annotated[str | None, typer.Option(metavar="quick|normal|patient", show_default="the call's")] = None,
    min_silence_ms: Annotated[int | None, typer.Option(help="The least that ends a turn.")] = None,
    other: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another knob of the recogniser. Repeatable.")
    ] = None,
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
) -> None:
    """End the turns of a recorded call again, with the same or other knobs, and show what would have changed."""
    from media_server.cli.replay import run  # noqa: PLC0415

    knobs = [f"{name}={value}" for name, value in said(patience=patience, min_silence_ms=min_silence_ms).items()]
    raise typer.Exit(run(file, [*knobs, *(other or [])], config, said(models_dir=models_dir)))

"""The options that several commands take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings, as TOML.")]
Instances = Annotated[
    str | None, typer.Option(metavar="asr=N,tts=N", help="Processes of each engine here.", show_default="one")
]
ModelsDir = Annotated[Path | None, typer.Option(help="Where models are kept.", show_default="the cache folder")]
Url = Annotated[str | None, typer.Option("--url", help="The server.", show_default="the one of the settings")]
AsrPort = Annotated[int | None, typer.Option(help="The recogniser's port.", show_default="8001")]
TtsPort = Annotated[int | None, typer.Option(help="The synthesiser's port.", show_default="8002")]
Json = Annotated[bool, typer.Option("--json", help="Every figure, as JSON.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write every figure, and on what machine.", show_default="none"),
]
Language = Annotated[str, typer.Option(help="What is spoken.")]


def said(**options: object) -> Mapping[str, object]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None and value != {}}


def counts(instances: str | None) -> Mapping[str, object]:
    """`asr=2,tts=2` as the settings have it; what does not fit is for them to say."""
    parts = (part.partition("=") for part in (instances or "").split(",") if part)
    return {name.strip(): count.strip() for name, _, count in parts}

"""Where dialplans are looked for."""

from importlib.resources import files
from pathlib import Path


def dialplan_folders(own: Path | None) -> list[Path]:
    """Where dialplans are looked for: the operator's folder wins over the shipped one."""
    shipped = Path(str(files("dialplans")))
    return [shipped] if own is None else [own.absolute(), shipped]

"""Figures in a file: with the command they are of, and the machine they were measured on."""

import json
from collections.abc import Mapping
from pathlib import Path

from media_server.cli.screen import complain
from media_server.control import EXIT_UNUSABLE
from media_server.evaluation.machine import this_machine


def write_json(path: Path, command: str, figures: Mapping[str, object]) -> int:
    """Write them. Returns the exit code."""
    document = {"command": command, "machine": this_machine(), **figures}
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        complain(f"{path}: {error.strerror or error}")
        return EXIT_UNUSABLE
    return 0

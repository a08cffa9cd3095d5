"""The machine: versions, disk, the data folder, who may read the settings, a GPU."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from media_server.cli.doctor.finding import Finding, Patient
from media_server.cli.screen import MEGABYTE, cores, shortened
from media_server.config import exposed_secrets
from media_server.data_folder import owned
from media_server.errors import ConfigError

LEAST_BYTES = 200 * MEGABYTE
"""Records and phrases go on for a while with so much."""
ENOUGH_BYTES = 2000 * MEGABYTE


def versions(_patient: Patient) -> Iterator[Finding]:
    """What runs here."""
    count = cores()
    here = f"media-server {version('media-server')}, Python {platform.python_version()}"
    yield Finding("ok", "version", f"{here}, {count} core{'s'[: count != 1]}")


def config_file(patient: Patient) -> Iterator[Finding]:
    """Whether secrets lie open."""
    if patient.config is None:
        return
    if (warning := exposed_secrets(patient.config)) is not None:
        yield Finding("FAIL", "config", warning)
    else:
        yield Finding("ok", "config", f"{shortened(patient.config)} is read, and holds no secret for all to see")


def data_folder(patient: Patient) -> Iterator[Finding]:
    """Whether it can be had."""
    folder = patient.settings.data_dir
    there = _nearest(folder)
    if "media" in patient.serving:
        yield Finding("ok", "data", f"{shortened(folder)} is the running server's")
    elif there != folder:
        yield from _would_be_made(folder, there)
    else:
        try:
            with owned(folder):
                yield Finding("ok", "data", f"{shortened(folder)} can be written to, and is nobody's just now")
        except ConfigError as error:
            yield Finding(
                "FAIL", "data", f"{error.message} → end the other server, or give this one its own --data-dir"
            )


def disk(patient: Patient) -> Iterator[Finding]:
    """How much room is left where things are kept."""
    for about, folder in (("data", patient.settings.data_dir), ("models", patient.settings.models_dir)):
        free = shutil.disk_usage(_nearest(folder)).free
        said = f"{free / 1000 / MEGABYTE:.1f} GB free for {about} in {shortened(folder)}"
        if free < LEAST_BYTES:
            yield Finding("FAIL", "disk", f"{said} → make room, or set {about}_dir to another disk")
        elif free < ENOUGH_BYTES:
            yield Finding("note", "disk", f"{said}; recordings fill that soon")
        else:
            yield Finding("ok", "disk", said)


def gpu(patient: Patient) -> Iterator[Finding]:
    """What there is for cloned voices and large models."""
    wanted = "cuda" in (patient.settings.asr.device, patient.settings.tts.device)
    names = _gpus()
    if names:
        yield Finding("ok", "GPU", f"{', '.join(names)}; {'used' if wanted else 'not used: asr.device, tts.device'}")
    elif wanted:
        yield Finding("FAIL", "GPU", "none found, but asr.device or tts.device is cuda → set it to cpu")
    else:
        yield Finding("note", "GPU", "none found. Cloned voices and large models want one: docs/voices.md")


def _gpus() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = (program, "--query-gpu=name", "--format=csv,noheader")
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - found above
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in ended.stdout.splitlines() if line.strip()] if ended.returncode == 0 else []


def _would_be_made(folder: Path, there: Path) -> Iterator[Finding]:
    if os.access(there, os.W_OK | os.X_OK):
        yield Finding("ok", "data", f"{shortened(folder)} is made at the first start")
    else:
        yield Finding("FAIL", "data", f"{shortened(folder)} cannot be made in {there} → set --data-dir")


def _nearest(folder: Path) -> Path:
    """The folder, or what is there of its way."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())

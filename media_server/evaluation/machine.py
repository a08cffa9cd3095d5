"""On what something was measured: figures without their machine are worth nothing."""

import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engines import cores

_PACKAGES = ("media-server", "ctranslate2", "faster-whisper", "onnxruntime", "piper-tts", "aiohttp")
_ROOT = Path(__file__).parents[2]
_GIT_S = 5


def this_machine() -> dict[str, object]:
    """Processor, cores that may be used, memory, versions, date; the commit where this runs from a checkout."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": cores.available(),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def _field(path: str, name: str) -> str | None:
    with suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    if not (_ROOT / ".git").exists():
        return None
    with suppress(OSError, subprocess.SubprocessError):
        command = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
        told = subprocess.run(  # noqa: S603 - a constant
            command, cwd=_ROOT, capture_output=True, text=True, timeout=_GIT_S, check=True
        )
        return told.stdout.strip()
    return None

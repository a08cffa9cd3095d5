"""What `serve` and `models` show: header, progress bars, a line for each role, how to go on. Every line is computed."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TransferSpeedColumn

from engines.models import Model
from media_server.config import Settings, authority

MEGABYTE = 1_000_000


def console() -> Console:
    """The terminal: no wrapping, no colours of its own making."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Each line of `text` as an error on stderr."""
    for line in text.splitlines():
        print(f"media-server: {line}", file=sys.stderr, flush=True)  # noqa: T201


def shortened(path: Path) -> str:
    """A path with `~` for the user's home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def megabytes(size: int) -> str:
    """A size: 2.3 MB, 145 MB."""
    return f"{size / MEGABYTE:.0f} MB" if size >= 10 * MEGABYTE else f"{size / MEGABYTE:.1f} MB"


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def header(version: str, data_dir: Path) -> str:
    """The first line."""
    count = cores()
    return f"media-server {version}   CPU profile, {count} core{'s'[: count != 1]}   data {shortened(data_dir)}"


def command_prefix() -> str:
    """How this program was called: through `uv run`, or by its name."""
    return "uv run " if "UV_RUN_RECURSION_DEPTH" in os.environ else ""


def next_steps(settings: Settings, base_url: str, try_options: Sequence[str] | None) -> list[str]:
    """How to go on from here; `try_options` lead `try` to this server, None when it takes no calls."""
    lines = []
    if settings.develop and settings.dialplans is not None:
        what = shortened(
            settings.dialplans if settings.dialplan is None else settings.dialplans / f"{settings.dialplan}.py"
        )
        lines.append(f"  Answering with  {what}; what you save answers the next call")
    if try_options is not None:
        lines.append(talk_line(settings, base_url))
        lines.append("  No microphone   " + " ".join((f"{command_prefix()}media-server try", *try_options)))
        if settings.dialplans is None:
            lines.append(
                "  Your own        {0} new booking && {0} run booking.py".format(f"{command_prefix()}media-server")
            )
        if settings.public_url is not None:
            lines.append(f"  A real phone    {command_prefix()}media-server twilio link +15550100")
            lines.append(f"                  or let your number's voice webhook be {base_url}/twilio/voice")
    if settings.open_to_all:
        lines.append("  Served to this machine only, since no key and no Twilio token is set.  Ctrl-C ends.")
    else:
        lines.append("  Ctrl-C ends.")
    return lines


def talk_line(settings: Settings, base_url: str) -> str:
    """Where to talk to it in a browser. A page gets a microphone from this machine, or by https."""
    if base_url.startswith("https://"):
        return f"  Talk now        {base_url}"
    port = urlsplit(base_url).port or settings.port
    here = f"http://{authority(settings.host, port)}"
    return f"  Talk now        {here}         far machine? ssh -L {port}:127.0.0.1:{port} and open the same"


class PullScreen:
    """A bar for each model on a terminal; elsewhere a line for each when it is there. A context manager."""

    def __init__(self, out: Console, *, fresh: bool) -> None:
        self._out = out
        self._fresh = fresh
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=out,
            disable=not out.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._label: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def waiting(self) -> None:
        """Another process pulls."""
        self._out.print("another process fetches models just now; waiting for it")

    def pulling(self, models: Sequence[Model]) -> None:
        """These will be fetched."""
        size = megabytes(sum(model.size for model in models))
        count = f"{len(models)} model{'s'[: len(models) != 1]}"
        self._out.print(f"first run: {count}, {size}, once" if self._fresh else f"missing: {count}, {size}")
        title, detail, licence = (
            max(len(getattr(model, name)) for model in models) for name in ("title", "detail", "licence")
        )
        for model in models:
            self._label[model.id] = (
                f"  {model.title:<{title}}  {model.detail:<{detail}}  {model.licence:<{licence}}"
                f"  {megabytes(model.size):>6}"
            )
            self._tasks[model.id] = self._bars.add_task(self._label[model.id], total=None, start=False, state="")
        self._bars.start()

    def fetched(self, model: Model, done: int, total: int) -> None:
        """So many bytes are there."""
        task = self._tasks[model.id]
        if not self._bars.tasks[task].started:
            self._bars.start_task(task)
        self._bars.update(task, completed=done, total=total, state="checking" if done >= total else "")

    def verified(self, model: Model) -> None:
        """It is in place."""
        state = f"verified  ({model.note})" if model.note else "verified"
        self._bars.update(self._tasks[model.id], state=state)
        if not self._out.is_terminal:
            self._out.print(f"{self._label[model.id]}  {state}")

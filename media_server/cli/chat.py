"""`media-server chat FILE`: a dialplan at the keyboard."""

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

# Without it structlog does not load rich, which would take longer than all the rest.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
import structlog  # noqa: E402

from media_server.call.chronicle import CallFacts  # noqa: E402
from media_server.console import quoted  # noqa: E402
from media_server.control import EXIT_UNUSABLE  # noqa: E402
from media_server.dialplan.route_settings import settings_of  # noqa: E402
from media_server.errors import ConfigError  # noqa: E402
from media_server.testing.chat import Chat  # noqa: E402
from media_server.testing.chat_lines import HELP, parse_setting  # noqa: E402
from media_server.testing.stage import CALL_ID, Performance, load  # noqa: E402

if sys.modules["rich"] is None:
    del sys.modules["rich"]

MAX_LINE = 5000
DIM, PLAIN = "\x1b[2m", "\x1b[0m"


def run(file: Path, caller: str, called: str, settings: Sequence[str]) -> int:
    """Chat until one of both hangs up. Returns the exit code."""
    # What the dialplan does wrong is shown; what the server logs of it would be shown twice.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        performance = Performance(load(file, [Path()]))
        given = dict(parse_setting(setting) for setting in settings)
        values = settings_of(performance.loaded.settings, given)
    except ConfigError as error:
        print(f"media-server: {error}", file=sys.stderr)  # noqa: T201 - the terminal is what it is for
        return EXIT_UNUSABLE
    loaded = performance.loaded
    folder = loaded.path.parent if loaded.path is not None else None
    facts = CallFacts(CALL_ID, "chat", "chat", caller, called, loaded.name, settings=values, folder=folder)
    piped = not sys.stdin.isatty()
    if not piped:
        _write(HELP, dimmed=True)
    chat = Chat(facts, performance, lambda line, dimmed: _write(line, dimmed=dimmed), piped=piped)
    with suppress(KeyboardInterrupt):
        return asyncio.run(chat.run(_lines()))
    return 0


def _write(line: str, *, dimmed: bool) -> None:
    """Show a line; what comes from elsewhere steers no terminal."""
    safe = "\n".join(map(quoted, line.split("\n")))
    with suppress(BrokenPipeError):
        print(f"{DIM}{safe}{PLAIN}" if dimmed and sys.stdout.isatty() else safe, flush=True)  # noqa: T201 - see above


async def _lines() -> AsyncIterator[str]:
    """The lines of standard input, which a thread of its own reads: it may take for ever."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None](1)

    def read() -> None:
        with suppress(RuntimeError, OSError):  # the chat is over, and nobody waits any more
            while line := sys.stdin.readline(MAX_LINE):
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line

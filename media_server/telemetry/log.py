"""Structured logs on stderr: one JSON object a line, or coloured lines on a terminal.

Everything of the standard library's `logging` (aiohttp, asyncio) goes the same way. Tracebacks carry no local
variables: those hold what callers say.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

_TALKATIVE = ("aioice", "aiortc", "alembic")
"""Libraries whose `info` is about themselves."""
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str, process: str) -> None:
    """Set logging up for this process, which each line names; `level` is debug, info, warning or error."""

    def named(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    shared: list[Processor] = [
        named,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_rendering(), foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING if level == "info" else logging.NOTSET)


def _rendering() -> list[Processor]:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if sys.stderr.isatty():
        return [drop, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [drop, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]

"""How a stream of a load ended: refused, broken off, or well. What goes wrong belongs into the figures, not up."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from time import monotonic
from typing import Protocol

import aiohttp

from media_server.errors import EngineError, ProtocolViolation


class Outcome(Protocol):
    """`refused_ms`: after so long it was told that there is no room; None: it was taken. `failed`: why it broke off."""

    refused_ms: float | None
    failed: str


@contextmanager
def outcome_in(result: Outcome, *, too_late: str) -> Iterator[None]:
    """Note what becomes of the stream that is run meanwhile; `too_late`: what a time-out in it means."""
    asked_at = monotonic()
    try:
        yield
    except aiohttp.WSServerHandshakeError as error:
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            result.refused_ms = 1000 * (monotonic() - asked_at)
        else:
            result.failed = f"{error.status} {error.message}"
    except TimeoutError:
        result.failed = too_late
    except (aiohttp.ClientError, ConnectionError, EngineError, ProtocolViolation) as error:
        result.failed = str(error) or type(error).__name__

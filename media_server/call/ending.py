"""How a call ends when its dialplan does: the reason, the last words, and what the record says of it. Pure."""

from dataclasses import dataclass
from pathlib import Path

from media_server.call.authors_line import short_place_of
from media_server.call.phrases import APOLOGY, GOODBYE
from media_server.errors import CallEnded, DeadlineExceeded, EngineError, NoAnswer


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call is over.

    Attributes:
        reason: For the record.
        phrase: The last words; None where the dialplan has said its own.
        error: What went wrong.
        event: What the log calls that.
    """

    reason: str
    phrase: str | None = None
    error: str | None = None
    event: str = ""


def ending_of(error: BaseException | None, folder: Path | None) -> Ending:
    """What follows from how the dialplan ended. `folder`: where it lies; an error is placed at a line of its files."""
    if error is None or isinstance(error, CallEnded):
        return Ending("completed")
    if isinstance(error, NoAnswer):
        return Ending(error.code, GOODBYE)
    if isinstance(error, EngineError | DeadlineExceeded):
        return Ending(error.code, APOLOGY, f"{error.code}: {error.message}", "call_cannot_go_on")
    place = short_place_of(error, folder)
    return Ending("dialplan_error", APOLOGY, f"{type(error).__name__} at {place}", "dialplan_failed")

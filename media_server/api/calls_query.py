"""What the query strings and paths of `/v1/calls` may say. Pure but for the requests that it reads."""

import base64
import binascii
import re
from datetime import UTC, datetime

from aiohttp import web

from media_server.errors import NotFound, PeerError
from media_server.records.recordings import CALL_ID
from media_server.records.store import Place, Wanted

FILTERS = frozenset({"provider_id", "state", "dialplan"})
_MAX_TEXT = 200


def only(request: web.Request, known: set[str]) -> None:
    """Refuse other keys.

    Raises:
        PeerError: There is one.
    """
    unknown = set(request.query) - known
    if unknown:
        raise PeerError(f"unknown query key {min(unknown)[:_MAX_TEXT]!r}")


def number(request: web.Request, key: str, *, default: int, least: int = 1, most: int) -> int:
    """A whole number.

    Raises:
        PeerError: It is none, or out of bounds.
    """
    text = request.query.get(key, str(default))
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII) or not least <= int(text) <= most:
        raise PeerError(f"{key}: a number from {least} to {most} is wanted")
    return int(text)


def call_id(request: web.Request) -> str:
    """The id in the path.

    Raises:
        NotFound: It can be none.
    """
    call = request.match_info["id"]
    if not CALL_ID.fullmatch(call):
        raise NotFound("no call of this id")
    return call


def wanted_calls(request: web.Request) -> Wanted:
    """Which calls are asked for.

    Raises:
        PeerError: It cannot be understood.
    """
    only(request, {*FILTERS, "since", "limit", "cursor"})
    return Wanted(
        **{key: request.query[key][:_MAX_TEXT] for key in FILTERS if key in request.query},
        since=_since(request.query.get("since")),
        after=_after(request.query.get("cursor")),
    )


def cursor_of(place: Place) -> str:
    """How a client says: those behind this one."""
    return base64.urlsafe_b64encode(f"{place.started_at} {place.id}".encode()).decode().rstrip("=")


def _since(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text[:_MAX_TEXT])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        raise PeerError("since: a time as 2026-01-31T09:00:00Z is wanted") from None


def _after(text: str | None) -> Place | None:
    if text is None:
        return None
    try:
        text = text[:_MAX_TEXT]
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    started_at, _, call = decoded.partition(" ")
    if not CALL_ID.fullmatch(call):
        raise PeerError("cursor: not one of ours")
    return Place(started_at, call)

"""What a role and its supervisor say over the role's control pipe: JSON, a line each. Pure.

The supervisor's first line is the role's settings (as `config.serialize` makes them: they hold secrets, which belong
neither in arguments nor in an environment that children inherit). After that it says `DRAIN` at most: take nothing new,
finish what there is, and end. That the pipe closes is its word to end now, in order; a supervisor that was killed says
it too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from media_server.errors import ProtocolViolation

DRAIN = b"drain\n"
ALIVE_EVERY_S = 0.5

EXIT_UNUSABLE = 2
"""The exit code of a role whose settings, models or address do not fit: starting it again is no use."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The role has its address (nobody is answered there yet)."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The role takes work; `details` are what its `/readyz` shows."""

    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alive:
    """Said twice a second by the event loop of a role that is ready. `stuck_s`: how long its oldest job has run."""

    stuck_s: float


@dataclass(frozen=True, slots=True)
class Draining:
    """The role takes nothing new, and waits for so many calls."""

    calls: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The role cannot start, in one line for the operator."""

    message: str


RoleEvent: TypeAlias = Bound | Ready | Alive | Draining | Failed

_KINDS: Mapping[str, type[RoleEvent]] = {
    "bound": Bound,
    "ready": Ready,
    "alive": Alive,
    "draining": Draining,
    "failed": Failed,
}


def serialize(event: RoleEvent) -> bytes:
    """The line of an event."""
    return json.dumps({"event": type(event).__name__.lower(), **asdict(event)}).encode() + b"\n"


def parse(line: bytes) -> RoleEvent:
    """The event of a line.

    Raises:
        ProtocolViolation: It is none.
    """
    try:
        fields = json.loads(line)
        return _KINDS[fields.pop("event")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolViolation(f"no event of a role: {line[:80]!r}") from error

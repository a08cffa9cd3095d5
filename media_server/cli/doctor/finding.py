"""What an examination finds, and how the checks are run: one after the other, each within its time."""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from engines.errors import EnginesError
from media_server.config import Settings
from media_server.errors import MediaServerError

Mark: TypeAlias = Literal["ok", "note", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. What is not `ok` says what to do about it."""

    mark: Mark
    about: str
    text: str

    def line(self) -> str:
        """As it is shown."""
        return f"{self.mark:<5} {self.about:<9} {self.text}"


@dataclass(slots=True)
class Patient:
    """What is examined. Checks are told what those before them found.

    Attributes:
        config: The file that the settings came from, if one was given.
        quick: Without what takes seconds.
        serving: The roles that answer here, with what their `/readyz` says.
        ngrok_ports: Where ngrok's agent is asked; None: where it usually is.
        cloudflared_ports: Likewise.
        late: A check has not come to its end, and may hold something.
    """

    settings: Settings
    config: Path | None = None
    quick: bool = False
    serving: dict[str, dict[str, object]] = field(default_factory=dict)
    ngrok_ports: Sequence[int] | None = None
    cloudflared_ports: Sequence[int] | None = None
    late: bool = False


Check: TypeAlias = Callable[[Patient], Iterable[Finding]]


def examine(
    patient: Patient, checks: Sequence[tuple[str, Check, float]], *, within_s: float = math.inf
) -> Iterator[Finding]:
    """What each check (what it is about, itself, its seconds) finds; one that fails or is late is a finding too.

    `within_s`: the seconds for all of them; what does not get its turn by then is noted as not examined.
    """
    until = time.monotonic() + within_s
    for about, check, seconds in checks:
        left = until - time.monotonic()
        if left <= 0:
            yield Finding("note", about, f"not examined: the {within_s:g} s for all of it are over → again, later")
            continue
        found: list[Finding] = []
        thread = threading.Thread(target=_look, args=(patient, about, check, found), name=about, daemon=True)
        thread.start()
        thread.join(min(seconds, left))
        yield from list(found)
        if thread.is_alive():
            patient.late = True
            yield Finding(
                "FAIL" if seconds <= left else "note",
                about,
                f"no answer within {min(seconds, left):.2g} s; is this machine busy? → again, later",
            )


def leave(patient: Patient, code: int) -> int:
    """The exit code; if a check is late the process ends here, and waits for nothing that the check has begun."""
    if patient.late:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _look(patient: Patient, about: str, check: Check, found: list[Finding]) -> None:
    try:
        found.extend(check(patient))
    except (MediaServerError, EnginesError) as error:
        found.append(Finding("FAIL", about, str(error)))
    except Exception as error:  # noqa: BLE001 - it is what was found, and the others are to be run too
        found.append(Finding("FAIL", about, f"the check itself failed: {type(error).__name__}: {error}"))

"""What an examination finds, and how the checks are run: one after the other, each within its time."""

import threading
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
    """

    settings: Settings
    config: Path | None = None
    quick: bool = False
    serving: dict[str, dict[str, object]] = field(default_factory=dict)


Check: TypeAlias = Callable[[Patient], Iterable[Finding]]


def examine(patient: Patient, checks: Sequence[tuple[str, Check, float]]) -> Iterator[Finding]:
    """What each check (what it is about, itself, its seconds) finds; one that fails or is late is a finding too."""
    for about, check, seconds in checks:
        found: list[Finding] = []

        def look(check: Check = check, about: str = about, found: list[Finding] = found) -> None:
            try:
                found.extend(check(patient))
            except (MediaServerError, EnginesError) as error:
                found.append(Finding("FAIL", about, str(error)))
            except Exception as error:  # noqa: BLE001 - it is what was found, and the others are to be run too
                found.append(Finding("FAIL", about, f"the check itself failed: {type(error).__name__}: {error}"))

        thread = threading.Thread(target=look, name=about, daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            yield Finding("FAIL", about, f"no answer within {seconds:g} s; is this machine busy? → again, later")
        else:
            yield from found

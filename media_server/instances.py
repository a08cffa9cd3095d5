"""Several instances of an engine on one machine: what each is called, and where it listens. Pure."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

EngineName: TypeAlias = Literal["asr", "tts"]
RoleName: TypeAlias = Literal["media", "asr", "tts"]

PORT_STEP = 10
"""From one instance's port to the next one's: asr 8001, 8011, …, tts 8002, 8012, …"""


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a role, the `number`th (from 1). `name`: for the operator, `asr`, or `asr-2` of several."""

    role: RoleName
    number: int
    name: str


def instances_of(role: RoleName, count: int = 1) -> list[Instance]:
    """All of a role."""
    return [Instance(role, number, role if count == 1 else f"{role}-{number}") for number in range(1, count + 1)]


def port_of(first: int, number: int) -> int:
    """The port of an instance, from that of the first; 0 stands for any."""
    return first + PORT_STEP * (number - 1) if first else 0

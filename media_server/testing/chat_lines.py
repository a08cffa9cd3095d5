"""What a chat with a dialplan shows, and what can be typed into it. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from media_server.call.events import (
    AgentSaid,
    CallEvent,
    Fault,
    Noted,
    RecordingChanged,
    SlotHeard,
    ToolRan,
    TransferBegan,
    TransferEnded,
    WebhookAsked,
)
from media_server.errors import ConfigError

HELP = """\
What you type is what the caller says; a line is a turn. Besides:
  /press 5#          press keys
  /silence           say nothing for as long as the agent waits
  /interrupt TEXT    say TEXT into what the agent says next
  /hangup            hang up (or Ctrl-D)
  /help              this"""


@dataclass(frozen=True, slots=True)
class Say:
    """The caller says this."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The caller says this while the agent speaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """The caller presses these keys."""

    keys: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The caller says nothing."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up."""


@dataclass(frozen=True, slots=True)
class Show:
    """The user is told this."""

    text: str


Typed: TypeAlias = Say | Interrupt | Press | Silence | HangUp | Show


def parse_line(line: str) -> Typed | None:  # noqa: PLR0911 - a case, a return
    """What a typed line asks for; None for an empty one. What cannot be understood is told."""
    line = "".join(char for char in line if char.isprintable()).strip()
    if not line.startswith("/"):
        return Say(line) if line else None
    command, _, rest = line.partition(" ")
    rest = rest.strip()
    match command:
        case "/press" if rest and set(rest) <= set("0123456789*#ABCD"):
            return Press(rest)
        case "/press":
            return Show("a telephone has the keys 0-9, *, # and A-D: /press 5#")
        case "/interrupt" if rest:
            return Interrupt(rest)
        case "/interrupt":
            return Show("with what? /interrupt no, wait")
        case "/silence":
            return Silence()
        case "/hangup":
            return HangUp()
        case "/help":
            return Show(HELP)
        case _:
            return Show(f"{command} is not known; /help says what is")


def agent_line(event: AgentSaid) -> str:
    """What of it was heard; where it was cut, so much and no more."""
    return event.heard if event.complete else f"{event.heard} ⟂".strip()


def note_line(event: CallEvent) -> str | None:  # noqa: PLR0911 - a case, a return
    """An event that an author wants to see, in a line; None for the others."""
    match event:
        case Noted():
            return "note  " + ", ".join(f"{name} = {value!r}" for name, value in event.values.items())
        case SlotHeard():
            value = "(secret)" if event.secret else event.value
            return (
                f"slot  {event.name or 'answer'} = {value}" if event.filled else f"slot  {event.name or 'answer'}: no"
            )
        case TransferBegan():
            return f"transfer to {event.to}"
        case TransferEnded():
            return f"transfer to {event.to}: {event.reason}"
        case ToolRan():
            return f"tool  {event.tool}: {'ok' if event.ok else event.reason or 'failed'}, {event.ms} ms"
        case WebhookAsked():
            return f"webhook: {'ok' if event.ok else event.reason or 'failed'}, {event.ms} ms"
        case RecordingChanged():
            return f"recording {'on' if event.on else 'off'}"
        case Fault():
            return f"fault  {event.code}: {event.message}"
        case _:
            return None


def parse_setting(text: str) -> tuple[str, str | int | float | bool]:
    """`key=value` of the command line; numbers and true or false are what they look like.

    Raises:
        ConfigError: It is none.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--setting {text}: expected key=value")
    if value in ("true", "false"):
        return key.strip(), value == "true"
    for kind in (int, float):
        try:
            return key.strip(), kind(value)
        except ValueError:
            continue
    return key.strip(), value

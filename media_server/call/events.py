"""The one schema of what happens on a call: for its record, the console, webhooks and the page."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from media_server.call.receipt import Receipt


class Event(BaseModel):
    """Something happened. `at`: seconds since the call began."""

    model_config = ConfigDict(frozen=True)

    call: str
    at: float


class CallStarted(Event):
    """The wire is up."""

    type: Literal["call_started"] = "call_started"
    caller: str
    called: str
    dialplan: str


class CallerSaid(Event):
    """A turn of the caller's is over."""

    type: Literal["caller_said"] = "caller_said"
    turn: int
    text: str
    reason: str


class DigitPressed(Event):
    """The caller pressed a key."""

    type: Literal["digit"] = "digit"
    digit: str


class AgentSaid(Event):
    """Something of ours is over: `text` was meant, `heard` was heard. `turn`: the caller's turn that it answers."""

    type: Literal["agent_said"] = "agent_said"
    text: str
    heard: str
    complete: bool
    turn: int | None = None


class Answered(Event):
    """A turn got its audible answer."""

    type: Literal["answered"] = "answered"
    turn: int
    receipt: Receipt


class Noted(Event):
    """The dialplan keeps something."""

    type: Literal["note"] = "note"
    values: dict[str, str | int | float | bool | None]


class CallEndedEvent(Event):
    """It is over."""

    type: Literal["call_ended"] = "call_ended"
    reason: str
    turns: int
    balances: bool


CallEvent = Annotated[
    CallStarted | CallerSaid | DigitPressed | AgentSaid | Answered | Noted | CallEndedEvent,
    Field(discriminator="type"),
]

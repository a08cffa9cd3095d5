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


class Played(Event):
    """A recording or a tone was played, to its end or not."""

    type: Literal["played"] = "played"
    source: str
    seconds: float
    complete: bool


class SlotHeard(Event):
    """What a question was answered with: `value` as text, None where nothing fitted; never that of a secret slot."""

    type: Literal["slot"] = "slot"
    name: str
    filled: bool
    value: str | None = None
    secret: bool = False


class TransferBegan(Event):
    """The caller is being connected to somebody else."""

    type: Literal["transfer_began"] = "transfer_began"
    to: str


class TransferEnded(Event):
    """What became of it; `reason`: completed, busy, no_answer, failed, canceled, refused."""

    type: Literal["transfer_ended"] = "transfer_ended"
    to: str
    ok: bool
    reason: str


class ToolRan(Event):
    """An agent ran one of its tools."""

    type: Literal["tool"] = "tool"
    tool: str
    ok: bool
    ms: int
    reason: str = ""


class WebhookAsked(Event):
    """Business logic elsewhere was asked; `reason` says why its answer was of no use."""

    type: Literal["webhook"] = "webhook"
    ok: bool
    ms: int
    reason: str = ""


class RecordingChanged(Event):
    """The sound of the call is kept from here on, or not."""

    type: Literal["recording"] = "recording"
    on: bool


class MessageTaken(Event):
    """The caller left a message; `file` is its name among the recordings."""

    type: Literal["message"] = "message"
    file: str
    seconds: float
    text: str
    reason: str


class Fault(Event):
    """Something of ours, or that we lean on, did not work, and the call went on without it."""

    type: Literal["fault"] = "fault"
    code: str
    message: str


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


class LiveEvent(Event):
    """Something that is told while it happens, to who watches this one call, and to nobody else: it is kept nowhere."""


class CallerSpeaking(LiveEvent):
    """The caller speaks, or has stopped. A turn that ends without a `caller_said` was a noise."""

    type: Literal["caller_speaking"] = "caller_speaking"
    speaking: bool


class CallerPartial(LiveEvent):
    """What the caller is saying: all of this turn so far; its first `stable` characters will not change any more."""

    type: Literal["caller_partial"] = "caller_partial"
    turn: int
    text: str
    stable: int


class AgentSpeaking(LiveEvent):
    """Words of ours begin to sound, or their text grew: all of it so far. `turn`: the caller's that they answer."""

    type: Literal["agent_speaking"] = "agent_speaking"
    utterance: str
    turn: int | None
    text: str


class AgentWord(LiveEvent):
    """So many characters of the utterance's text have been heard, up to the end of the word that sounds now.

    The last one of an utterance says what was heard of it for certain: less, where it was cut.
    """

    type: Literal["agent_word"] = "agent_word"
    utterance: str
    heard: int


class FloorMoved(LiveEvent):
    """The caller spoke into our words: we pause, go on, or give them up."""

    type: Literal["floor"] = "floor"
    move: Literal["pause", "resume", "yield"]


CallEvent = Annotated[
    CallStarted
    | CallerSaid
    | DigitPressed
    | AgentSaid
    | Answered
    | Played
    | SlotHeard
    | TransferBegan
    | TransferEnded
    | ToolRan
    | WebhookAsked
    | RecordingChanged
    | MessageTaken
    | Fault
    | Noted
    | CallEndedEvent
    | CallerSpeaking
    | CallerPartial
    | AgentSpeaking
    | AgentWord
    | FloorMoved,
    Field(discriminator="type"),
]

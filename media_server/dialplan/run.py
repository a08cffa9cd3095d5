"""`run`: performs a list of verbs, and gives what each of them gave."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, assert_never

from media_server.dialplan.say import Interruptible, Said
from media_server.dialplan.slots.schema import slot_of
from media_server.dialplan.slots.slot import Slot
from media_server.dialplan.turns import Turn
from media_server.dialplan.verbs import (
    AskVerb,
    GatherVerb,
    HangupVerb,
    ListenVerb,
    NoteVerb,
    PauseVerb,
    PlayVerb,
    RecordVerb,
    RedirectVerb,
    SayVerb,
    SendDtmfVerb,
    TransferVerb,
    Verb,
    Verbs,
    VoicemailVerb,
    validate_verbs,
)
from media_server.errors import NoAnswer

INTERRUPTED = "interrupted"


class Performer(Protocol):
    """What a call must be able to do, for verbs to be performed on it."""

    async def say(self, text: str | AsyncIterator[str], *, barge_in: Interruptible = True, voice: str = "") -> Said:
        """Says it."""
        ...

    def turns(self) -> AsyncIterator[Turn]:
        """The caller's turns."""
        ...

    async def ask(
        self, question: str, slot: Slot[Any], *, retries: int = 2, barge_in: Interruptible = True, name: str = ""
    ) -> Any:
        """Raises `NoAnswer`."""
        ...

    async def gather(
        self,
        slot: Slot[Any],
        *,
        question: str = "",
        timeout_s: float | None = None,
        barge_in: Interruptible = True,
        name: str = "",
    ) -> Any:
        """None where nothing fits."""
        ...

    async def play(self, source: str, *, barge_in: Interruptible = True) -> Any:
        """Gives `complete`."""
        ...

    async def record(self, *, max_s: float, silence_s: float, finish_on: str, beep: bool, transcribe: bool) -> Any:
        """Gives `path`, `seconds`, `text`, `reason`."""
        ...

    async def voicemail(self, greeting: str, *, max_s: float, transcribe: bool) -> Any:
        """Gives what `record` gives."""
        ...

    async def pause(self, seconds: float) -> None:
        """Waits."""
        ...

    async def transfer(self, to: str, *, timeout_s: float, whisper: str, music: str) -> Any:
        """Falsy where it failed, with a `reason`."""
        ...

    async def send_dtmf(self, digits: str) -> None:
        """Presses keys."""
        ...

    async def hangup(self, reason: str = "completed") -> None:
        """Hangs up once all was heard."""
        ...

    def note(self, **values: Any) -> None:
        """Keeps something."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one verb gave.

    Attributes:
        verb: Its name.
        ok: Heard to its end, filled, connected, recorded.
        value: The slot's value, the turn's text, or a mapping (record, voicemail).
        reason: Why not, where it is not ok.
        name: The verb's `as`.
    """

    verb: str
    ok: bool = True
    value: Any = field(default=None, repr=False)  # it may be a secret
    reason: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a list of verbs gave; `ran["pin"]` is the value of the verb with `"as": "pin"`, None where it gave none.

    Attributes:
        outcomes: One for each verb that was performed.
        redirect: The address of a `redirect`, which ends the list; whoever runs it decides what comes of that.
    """

    outcomes: tuple[Outcome, ...]
    redirect: str = ""

    @property
    def values(self) -> Mapping[str, Any]:
        """All of them, by their names."""
        return {each.name: each.value for each in self.outcomes if each.name}

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


async def run(call: Performer, verbs: Any) -> Ran:
    """Perform verbs in their order: such already, or what JSON gives. A hang-up or a redirect is the last one.

    Raises:
        InvalidVerbs: They are none; nothing was performed then.
        CallEnded: The caller left.
    """
    outcomes: list[Outcome] = []
    for verb in check_slots(validate_verbs(verbs)):
        if isinstance(verb, RedirectVerb):
            return Ran(tuple(outcomes), verb.url)
        outcomes.append(await perform(call, verb))
        if isinstance(verb, HangupVerb):
            break
    return Ran(tuple(outcomes))


def check_slots(verbs: Verbs) -> Verbs:
    """The same verbs, whose slots can be made.

    Raises:
        InvalidVerbs: One cannot.
    """
    for verb in verbs:
        if isinstance(verb, AskVerb | GatherVerb):
            slot_of(verb.slot)
    return verbs


def after_interruption(verbs: Verbs) -> Verbs:
    """What is left of a list, once the caller has interrupted: what would only have been heard is left out."""
    for number, verb in enumerate(verbs):
        if not isinstance(verb, SayVerb | PlayVerb | PauseVerb):
            return verbs[number:]
    return ()


async def perform(call: Performer, verb: Verb) -> Outcome:
    """Perform one verb; a redirect is its caller's to follow."""
    match verb:
        case SayVerb():
            chosen = {key: value for key in ("voice", "language") if (value := getattr(verb, key)) is not None}
            said = await call.say(verb.text, barge_in=verb.barge_in, **chosen)
            return _heard("say", complete=said.complete)
        case PlayVerb():
            played = await call.play(verb.source, barge_in=verb.barge_in)
            return _heard("play", complete=played.complete)
        case AskVerb() | GatherVerb() | ListenVerb():
            return await _listened(call, verb)
        case RecordVerb() | VoicemailVerb():
            return await _recorded(call, verb)
        case TransferVerb():
            transferred = await call.transfer(verb.to, timeout_s=verb.timeout_s, whisper=verb.whisper, music=verb.music)
            ok, reason = bool(transferred), str(transferred.reason)
            return Outcome("transfer", ok=ok, value=ok, reason="" if ok else reason, name=verb.as_ or "")
        case PauseVerb():
            await call.pause(verb.seconds)
        case SendDtmfVerb():
            await call.send_dtmf(verb.digits)
        case NoteVerb():
            call.note(**verb.values)
        case HangupVerb():
            await call.hangup(verb.reason)
        case RedirectVerb():
            pass
        case _:
            assert_never(verb)
    return Outcome(verb.verb)


def _heard(verb: str, *, complete: bool) -> Outcome:
    return Outcome(verb, ok=complete, reason="" if complete else INTERRUPTED)


async def _listened(call: Performer, verb: AskVerb | GatherVerb | ListenVerb) -> Outcome:
    name = verb.as_ or ""
    match verb:
        case AskVerb():
            try:
                value = await call.ask(
                    verb.question, slot_of(verb.slot), retries=verb.retries, barge_in=verb.barge_in, name=name
                )
            except NoAnswer as gap:
                return Outcome("ask", ok=False, reason=gap.reason, name=name)
        case GatherVerb():
            value = await call.gather(
                slot_of(verb.slot),
                question=verb.question,
                timeout_s=verb.timeout_s,
                barge_in=verb.barge_in,
                name=name,
            )
        case ListenVerb():
            value = await _next_turn(call)
    ok = value is not None
    return Outcome(verb.verb, ok=ok, value=value, reason="" if ok else "no_answer", name=name)


async def _next_turn(call: Performer) -> str | None:
    async for turn in call.turns():
        return turn.text or turn.dtmf
    return None


async def _recorded(call: Performer, verb: RecordVerb | VoicemailVerb) -> Outcome:
    match verb:
        case RecordVerb():
            recorded = await call.record(
                max_s=verb.max_s,
                silence_s=verb.silence_s,
                finish_on=verb.finish_on,
                beep=verb.beep,
                transcribe=verb.transcribe,
            )
        case VoicemailVerb():
            recorded = await call.voicemail(verb.greeting, max_s=verb.max_s, transcribe=verb.transcribe)
    value = {
        "path": str(recorded.path),
        "seconds": recorded.seconds,
        "text": recorded.text,
        "reason": recorded.reason,
    }
    return Outcome(verb.verb, value=value, name=verb.as_ or "")

"""`run`: performs a list of verbs, and gives what each of them gave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

from media_server.audio.tones import BEEP
from media_server.dialplan.ask_several import ask_several
from media_server.dialplan.record import Recorded, record, voicemail
from media_server.dialplan.slots.schema import slot_of
from media_server.dialplan.verb_slots import check_slots, slots_of
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
from media_server.errors import CallEnded, NoAnswer

if TYPE_CHECKING:
    from media_server.dialplan.call import Call

INTERRUPTED = "interrupted"


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


async def run(call: "Call", verbs: Any) -> Ran:
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


def after_interruption(verbs: Verbs) -> Verbs:
    """What is left of a list, once the caller has interrupted: what would only have been heard is left out."""
    for number, verb in enumerate(verbs):
        if not isinstance(verb, SayVerb | PlayVerb | PauseVerb):
            return verbs[number:]
    return ()


async def perform(call: "Call", verb: Verb, *, left: Callable[[Outcome], None] = lambda _outcome: None) -> Outcome:
    """Perform one verb; a redirect is its caller's to follow.

    `left`: told of the message of a caller who hangs up while it is taken, since nothing can be returned then.
    """
    match verb:
        case SayVerb():
            said = await call.say(verb.text, barge_in=verb.barge_in, voice=verb.voice or "")
            return _heard("say", complete=said.complete)
        case PlayVerb():
            played = await call.play(verb.source or BEEP, barge_in=verb.barge_in)
            return _heard("play", complete=played.complete)
        case AskVerb() | GatherVerb() | ListenVerb():
            return await _listened(call, verb)
        case RecordVerb() | VoicemailVerb():
            return await _recorded(call, verb, left)
        case TransferVerb():
            done = await call.transfer(verb.to, timeout_s=verb.timeout_s, whisper=verb.whisper, music=verb.music)
            return Outcome("transfer", done.ok, done.ok, "" if done.ok else done.reason, verb.as_ or "")
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


async def _listened(call: "Call", verb: AskVerb | GatherVerb | ListenVerb) -> Outcome:
    name = verb.as_ or ""
    match verb:
        case AskVerb():
            try:
                value = await _asked(call, verb)
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


async def _asked(call: "Call", verb: AskVerb) -> Any:
    if verb.slot is None:  # not by `call.ask`, which has options that slots may be called like
        return await ask_several(
            call.conversation,
            verb.question,
            slots_of(verb),
            retries=verb.retries,
            barge_in=verb.barge_in,
            confirm=verb.confirm,
        )
    return await call.ask(
        verb.question,
        slot_of(verb.slot),
        retries=verb.retries,
        barge_in=verb.barge_in,
        confirm=verb.confirm,
        again=verb.again,
        name=verb.as_ or "",
    )


async def _next_turn(call: "Call") -> str | None:
    async for turn in call.turns():
        return turn.text or turn.dtmf
    return None


async def _recorded(call: "Call", verb: RecordVerb | VoicemailVerb, left: Callable[[Outcome], None]) -> Outcome:
    taken: list[Recorded] = []
    try:
        match verb:
            case RecordVerb():
                await record(
                    call.conversation,
                    max_s=verb.max_s,
                    silence_s=verb.silence_s,
                    finish_on=verb.finish_on,
                    beep=verb.beep,
                    transcribe=verb.transcribe,
                    taken=taken.append,
                )
            case VoicemailVerb():
                await voicemail(
                    call.conversation,
                    verb.greeting,
                    max_s=verb.max_s,
                    transcribe=verb.transcribe,
                    taken=taken.append,
                )
    except CallEnded:
        for message in taken:
            left(_message(verb, message))
        raise
    return _message(verb, taken[0])


def _message(verb: RecordVerb | VoicemailVerb, taken: Recorded) -> Outcome:
    value = {
        "file": taken.path.name if taken.path is not None else "",
        "seconds": round(taken.seconds, 2),
        "text": taken.text,
        "reason": taken.reason,
    }
    ok = bool(taken)
    return Outcome(verb.verb, ok, value, "" if ok else taken.reason, verb.as_ or "")

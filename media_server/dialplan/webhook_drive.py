"""A call that a webhook drives: what happens is told, what is answered is performed, until the call is over.

Rules:
- `call.started` first; then each turn of the caller's (`turn`), each key (`dtmf`), and what a verb gave (`slot`,
  `transfer`, `recording`). An answer with verbs takes the place of what is left to do; an empty one lets that go on.
- Who interrupts does not hear the rest of what would only be said or played; then the caller is listened to.
- A verb that cannot be done as it is wanted becomes the fall-back; in the fall-back it is left out.
- While a fall-back is performed nothing is asked, so that a receiver that is down is not asked for ever; nor is it
  asked more than `MAX_ROUNDS` times without a word of the caller's.
- `redirect` and `action` change who is asked from there on: an address of the same origin, or of the operator's list.
- With `speculative` a turn that may be over is asked about early (`"final": false`). An answer that only says
  something is performed if the words stay the same, and `turn.used` tells so; any other is asked for again.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from media_server.call.ears import Digit, EarEvent
from media_server.dialplan.call import Call
from media_server.dialplan.run import INTERRUPTED, Outcome, after_interruption, perform
from media_server.dialplan.turns import ear_events
from media_server.dialplan.verbs import HangupVerb, ListenVerb, RedirectVerb, SayVerb, Verb, Verbs
from media_server.errors import BadAnswer, CallEnded, DeadlineExceeded, EngineError, HookError, MediaServerError
from media_server.hooks.webhook import Endpoint
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnOver, WentOn

MAX_ROUNDS = 20
MIN_LEFT_S = 0.2
"""With less time left nobody is asked any more."""
_TOLD_AS = {
    "ask": "slot",
    "gather": "slot",
    "transfer": "transfer",
    "record": "recording",
    "voicemail": "recording",
}


class Receiver(Protocol):
    """Who drives."""

    endpoint: Endpoint
    fallback: Verbs
    speculative: bool

    async def request(
        self, call: Call, kind: str, data: Mapping[str, Any], *, url: str = "", deadline_s: float | None = None
    ) -> Verbs | None:
        """Its answer; None: it has none of use."""
        ...

    async def wait(self, call: Call, answer: Awaitable[Verbs | None]) -> Verbs | None:
        """Wait for an answer, while the caller hears that we work."""
        ...

    def later(self, call: Call, kind: str, data: Mapping[str, Any], *, url: str = "") -> None:
        """Tell it something."""
        ...

    def failed(self, call: Call, kind: str, error: HookError) -> None:
        """Note that it was no use."""
        ...


@dataclass(frozen=True, slots=True)
class Early:
    """A turn that may be over, and what is to be done if it is."""

    text: str
    answer: "asyncio.Task[Verbs | None]"


class Drive:
    """One call's."""

    def __init__(self, hook: Receiver, call: Call) -> None:
        self._hook = hook
        self._call = call
        self._url = hook.endpoint.url
        self._rounds = 0
        self._fallen = False
        """What is performed now is the fall-back."""
        self._early: Early | None = None

    async def run(self, settings: Mapping[str, Any]) -> None:
        """From the first request to the last.

        Raises:
            CallEnded: The caller left.
        """
        reason = "failed"
        try:
            await self._react("call.started", {"settings": dict(settings)})
            async for event in ear_events(self._call.conversation, busy=lambda: False):
                await self._receive(event)
            reason = "completed"
        except CallEnded as end:
            reason = str(end)
            raise
        finally:
            self._drop_early()
            self._hook.later(self._call, "call.ended", {"reason": reason}, url=self._url)

    # --- what happens ----------------------------------------------------------------------------------------------

    async def _receive(self, event: EarEvent) -> None:
        match event:
            case MaybeOver() if event.text and self._hook.speculative:
                self._drop_early()
                data = self._turn_data(event.text, "eager", final=False)
                request = self._hook.request(self._call, "turn", data, url=self._url)
                self._early = Early(event.text, asyncio.ensure_future(request))
            case SpeechBegan() | WentOn():
                self._drop_early()
            case TurnOver() if event.text:
                self._rounds = 0
                await self._turn(event)
            case TurnOver():
                self._drop_early()  # a noise
            case Digit():
                self._rounds = 0
                await self._react("dtmf", {"digit": event.digit})
            case _:
                pass

    async def _turn(self, over: TurnOver) -> None:
        clock = self._call.conversation.now
        until = clock() + self._hook.endpoint.deadline_s
        verbs = await self._early_answer(over.text)
        data = self._turn_data(over.text, over.reason, final=True)
        if verbs:
            self._hook.later(self._call, "turn.used", data, url=self._url)
            self._fallen = False
            await self._perform(verbs)
        else:
            await self._react("turn", data, deadline_s=max(MIN_LEFT_S, until - clock()))

    async def _early_answer(self, text: str) -> Verbs | None:
        """The answer that was asked for early, if it was for these words, and does no more than say something."""
        early, self._early = self._early, None
        if early is None:
            return None
        if _words(early.text) != _words(text):
            early.answer.cancel()
            return None
        verbs = await self._hook.wait(self._call, early.answer)
        return verbs if verbs and all(isinstance(verb, SayVerb) for verb in verbs) else None

    def _turn_data(self, text: str, reason: str, *, final: bool) -> dict[str, Any]:
        return {"text": text, "heard": self._call.conversation.last_heard, "reason": reason, "final": final}

    def _drop_early(self) -> None:
        if self._early is not None:
            self._early.answer.cancel()
            self._early = None

    # --- what is done ----------------------------------------------------------------------------------------------

    async def _react(self, kind: str, data: Mapping[str, Any], *, deadline_s: float | None = None) -> None:
        await self._perform(await self._ask(kind, data, deadline_s=deadline_s))

    async def _perform(self, todo: Verbs) -> None:
        while todo:
            verb, todo = todo[0], todo[1:]
            if isinstance(verb, ListenVerb):
                return
            if isinstance(verb, RedirectVerb):
                todo = await self._ask_there(verb.url, "redirect", {})
                continue
            begun_in_fall = self._fallen
            outcome = await self._performed(verb)
            if self._fallen and not begun_in_fall:
                todo = self._hook.fallback
                continue
            if isinstance(verb, HangupVerb):
                return
            if outcome.reason == INTERRUPTED:
                todo = after_interruption(todo)
            if verb.verb in _TOLD_AS and not self._fallen:
                answer = await self._told(verb, outcome)
                todo = answer if answer or self._fallen else todo

    async def _performed(self, verb: Verb) -> Outcome:
        """What a verb gave. Of one that cannot be done as it is wanted (no such file, no such voice) we fall back."""
        try:
            return await perform(self._call, verb, left=lambda outcome: self._later(verb, outcome))
        except CallEnded:
            raise
        except (MediaServerError, ValueError, OSError, EOFError) as error:
            if isinstance(error, DeadlineExceeded) or (isinstance(error, EngineError) and error.retryable):
                raise  # no fault of the receiver's
            code = error.code if isinstance(error, MediaServerError) else "verb_failed"
            self._fall(verb.verb, BadAnswer(str(error), reason=code))
            return Outcome(verb.verb, ok=False, reason=code)

    async def _told(self, verb: Verb, outcome: Outcome) -> Verbs:
        kind = _TOLD_AS[verb.verb]
        if self._call.conversation.over.is_set():  # they have talked, elsewhere; nobody is left to wait for an answer
            self._later(verb, outcome)
            return ()
        if outcome.ok and kind != "transfer":
            self._rounds = 0  # the caller had a part in it
        return await self._ask_there(_action(verb), kind, _result(outcome))

    def _later(self, verb: Verb, outcome: Outcome) -> None:
        """Tell what came of a verb that ended with the call."""
        kind = _TOLD_AS[verb.verb]
        if self._fallen or not self._turn_to(_action(verb), kind):
            return
        self._hook.later(self._call, kind, _result(outcome), url=self._url)

    async def _ask_there(self, reference: str, kind: str, data: Mapping[str, Any]) -> Verbs:
        return await self._ask(kind, data) if self._turn_to(reference, kind) else self._hook.fallback

    def _turn_to(self, reference: str, kind: str) -> bool:
        """Ask there, now and from here on (empty: where we asked last); False where that is no address for us."""
        if not reference:
            return True
        try:
            self._url = self._hook.endpoint.beside(self._call.http.client, reference, current=self._url)
        except HookError as error:
            self._fall(kind, error)
            return False
        return True

    async def _ask(self, kind: str, data: Mapping[str, Any], *, deadline_s: float | None = None) -> Verbs:
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            return self._fall(kind, BadAnswer("it is asked again and again", reason="loop"))
        self._fallen = False
        request = self._hook.request(self._call, kind, data, url=self._url, deadline_s=deadline_s)
        verbs = await self._hook.wait(self._call, request)
        self._fallen = verbs is None
        return self._hook.fallback if verbs is None else verbs

    def _fall(self, kind: str, error: HookError) -> Verbs:
        self._hook.failed(self._call, kind, error)
        self._fallen = True
        return self._hook.fallback


def _action(verb: Verb) -> str:
    return getattr(verb, "action", None) or ""


def _result(outcome: Outcome) -> dict[str, Any]:
    """What is told of a verb."""
    told = ("verb", "name", "ok", "value", "reason")
    return {name: getattr(outcome, name) for name in told}


def _words(text: str) -> list[str]:
    """What counts of a turn's text; commas and capitals may still change at its end."""
    return re.findall(r"[\w'+]+", text.casefold())

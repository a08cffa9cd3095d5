"""`Call`: what a dialplan holds in its hand. The verbs are in the files named after them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar, overload

import structlog
from structlog.typing import FilteringBoundLogger

from media_server.audio.tones import Tone
from media_server.call.chronicle import Direction
from media_server.call.conversation import Conversation
from media_server.dialplan.agent.pool import AgentPool
from media_server.dialplan.ask import ask
from media_server.dialplan.ask_several import Asked, ask_several
from media_server.dialplan.converse import Reply, converse
from media_server.dialplan.echo import echo
from media_server.dialplan.gather import gather
from media_server.dialplan.pause import pause
from media_server.dialplan.play import Played, play
from media_server.dialplan.record import Recorded, record, voicemail
from media_server.dialplan.run import Ran, run
from media_server.dialplan.say import Interruptible, Said, barge_in_of, say
from media_server.dialplan.send_dtmf import send_dtmf
from media_server.dialplan.slots.slot import Slot
from media_server.dialplan.transfer import RING_S, Transfer, Transferred, transfer
from media_server.dialplan.turns import Turn, turns
from media_server.dialplan.working import working
from media_server.hooks.call_http import CallHttp
from media_server.hooks.http import HookHttp

T = TypeVar("T")


class Call:
    """One call. Every verb raises `CallEnded` when the caller is gone, and `EngineError` when speech fails."""

    def __init__(
        self, conversation: Conversation, client: HookHttp | None = None, agent_pool: AgentPool | None = None
    ) -> None:
        """`client`: the process's, for `http`; by default one of its own, which asks the public internet only.

        `agent_pool`: what agents share with those of other calls.
        """
        self._conversation = conversation
        self._agent_pool = agent_pool
        self._log: FilteringBoundLogger = structlog.get_logger("dialplan").bind(call=self.id)
        self.vars: dict[str, Any] = {}
        """The dialplan's own, while the call lasts."""
        self.http = CallHttp(client or HookHttp())
        """HTTP to elsewhere."""

    @property
    def conversation(self) -> Conversation:
        """The engine room, for what is built on the verbs; a dialplan has no need of it."""
        return self._conversation

    @property
    def agent_pool(self) -> AgentPool | None:
        """What agents share with those of other calls, where there is such a thing."""
        return self._agent_pool

    @property
    def id(self) -> str:
        """The call's id, as in the API and the logs."""
        return self._conversation.facts.id

    @property
    def caller(self) -> str:
        """The caller's number; empty when it is withheld."""
        return self._conversation.facts.caller

    @property
    def called(self) -> str:
        """The number that was called."""
        return self._conversation.facts.called

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the route that the call came by."""
        return self._conversation.facts.settings

    @property
    def direction(self) -> Direction:
        """Who called: they us (`inbound`), or we them."""
        return self._conversation.facts.direction

    @property
    def answered_by(self) -> str:
        """Who took a call of ours up, where that was asked for: human, machine, fax, unknown; else empty."""
        return self._conversation.facts.answered_by

    @property
    def log(self) -> FilteringBoundLogger:
        """A log whose lines name the call."""
        return self._log

    async def say(self, text: str | AsyncIterator[str], *, barge_in: Interruptible = True, voice: str = "") -> Said:
        """Say something; returns when the caller has heard it. An iterator is spoken from its first clause on.

        The caller may interrupt, unless `barge_in` is False; with "words" a voice alone does not silence us. `voice`:
        another one than the call's own.
        """
        return await say(self._conversation, text, barge_in=barge_in, voice=voice)

    def turns(self) -> AsyncIterator[Turn]:
        """The caller's turns as they end. Silence is answered with a question, then a goodbye; then it ends."""
        return turns(self._conversation)

    async def converse(self, reply: Reply, *, barge_in: Interruptible = True) -> None:
        """Answer each turn with what `reply(turn)` returns: a text, an iterator of text, or None for nothing.

        The reply is begun while the turn may still go on, and is heard only if it is over. What must not be done for
        nothing waits for `await turn.committed()` first. The caller may interrupt as with `say`. Ends like `turns`.
        """
        await converse(self._conversation, reply, barge_in_of(barge_in))

    @overload
    async def ask(
        self,
        question: str,
        *,
        retries: int = 2,
        barge_in: Interruptible = True,
        confirm: str | bool = False,
        **slots: Asked,
    ) -> dict[str, Any]: ...

    @overload
    async def ask(
        self,
        question: str,
        slot: Slot[T],
        *,
        retries: int = 2,
        barge_in: Interruptible = True,
        confirm: str | bool = False,
        again: str = "",
        name: str = "",
    ) -> T: ...

    async def ask(self, question: str, slot: Any = None, **options: Any) -> Any:
        """Ask until there is an answer that fits, `retries` times more at most, the third time by keys too.

        `again`: the question in other words. `confirm`: what was understood is said back, and corrected where it is
        wrong; True, or a text with `{value}`. Several slots (`people=Number(1, 12), day=Date()`, or each with a
        question of its own, `day=("Which day?", Date())`) may be filled by one sentence: the answer is a dict, and the
        text of `confirm` has their names. Where no answer comes, `NoAnswer` is raised.
        """
        if slot is not None:
            return await ask(self._conversation, question, slot, **options)
        how = {key: options.pop(key) for key in ("retries", "barge_in", "confirm") if key in options}
        return await ask_several(self._conversation, question, options, **how)

    async def gather(
        self,
        slot: Slot[T],
        *,
        question: str = "",
        timeout_s: float | None = None,
        barge_in: Interruptible = True,
        name: str = "",
    ) -> T | None:
        """One attempt at an answer; None where none came that fits."""
        return await gather(
            self._conversation, slot, question=question, timeout_s=timeout_s, barge_in=barge_in, name=name
        )

    async def play(self, source: str | Path | Tone, *, barge_in: Interruptible = True) -> Played:
        """Play a WAV of the dialplan's folder, or a tone; returns when it was heard, or interrupted."""
        return await play(self._conversation, source, barge_in=barge_in)

    async def record(
        self,
        *,
        max_s: float = 120.0,
        silence_s: float = 4.0,
        finish_on: str = "#",
        beep: bool = True,
        transcribe: bool = False,
    ) -> Recorded:
        """Take what the caller says into a file, until a silence, a key or the limit; false where nothing was said."""
        return await record(
            self._conversation,
            max_s=max_s,
            silence_s=silence_s,
            finish_on=finish_on,
            beep=beep,
            transcribe=transcribe,
        )

    async def voicemail(self, greeting: str, *, max_s: float = 120.0, transcribe: bool = False) -> Recorded:
        """Greet, beep, take a message; one that ends with the call is kept all the same."""
        return await voicemail(self._conversation, greeting, max_s=max_s, transcribe=transcribe)

    async def pause(self, seconds: float) -> None:
        """Say nothing for so long; what the caller says meanwhile is kept."""
        await pause(self._conversation, seconds)

    def working(self, text: str | Tone | None = None) -> AbstractAsyncContextManager[None]:
        """`async with call.working("One moment, please."):` what takes longer than 0.8 s is no dead air."""
        return working(self._conversation, text)

    async def echo(self) -> None:
        """Send the caller's sound back as it comes, until they hang up."""
        await echo(self._conversation)

    async def transfer(
        self, to: str | Transfer, *, timeout_s: float = RING_S, whisper: str = "", music: str = ""
    ) -> Transferred:
        """Connect the caller with somebody else: a number (+15550100) or a SIP URI, once all that was said was heard.

        True when they have talked; the call is over then. Falsy when it did not come about, with the `reason`: busy,
        no_answer, failed, canceled, refused (`twilio.allowed_destinations` does not have it), unsupported (by this
        wire); the call goes on here then. `whisper`: what the other one hears first. `music`: whose ring-back tone the
        caller hears meanwhile ("us", "uk"), where the network has one.
        """
        order = to if isinstance(to, Transfer) else Transfer(to, timeout_s=timeout_s, whisper=whisper, music=music)
        return await transfer(self._conversation, order)

    async def send_dtmf(self, digits: str) -> None:
        """Press keys: 0-9, *, #, A-D, `w` for a pause of half a second and `W` for one of a second; 64 at most.

        Raises:
            ValueError: They are none.
        """
        await send_dtmf(self._conversation, digits)

    def note(self, /, **values: object) -> None:
        """Keep something in the call's record: texts, numbers, bools, None; all else, such as a date, as text."""
        kept = {
            name: value if value is None or isinstance(value, str | int | float) else str(value)
            for name, value in values.items()
        }
        self._conversation.chronicle.note(kept)

    async def run(self, verbs: Any) -> Ran:
        """Perform a list of verbs, as `[{"verb": "say", "text": "Hello."}]`.

        Raises:
            InvalidVerbs: They are none; nothing was performed then.
        """
        return await run(self, verbs)

    async def hangup(self, reason: str = "completed") -> None:
        """Hang up, once all that was said was heard; `reason` goes into the record."""
        with self._conversation.filler.theirs():
            await self._conversation.alive(self._conversation.leg.drained())
        self._conversation.end(reason)

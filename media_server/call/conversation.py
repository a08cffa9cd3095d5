"""One conversation: a leg, ears, a voice, a record; everything that runs for it lives in one TaskGroup."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from media_server.audio.echo_filter import EchoFilter, NoEcho
from media_server.call.chronicle import CallFacts, Chronicle
from media_server.call.ears import Ears
from media_server.call.ending import ending_of
from media_server.call.filler import Filler
from media_server.call.kept_sound import KeptSound
from media_server.call.leg import Leg
from media_server.call.live import Live
from media_server.call.phrases import GOODBYE, Phrases
from media_server.call.record import EventSink
from media_server.call.recorder import Recording
from media_server.call.speaking import Speaking
from media_server.call.voice import Voice
from media_server.errors import CallEnded
from media_server.protocol.asr_stream import AsrQuery
from media_server.speech.engine_stream import EngineStreams
from media_server.transports.port import MediaPort
from media_server.turn.barge_in import BargeIn
from media_server.turn.utterance import Utterance

log = structlog.get_logger(__name__)

GRACE_S = 5.0
"""How long a dialplan may go on after its caller has left."""
FAREWELL_S = 30.0
"""How long the last words may take to be heard."""
LAST_WORDS_S = 2.0
"""How long the caller's own last words may take to be understood, once they have left."""
MAX_TYPED = 16
"""Texts that may wait until the dialplan listens for the first time; of more, the latest."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Speech:
    """The engines and the limits that conversations use."""

    asr: EngineStreams
    tts: EngineStreams
    phrases: Phrases
    query: AsrQuery
    no_input_s: float
    max_call_s: float
    engine_gone_s: float
    allowed_destinations: tuple[str, ...] = ()
    """Where dialplans may transfer calls to."""
    echo: Callable[[int], EchoFilter] = NoEcho
    """Takes our own voice out of what comes in, at this sample rate."""

    def at(self, sample_rate: int) -> "Speech":
        """The same for a leg of this rate, in Hz."""
        if sample_rate == self.query.sample_rate == self.phrases.query.sample_rate:
            return self
        query = self.query.model_copy(update={"sample_rate": sample_rate})
        return replace(self, phrases=self.phrases.at(sample_rate), query=query)


Plan = Callable[["Conversation"], Awaitable[None]]


class Conversation:
    """One call from the wire's first sound to the books. `run` is its whole life."""

    def __init__(
        self,
        facts: CallFacts,
        port: MediaPort,
        speech: Speech,
        sink: EventSink,
        recording: Recording | None = None,
        *,
        watch: EventSink | None = None,
    ) -> None:
        """`sink` is told what happens; `watch` that too, and the live events."""
        self.facts = facts
        self.speech = speech.at(port.sample_rate)
        self._watched = watch is not None
        self.now = asyncio.get_running_loop().time
        self.leg = Leg(port, self.now)
        self.over = asyncio.Event()
        self.over_reason = ""
        self._dismissed = asyncio.Event()
        self._dismissed_reason = "limit"
        self.chronicle = Chronicle(facts, self.leg, sink, watch)
        self.kept = KeptSound(self.leg, self.chronicle, self.over, recording)
        self.failed = False
        """A fault of ours cut the call off without a word."""
        self._ears: Ears | None = None
        self._voice: Voice | None = None
        self._filler: Filler | None = None
        self._live: Live | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._background: list[asyncio.Task[None]] = []
        self._typed: deque[str] = deque(maxlen=MAX_TYPED)
        self.leg.on_text = self._typed.append

    # --- life ----------------------------------------------------------------------------------------------------

    async def run(self, plan: Plan) -> None:
        """Answer, perform the dialplan, hang up, close the books. Never raises but for cancellation."""
        self.chronicle.started()
        self.kept.begin()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._voice = Voice(
                    self.leg, self.speech.tts, self.speech.phrases, self._tasks, gone_s=self.speech.engine_gone_s
                )
                self._voice.on_over = self._said
                self._filler = Filler(self.leg, self._voice)
                self.leg.on_audible = self._audible
                self._background += [
                    self._tasks.create_task(self._read(), name="reader"),
                    self._tasks.create_task(self._write(), name="writer"),
                ]
                side = [self._tasks.create_task(self._filler.run(), name="filler")]
                if self._watched:
                    self._live = Live(self.leg, self._voice, self.chronicle)
                    side.append(self._tasks.create_task(self._live.run(), name="live"))
                await self._perform(plan)
                for task in side:
                    task.cancel()
                self._voice.end()
                await self.leg.port.aclose()
                await self._hear_out()
                for task in self._background:
                    task.cancel()
        except* Exception as group:  # a fault of ours in one of the call's tasks: it ends this call, and no other
            self.chronicle.record.error = f"internal: {group.exceptions[0]!r}"
            self.failed = True
            self.over_reason = "internal_error"
            self.over.set()
            log.exception("call_failed", call=self.facts.id)
        finally:
            await self.leg.port.aclose()
            self.end("closed")
            await self.kept.aclose()
            self.chronicle.close(self.over_reason)

    def end(self, reason: str) -> None:
        """The call is over now, for this reason; the first one counts."""
        if not self.over.is_set():
            self.over_reason = reason
            self.over.set()

    def dismiss(self, reason: str) -> None:
        """The call is to end with a goodbye, whatever its dialplan is doing."""
        self._dismissed_reason = reason
        self._dismissed.set()

    async def _hear_out(self) -> None:
        """The wire is closed; what came over it before is still to be read and understood."""
        await asyncio.wait(self._background[:1], timeout=LAST_WORDS_S)
        if self._ears is not None:
            self._ears.finish()
            await asyncio.wait(self._background[2:], timeout=LAST_WORDS_S)

    async def alive(self, awaitable: Awaitable[_T]) -> _T:
        """Await something of the call's.

        Raises:
            CallEnded: The call ended first.
        """
        task = asyncio.ensure_future(awaitable)
        over = asyncio.ensure_future(self.over.wait())
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise CallEnded(self.over_reason)
        finally:
            over.cancel()
            task.cancel()

    async def _perform(self, plan: Plan) -> None:
        task = asyncio.ensure_future(plan(self))
        over, dismissed = (asyncio.ensure_future(each.wait()) for each in (self.over, self._dismissed))
        ends = {task, over, dismissed}
        try:
            await asyncio.wait(ends, timeout=self.speech.max_call_s, return_when=asyncio.FIRST_COMPLETED)
            if self.over.is_set():
                await asyncio.wait({task}, timeout=GRACE_S)
            elif not task.done():
                await self._stop(task)
                await self._farewell(self._dismissed_reason, GOODBYE)
            if task.done():
                await self._judge(task)
        finally:
            over.cancel()
            dismissed.cancel()
            await self._stop(task)

    async def _stop(self, task: "asyncio.Future[None]") -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
        if not task.done():
            log.error("dialplan_does_not_end", call=self.facts.id, dialplan=self.facts.dialplan)

    async def _judge(self, task: "asyncio.Future[None]") -> None:
        """How the dialplan ended, and what the caller hears of it."""
        if task.cancelled():
            return
        ending = ending_of(task.exception(), self.facts.folder)
        if ending.error is not None:
            self.chronicle.record.error = ending.error
            log.error(ending.event, call=self.facts.id, dialplan=self.facts.dialplan, error=ending.error)
        await self._farewell(ending.reason, ending.phrase)

    async def _farewell(self, reason: str, phrase: str | None) -> None:
        """Say the last words, and hang up when they and all before them were heard."""
        if self.over.is_set():
            return
        with self.filler.theirs():
            await self._say_farewell(reason, phrase)

    async def _say_farewell(self, reason: str, phrase: str | None) -> None:
        if phrase is not None:
            self.voice.cut_short()
            self.voice.say(phrase, barge_in=BargeIn.OFF)
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self.alive(self.leg.drained())
        except (CallEnded, TimeoutError):
            pass
        self.end(reason)

    async def _read(self) -> None:
        self.end(await self.leg.read())

    async def _write(self) -> None:
        try:
            await self.leg.write()
        except ConnectionError:
            self.end("connection_lost")

    # --- what verbs use ------------------------------------------------------------------------------------------

    @property
    def voice(self) -> Voice:
        """The voice; there while `run` is."""
        assert self._voice is not None
        return self._voice

    @property
    def filler(self) -> Filler:
        """What keeps the line alive; there while `run` is."""
        assert self._filler is not None
        return self._filler

    def listen(self) -> Ears:
        """The ears; they open at the first use, so that a call that never listens costs no engine session."""
        if self._ears is None:
            assert self._tasks is not None
            query = self.speech.query
            if self._live is not None:
                query = query.model_copy(update={"interim_results": True})
            self._ears = Ears(self.leg, self.speech.asr, query, gone_s=self.speech.engine_gone_s, echo=self.speech.echo)
            if self._live is not None:
                self._ears.on_asr = self._live.heard
            if (tap := self.kept.tap) is not None:
                self._ears.tap = tap
            self._ears.on_digit = self.chronicle.digit
            self._ears.on_turn = partial(self.chronicle.turn, time_of=self._ears.time_of)
            self._ears.floor.on_aside = self.chronicle.aside
            self._background.append(self._tasks.create_task(self._ears.run(), name="ears"))
            self.voice.open()
            while self._typed:
                self._ears.read(self._typed.popleft())
        return self._ears

    def rest(self) -> None:
        """Nothing comes for a while: give the recogniser's place back."""
        if self._ears is not None:
            self._ears.rest()

    def resume(self) -> None:
        """Listen again after a `rest`."""
        if self._ears is not None:
            self._ears.resume()

    @property
    def last_heard(self) -> str:
        """What the caller has heard of our latest words."""
        speaking = [each for each in self.voice.speaking.values() if each.utterance.begun]
        return self.voice.heard(speaking[-1]) if speaking else self.chronicle.last_heard

    def _said(self, speaking: Speaking) -> None:
        if self._live is not None:
            self._live.over(speaking)
        self.chronicle.said(speaking)

    def _audible(self, utterance: Utterance, audible_at: float) -> None:
        speaking = self.voice.speaking.get(utterance)
        if speaking is not None:
            self.filler.audible(speaking)
            self.chronicle.audible(speaking, audible_at)

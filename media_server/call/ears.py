"""The ears of a call: its sound goes to the recogniser, turns come back."""

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from media_server.audio.echo_filter import OURS, EchoFilter
from media_server.audio.frame import BYTES_PER_SAMPLE
from media_server.call.floor_control import FloorControl
from media_server.call.leg import BURST, Leg
from media_server.call.typed import typed_text
from media_server.errors import EngineError
from media_server.protocol.asr_stream import AsrEvent, AsrQuery, Configure, SpeechStarted
from media_server.speech.asr import AsrSession
from media_server.speech.engine_stream import EngineStreams, first_leaf, first_of
from media_server.speech.turns import SpeechBegan, TurnAssembler, TurnEvent, TurnOver
from media_server.turn.floor import Change

MAX_WAITING = 1000
"""Events that may wait for the dialplan; past that the oldest is forgotten."""
POUND = "#"
POUND_S = 1.5
"""So long after an entry that needed no "#" one still belongs to it."""


def cleaned(sample: int, pcm: bytes) -> dict[str, object]:
    """What is taken down of sound out of which ours was taken."""
    if any(pcm):
        return {"sample": sample, "pcm": base64.b64encode(pcm).decode()}
    return {"sample": sample, "samples": len(pcm) // BYTES_PER_SAMPLE}


@dataclass(frozen=True, slots=True)
class Digit:
    """A key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Deaf:
    """The recogniser is gone; nothing more will be heard."""

    error: EngineError


EarEvent: TypeAlias = TurnEvent | Digit | Deaf


class Ears:
    """One recogniser stream for one leg. `run` is its task; `next` gives what was heard."""

    def __init__(
        self, leg: Leg, engines: EngineStreams, query: AsrQuery, *, gone_s: float, echo: Callable[[int], EchoFilter]
    ) -> None:
        self._leg = leg
        self._gone_s = gone_s
        self._engines = engines
        self._query = query
        self._assembler = TurnAssembler()
        self._echo = echo(leg.port.sample_rate)
        self.floor = FloorControl(leg, query.language, self._is_ours)
        self._session: AsrSession | None = None
        self._expected = Configure()
        leg.on_sent.append(self._echo.sent)
        self._events: deque[EarEvent] = deque(maxlen=MAX_WAITING)
        self._news = asyncio.Event()
        self._base_s = 0.0
        self._resting = asyncio.Event()
        self._awake = asyncio.Event()
        self._awake.set()
        self._finished = False
        self._turns = 0
        """How many turns there were, typed ones too: the number of the latest."""
        self._turn = 0
        """The number of the latest that was spoken."""
        self._hidden_turns = 0
        self._pound_until = 0.0
        self.on_digit: Callable[[str], None] = lambda _digit: None
        self.on_turn: Callable[[TurnOver], None] = lambda _over: None
        self.on_asr: Callable[[AsrEvent, TurnEvent | None, int], None] = lambda _event, _told, _turn: None
        """Told what the recogniser says, what the dialplan is told of it, and the number of the turn."""
        self.tap: Callable[..., None] = lambda _kind, **_values: None
        """Takes down what comes in; see `call/inputs.py`."""
        leg.on_digit = self._digit
        leg.on_text = self.read

    async def run(self) -> None:
        """Listen until `finish`, or the recogniser is gone (then `Deaf` is the last event)."""
        try:
            while not self._finished:
                await first_of(self._hear(), self._until_rest())
                if not self._resting.is_set():
                    return
                self._close()
                await self._awake.wait()
                self._resting.clear()
        except* EngineError as group:
            error = first_leaf(group)
            assert isinstance(error, EngineError)
            self._tell(Deaf(error))
        finally:
            self._close()

    def rest(self) -> None:
        """Give the recogniser's place back, as nothing comes for a while; a turn that is open ends unheard."""
        self._awake.clear()
        self._resting.set()

    def resume(self) -> None:
        """Listen again after a `rest`: turns are counted on."""
        self._awake.set()

    async def _hear(self) -> None:
        """One session of the recogniser, until `finish`."""
        if self._finished:
            return
        self._leg.listen()
        self._base_s = self._leg.position / self._leg.port.sample_rate
        self._assembler = TurnAssembler()
        self._session = session = AsrSession(self._engines, self._query, gone_s=self._gone_s)
        self.tap("listening", query=self._query.model_dump(mode="json"), sample=self._leg.position)
        session.on_configure = self._configured
        if self._expected.changes:
            session.configure(self._expected)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run())
            pump = tasks.create_task(self._pump(session))
            await self._understand(session)
            pump.cancel()

    async def _until_rest(self) -> None:
        await self._resting.wait()

    def _close(self) -> None:
        if self._leg.queue is not None:
            self._leg.queue.close()
            self._leg.queue = None
        self._leg.change(Change.TURN_ENDED)  # a turn that nobody hears ends here

    def hide_turns(self) -> int:
        """What is still heard of the turns that were begun is taken down nowhere; returns the number of the last."""
        self._hidden_turns = self._turns
        return self._turns

    def expect(self, **changes: object) -> None:
        """Expect something else of the caller's turns from now on; see `Configure`."""
        new = {key: value for key, value in changes.items() if getattr(self._expected, key) != value}
        if not new:
            return
        self._expected = Configure.model_validate({**self._expected.changes, **new})
        if self._session is not None:
            self._session.configure(Configure.model_validate(new))

    def entry_over(self) -> None:
        """Keys were enough, without a "#": one that comes right behind them ends that entry, and is nothing else."""
        waiting = next((event for event in self._events if isinstance(event, Digit)), None)
        if waiting is None:
            self._pound_until = self._leg.now() + POUND_S
        elif waiting.digit == POUND:
            self._events.remove(waiting)

    def finish(self) -> None:
        """No more sound comes; `run` ends when what there is was understood."""
        self._finished = True
        self._awake.set()
        if self._leg.queue is not None:
            self._leg.queue.end()

    async def next(self, timeout_s: float | None) -> EarEvent | None:
        """The next event, or None when there was none for so long."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._events:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return self._events.popleft()

    def arrived_at(self, seconds: float) -> float:
        """The monotonic time at which the recogniser's `seconds` came in."""
        return self._leg.arrivals.time_of(self._base_s + seconds)

    def began_at(self, over: TurnOver) -> float:
        """The monotonic time at which a turn began."""
        return self.time_of(over, over.start)

    def ended_at(self, over: TurnOver) -> float:
        """The monotonic time of its last sound."""
        return self.time_of(over, over.end)

    def time_of(self, over: TurnOver, seconds: float) -> float:
        """The monotonic time of a turn's `seconds`."""
        return seconds if over.reason == "typed" else self.arrived_at(seconds)

    def _is_ours(self, since_s: float) -> bool:
        """Whether what came in since these seconds of the recogniser's stream was our own voice."""
        return self._echo.share(self.arrived_at(since_s), self._leg.now()) >= OURS

    async def _pump(self, session: AsrSession) -> None:
        queue = self._leg.queue
        assert queue is not None
        frames = 0
        while (frame := await queue.get()) is not None:
            frames += 1
            if not frames % BURST:
                await asyncio.sleep(0)
            pcm = frame.pcm
            if self._leg.arrivals.known:
                pcm = self._echo.receive(pcm, self._leg.arrivals.time_of(frame.position / frame.sample_rate))
                if pcm is not frame.pcm:
                    self.tap("cleaned", **cleaned(frame.position, pcm))
                self.floor.heard_more()
            session.send(pcm)
        session.finish()

    async def _understand(self, session: AsrSession) -> None:
        async for event in session.events():
            self._note(event)
            happened = self._assembler.receive(event)
            if happened is not None:
                happened = replace(happened, turn=self._turn)
            told = self.floor.receive(happened) if happened is not None else None
            self.on_asr(event, told, self._turn)
            if isinstance(told, TurnOver) and told.text:
                self.on_turn(told)
            if told is not None:
                self._tell(told)

    def _note(self, event: AsrEvent) -> None:
        """Take down what the recogniser says; a turn that begins is given its number in the call."""
        if isinstance(event, SpeechStarted):
            self._turns += 1
            self._turn = self._turns
        if not hasattr(event, "turn") or self._turn > self._hidden_turns:
            self.tap("asr", event=event.model_dump(mode="json"), turn=self._turn)

    def read(self, text: str) -> None:
        """The caller typed something: a turn of its own, over at once, that takes the floor whatever it says.

        It needs no recogniser: it is told also while there is none, or the ears rest.
        """
        words = typed_text(text)
        if not words:
            return
        self.tap("typed", text=words)
        self._turns += 1
        now = self._leg.now()
        over = TurnOver(self._turns, words, now, now, now, "typed")
        self.floor.words()
        self.on_turn(over)
        self._tell(SpeechBegan(over.turn, now))
        self._tell(over)

    def _configured(self, configure: Configure, seconds: float) -> None:
        changes = configure.model_dump(exclude_none=True, exclude={"type"})
        self.tap("configure", changes=changes, sample=round(seconds * self._leg.port.sample_rate))

    def _digit(self, digit: str) -> None:
        self.tap("digit", digit=digit)
        self.on_digit(digit)
        ends_entry = digit == POUND and self._leg.now() < self._pound_until
        self._pound_until = 0.0
        if ends_entry:
            return
        self.floor.words()
        self._tell(Digit(digit))

    def _tell(self, event: EarEvent) -> None:
        self._events.append(event)
        self._news.set()

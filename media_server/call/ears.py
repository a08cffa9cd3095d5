"""The ears of a call: its sound goes to the recogniser, turns come back."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from media_server.audio.echo_filter import OURS, EchoFilter
from media_server.call.floor_control import FloorControl
from media_server.call.leg import BURST, Leg
from media_server.call.voice import first_leaf
from media_server.errors import EngineError
from media_server.protocol.asr_stream import AsrQuery
from media_server.speech.asr import AsrSession
from media_server.speech.engine_stream import EngineStreams
from media_server.speech.turns import TurnAssembler, TurnEvent, TurnOver
from media_server.turn.floor import Change

MAX_WAITING = 1000
"""Events that may wait for the dialplan; past that the oldest is forgotten."""


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
        leg.on_sent = self._echo.sent
        self._events: deque[EarEvent] = deque(maxlen=MAX_WAITING)
        self._news = asyncio.Event()
        self._base_s = 0.0
        self.on_digit: Callable[[str], None] = lambda _digit: None
        self.on_turn: Callable[[TurnOver], None] = lambda _over: None
        leg.on_digit = self._digit

    async def run(self) -> None:
        """Listen until `finish`, or the recogniser is gone (then `Deaf` is the last event)."""
        queue = self._leg.listen()
        self._base_s = self._leg.position / self._leg.port.sample_rate
        try:
            session = AsrSession(self._engines, self._query, gone_s=self._gone_s)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(session.run())
                pump = tasks.create_task(self._pump(session))
                await self._understand(session)
                pump.cancel()
        except* EngineError as group:
            error = first_leaf(group)
            assert isinstance(error, EngineError)
            self._tell(Deaf(error))
        finally:
            queue.close()
            self._leg.queue = None
            self._leg.change(Change.TURN_ENDED)  # a turn that nobody hears ends here

    def finish(self) -> None:
        """No more sound comes; `run` ends when what there is was understood."""
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
                self.floor.heard_more()
            session.send(pcm)
        session.finish()

    async def _understand(self, session: AsrSession) -> None:
        async for event in session.events():
            happened = self._assembler.receive(event)
            told = self.floor.receive(happened) if happened is not None else None
            if isinstance(told, TurnOver) and told.text:
                self.on_turn(told)
            if told is not None:
                self._tell(told)

    def _digit(self, digit: str) -> None:
        self.on_digit(digit)
        self.floor.digit()
        self._tell(Digit(digit))

    def _tell(self, event: EarEvent) -> None:
        self._events.append(event)
        self._news.set()

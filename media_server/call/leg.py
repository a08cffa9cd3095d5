"""A leg: the server and one party. One reader, one writer, the books of what came in."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from media_server.audio.frame import PTIME_MS, AudioFrame
from media_server.call.ledger import Ledger
from media_server.telemetry import metrics
from media_server.transports.port import (
    AudioArrived,
    AudioDropped,
    DigitArrived,
    MarkReturned,
    MediaPort,
    TextArrived,
    WireBack,
    WireLeft,
)
from media_server.turn.clock import ArrivalClock
from media_server.turn.floor import Change, Floor, Move
from media_server.turn.playout import Playout
from media_server.turn.utterance import FirstAudible, Heard, PlayoutAction, SendAudio, SendClear, SendMark, Utterance

MAX_BACKLOG_S = 10.0
"""Sound that may wait for its listener; past that the oldest is dropped, and counted."""


TurnTaking: TypeAlias = FirstAudible | Heard | Change | Move

BURST = 25
"""Frames that are worked off before others have their turn."""


class FrameQueue:
    """Frames on their way to a listener. The reader never waits: what does not fit pushes out the oldest."""

    def __init__(self, ledger: Ledger, sample_rate: int) -> None:
        self._ledger = ledger
        self._limit = int(MAX_BACKLOG_S * sample_rate)
        self._frames: deque[AudioFrame] = deque()
        self._samples = 0
        self._news = asyncio.Event()
        self._ended = False

    def put(self, frame: AudioFrame) -> None:
        """Add a frame."""
        self._frames.append(frame)
        self._samples += frame.samples
        while self._samples > self._limit:
            self._drop("backlog")
        self._news.set()

    async def get(self) -> AudioFrame | None:
        """The oldest frame, which counts as delivered from now on; None at the end."""
        while not self._frames:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        frame = self._frames.popleft()
        self._samples -= frame.samples
        self._ledger.delivered += frame.samples
        return frame

    def end(self) -> None:
        """No more frames come; those that wait are still given out."""
        self._ended = True
        self._news.set()

    def close(self) -> None:
        """Nobody listens any more; what waits is written off."""
        while self._frames:
            self._drop("call_ended")

    def _drop(self, reason: str) -> None:
        frame = self._frames.popleft()
        self._samples -= frame.samples
        self._ledger.dropped[reason] += frame.samples


class Leg:
    """One party's sound, both ways. `read` and `write` are its two tasks."""

    def __init__(self, port: MediaPort, now: Callable[[], float]) -> None:
        self.port = port
        self.now = now
        self.ledger = Ledger()
        self.floor = Floor(now())
        self.playout = Playout(port.sample_rate, port.lead_s, marks=port.marks, step_ms=port.step_ms)
        self.arrivals = ArrivalClock(port.sample_rate)
        self.queue: FrameQueue | None = None
        self.on_digit: Callable[[str], None] = lambda _digit: None
        self.on_text: Callable[[str], None] = lambda _text: None
        self.on_audible: Callable[[Utterance, float], None] = lambda _utterance, _at: None
        self.on_heard: Callable[[Utterance], None] = lambda _utterance: None
        self.on_arrived: list[Callable[[AudioFrame], None]] = []
        """Who is told of the caller's sound, what fills losses included."""
        self.on_sent: list[Callable[[bytes, float], None]] = []
        """Who is told of ours as it is sent, and when it sounds at the far end."""
        self.on_cleared: list[Callable[[float], None]] = []
        """Who is told that from now on nothing of what was sent before will sound."""
        self.on_turn_taking: list[Callable[[TurnTaking], None]] = []
        """Who is told of what moves the floor, what our voice is to do then, and when our utterances begin and end."""
        self.on_cut: Callable[[Utterance], None] = lambda _utterance: None
        self.position = 0
        self.wakes_late = 0
        """How often the writer woke more than a packet time after it should have."""
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._back = False

    def listen(self) -> FrameQueue:
        """From now on what arrives goes into this queue."""
        self.queue = FrameQueue(self.ledger, self.port.sample_rate)
        return self.queue

    async def read(self) -> str:
        """Take in what arrives until the far end is gone; returns why it ended."""
        events = 0
        async for event in self.port.events():
            events += 1
            if not events % BURST:  # what came at once after a stall must not hold up the pacing of others
                await asyncio.sleep(0)
            match event:
                case AudioArrived():
                    self._take(event)
                case AudioDropped():
                    self.ledger.received += event.samples
                    self.ledger.dropped[event.reason] += event.samples
                case DigitArrived():
                    self.on_digit(event.digit)
                case TextArrived():
                    self.on_text(event.text)
                case MarkReturned():
                    self.playout.receive_mark(event.name)
                    self.wake()
                case WireLeft():
                    self.playout.pause()
                case WireBack():
                    self._back = True
                    self.playout.clear(self.now())
                    self.playout.resume(self.now())
                    self.wake()
        return self.port.ended_reason

    def _take(self, event: AudioArrived) -> None:
        frame = event.frame
        if event.filled:
            self.ledger.filled += frame.samples
        else:
            self.ledger.received += frame.samples
            if self._back:  # time has passed that was no sound
                self.arrivals, self._back = ArrivalClock(self.port.sample_rate), False
            self.arrivals.observe(frame.end, self.now())
        self.position = frame.end
        for listener in self.on_arrived:
            listener(frame)
        if self.queue is None:
            self.ledger.unlistened += frame.samples
        else:
            self.queue.put(frame)

    def wake(self) -> None:
        """There is something new to send, or the floor has changed."""
        self._wake.set()

    def change(self, change: Change) -> None:
        """Something happened on the floor: do what it asks of our voice."""
        move = self.floor.change(change, self.now())
        self._tell(change)
        self._obey(move)
        self.wake()

    def _tell(self, happened: TurnTaking) -> None:
        for listener in self.on_turn_taking:
            listener(happened)

    def _obey(self, move: Move | None) -> None:
        if move is not None:
            self._tell(move)
        match move:
            case Move.PAUSE:
                self.playout.pause()
            case Move.CLEAR:
                self.playout.clear(self.now())
            case Move.RESUME:
                metrics.BARGE_INS.labels(outcome="resumed").inc()
                self.playout.resume(self.now())
            case Move.YIELD:
                metrics.BARGE_INS.labels(outcome="yielded").inc()
                for utterance in self.playout.cut(self.now()):
                    self.on_cut(utterance)
            case None:
                pass

    async def write(self) -> None:
        """Send what is due, when it is due."""
        while True:
            self._wake.clear()
            self._obey(self.floor.on_deadline(self.now()))
            for action in self.playout.on_deadline(self.now(), may_begin=self.floor.may_begin):
                await self._perform(action)
            self._settled.set()
            deadlines = (self.playout.next_deadline(may_begin=self.floor.may_begin), self.floor.next_deadline())
            await self._sleep_until(min((each for each in deadlines if each is not None), default=None))

    async def _perform(self, action: PlayoutAction) -> None:
        match action:
            case SendAudio():
                for listener in self.on_sent:
                    listener(action.pcm, action.audible_at)
                await self.port.send(action.pcm)
            case SendMark():
                await self.port.send_mark(action.name)
            case SendClear():
                for listen in self.on_cleared:
                    listen(self.now())
                await self.port.clear()
            case FirstAudible():
                self._tell(action)
                self.change(Change.AGENT_BEGINS)
                self.on_audible(action.utterance, action.audible_at)
            case Heard():
                self._tell(action)
                if not self.playout.sounding:
                    self.change(Change.AGENT_HEARD)
                self.on_heard(action.utterance)

    async def _sleep_until(self, deadline: float | None) -> None:
        if deadline is None:
            await self._wake.wait()
            return
        delay = deadline - self.now()
        if delay <= 0 or self._wake.is_set():
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(delay):
                await self._wake.wait()
        except TimeoutError:
            if self.now() - deadline > PTIME_MS / 1000:
                self.wakes_late += 1
                metrics.FRAMES_LATE.inc()

    async def drained(self) -> None:
        """Until everything that was to be said was heard."""
        while not self.playout.idle:
            self._settled.clear()
            await self._settled.wait()

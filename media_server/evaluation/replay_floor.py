"""Who had the floor on an exported call, decided again by the floor control that serves calls, 10 ms at a time. Pure.

What of ours began to sound, when, and who might interrupt it, is as it was on the call; where the caller has the floor
at that time, it waits. What the call knows of our own voice in the caller's sound is what the recogniser was not sent.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from media_server.audio.echo import QUIET
from media_server.audio.echo_filter import OURS
from media_server.audio.frame import BYTES_PER_SAMPLE, PTIME_MS, frame_bytes, frame_samples
from media_server.audio.levels import rms
from media_server.call.floor_control import FloorControl
from media_server.call.leg import Leg, TurnTaking
from media_server.evaluation.call_file import CallFile
from media_server.evaluation.replay_turns import Told
from media_server.records.input_lines import Begins, Cleaned, FloorLine, HeardOut, Key, Read
from media_server.speech.turns import TurnEvent
from media_server.transports.port import PortEvent
from media_server.turn.floor import Change, Move
from media_server.turn.playout import Playout
from media_server.turn.utterance import FirstAudible, Heard, SendMark, Utterance

STEP_S = 0.01
AFTER_S = 2.0
_LOUD = b"\0\x10"

Outcome: TypeAlias = Literal["whole", "resumed", "yielded"]


@dataclass(slots=True)
class Fate:
    """What became of something of ours. `at_s`: where on the call's time line it was given up, or begun."""

    utterance: str
    at_s: float
    contested: int = 0
    outcome: Outcome = "whole"

    def take(self, move: Move, at_s: float) -> None:
        """Our voice was told to do something while it sounded."""
        match move:
            case Move.PAUSE:
                self.contested += 1
            case Move.RESUME:
                self.outcome = "resumed"
            case Move.YIELD:
                self.outcome, self.at_s = "yielded", at_s
            case Move.CLEAR:
                pass


def fates_then(call: CallFile) -> list[Fate]:
    """As it was on the call."""
    fates: list[Fate] = []
    for line in call.lines:
        if isinstance(line, Begins):
            fates.append(Fate(line.utterance, line.line_s))
        elif isinstance(line, FloorLine) and line.move and fates:
            fates[-1].take(Move[line.move], line.line_s)
    return fates


def fates_now(call: CallFile, told: Sequence[Told], lag_s: float) -> list[Fate]:
    """As it would be with these turn events. `lag_s`: how long after its sound an end was known on the call."""
    return _Simulation(call, told, lag_s).run()


class _StillPort:
    """A wire on which nothing comes and nothing goes."""

    lead_s = 0.2
    step_ms = PTIME_MS
    marks = True
    ended_reason = "closed"
    control = None

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate

    async def events(self) -> AsyncIterator[PortEvent]:
        """Nothing."""
        return
        yield

    async def send(self, pcm: bytes) -> None:
        """To nobody."""

    async def send_mark(self, name: str) -> None:
        """To nobody."""

    async def clear(self) -> None:
        """Of nothing."""

    async def aclose(self) -> None:
        """At once."""


class _Simulation:
    def __init__(self, call: CallFile, told: Sequence[Told], lag_s: float) -> None:
        self._now = 0.0
        self._rate = call.sample_rate
        self._base = call.listening.sample / call.sample_rate
        self._leg = Leg(_StillPort(call.sample_rate), lambda: self._now)
        self._leg.on_turn_taking.append(self._happened)
        self._control = FloorControl(self._leg, call.listening.query.language, self._is_ours)
        self._frames = _ours(call)
        self._todo: list[tuple[float, TurnEvent | Utterance | None]] = [
            *((self._base + each.at_s + (lag_s if _has_words(each.event) else 0.0), each.event) for each in told),
            *((line.line_s, None) for line in call.lines if isinstance(line, Key | Read)),
            *_utterances(call),
        ]
        self._todo.sort(key=lambda each: each[0])
        self._marks: list[tuple[float, str]] = []
        self._fates: dict[str, Fate] = {}
        self._current: Fate | None = None
        self._end = max([len(call.caller) / BYTES_PER_SAMPLE / self._rate, *(at for at, _ in self._todo)])

    def run(self) -> list[Fate]:
        while self._now < self._end + AFTER_S:
            while self._todo and self._todo[0][0] <= self._now:
                self._do(self._todo.pop(0)[1])
            self._control.heard_more()
            self._play()
            self._now += STEP_S
        return list(self._fates.values())

    def _do(self, what: TurnEvent | Utterance | None) -> None:
        match what:
            case None:
                self._control.words()
            case Utterance():
                self._leg.playout.open(what)
            case event:
                self._control.receive(event)

    def _play(self) -> None:
        leg = self._leg
        playout: Playout = leg.playout
        while self._marks and self._marks[0][0] <= self._now:
            playout.receive_mark(self._marks.pop(0)[1])
        leg._obey(leg.floor.on_deadline(self._now))  # noqa: SLF001 - the leg's own loop, without its wire
        for action in playout.on_deadline(self._now, may_begin=leg.floor.may_begin):
            match action:
                case FirstAudible():
                    self._current = self._fates.setdefault(action.utterance.id, Fate(action.utterance.id, self._now))
                    leg.change(Change.AGENT_BEGINS)
                case Heard():
                    if not playout.sounding:
                        leg.change(Change.AGENT_HEARD)
                case SendMark():
                    self._marks.append((self._now + leg.port.lead_s, action.name))
                case _:
                    pass

    def _happened(self, happened: TurnTaking) -> None:
        if isinstance(happened, Move) and self._current is not None:
            self._current.take(happened, self._now)

    def _is_ours(self, since_s: float) -> bool:
        first, last = (round(at * self._rate) // frame_samples(self._rate) for at in (self._base + since_s, self._now))
        sounding = [ours for ours in self._frames[first:last] if ours is not None]
        return bool(sounding) and sum(sounding) / len(sounding) >= OURS


def _ours(call: CallFile) -> list[bool | None]:
    """Of each frame of the caller's, whether it was our own voice and nothing else; None for a silent one."""
    size = frame_bytes(call.sample_rate)
    frames: list[bool | None] = [
        False if rms(call.caller[begin : begin + size]) >= QUIET else None for begin in range(0, len(call.caller), size)
    ]
    for line in call.lines:
        if isinstance(line, Cleaned) and not line.pcm and (at := line.sample * BYTES_PER_SAMPLE // size) < len(frames):
            frames[at] = True
    return frames


def _utterances(call: CallFile) -> list[tuple[float, Utterance]]:
    """What we said, with when it began to sound, as long as it is known to have been."""
    whole = {line.utterance: line.seconds for line in call.lines if isinstance(line, HeardOut)}
    found = []
    for line in call.lines:
        if isinstance(line, Begins):
            seconds = max(line.seconds, whole.get(line.utterance, 0.0))
            samples = int(seconds * call.sample_rate)
            utterance = Utterance(line.utterance, line.barge_in, finished=True, pcm=bytearray(_LOUD * samples))
            found.append((line.line_s if line.audible_line_s is None else line.audible_line_s, utterance))
    return found


def _has_words(event: TurnEvent) -> bool:
    return hasattr(event, "text")

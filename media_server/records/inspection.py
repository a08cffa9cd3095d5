"""A call put on one time line, from the lines beside its recording and its events. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from media_server.call.events import (
    AgentSaid,
    Answered,
    CallerSaid,
    CallEvent,
    DigitPressed,
    MessageTaken,
    Noted,
    Played,
)
from media_server.call.record import MAX_DETAIL, MAX_HAPPENINGS, Happening
from media_server.records.agent_track import AgentTrack
from media_server.records.caller_track import CallerTrack
from media_server.records.input_lines import (
    Begins,
    CallLine,
    FloorLine,
    Heard,
    HeardOut,
    Listening,
    parse_line,
)
from media_server.records.line_clock import LineClock
from media_server.records.rows import parse_event
from media_server.records.timeline import Key, Timeline

MAX_LINES = 400_000
MAX_LINE = 16_000
"""Bytes of one line."""
MAX_KEYS = 2000

_NOT_DRAWN = (b'"type":"cleaned"', b'"type":"configure"')
_TYPE_BY = 80
"""A line's type stands in its first bytes: the many that are not drawn need no parsing."""


@dataclass(slots=True)
class Inspection:
    """A call being put together: lines first, then events, then `timeline`."""

    call: str
    live: bool
    skipped: int = 0
    cut: bool = False
    sample_rate: int | None = None
    _clock: LineClock = field(default_factory=LineClock)
    _caller: CallerTrack = field(default_factory=lambda: CallerTrack(8000))
    _agent: AgentTrack = field(default_factory=AgentTrack)
    _digits: list[Key] = field(default_factory=list)
    _happenings: list[Happening] = field(default_factory=list)
    _answers: dict[int, float] = field(default_factory=dict)

    def lines(self, lines: Iterable[bytes]) -> None:
        """What `call/inputs.py` wrote. What cannot be understood is skipped and counted."""
        for number, line in enumerate(lines):
            if number >= MAX_LINES:
                self.cut = True
                return
            if any(kind in line[:_TYPE_BY] for kind in _NOT_DRAWN):
                continue
            if len(line) > MAX_LINE:
                self.skipped += 1
                continue
            try:
                self._line(line)
            except (ValidationError, RecursionError):
                self.skipped += 1

    def events(self, texts: Iterable[str]) -> None:
        """Events of the call, as JSON, in their order."""
        for text in texts:
            try:
                event = parse_event(text)
            except ValueError:
                self.skipped += 1
            else:
                self._event(event)

    def timeline(self, seconds: float, *, recorded: bool) -> Timeline:
        """All of it. `seconds`: how long the recording or the call is."""
        caller, agent = self._caller, self._agent
        return Timeline(
            call=self.call,
            live=self.live,
            seconds=round(seconds, 3),
            recorded=recorded,
            speech=caller.speech,
            turns=caller.ordered(),
            utterances=agent.ordered(live=self.live),
            floor=agent.floor,
            digits=self._digits,
            happenings=self._happenings,
            skipped=self.skipped,
            cut=self.cut or caller.cut or agent.cut,
        )

    def _line(self, text: bytes) -> None:
        line = parse_line(text)
        self._clock.observe(line.at, line.line_s)
        match line:
            case CallLine():
                self.sample_rate = line.sample_rate
                self._caller = CallerTrack(line.sample_rate)
            case Listening():
                self._caller.listening(line)
            case Heard():
                self._caller.heard(line)
            case Begins():
                self._agent.begins(line)
            case HeardOut():
                self._agent.heard(line)
            case FloorLine():
                self._agent.moved(line)
            case _:  # keys are told by events, with a secret's hidden
                pass

    def _event(self, event: CallEvent) -> None:
        at = self._clock.place(event.at)
        match event:
            case CallerSaid():
                self._caller.said(event, at)
            case Answered():
                self._caller.answered(event)
                self._answers[event.turn] = at
            case AgentSaid():
                answer_at = self._answers.pop(event.turn, None) if event.turn is not None else None
                self._agent.said(event, at, answer_at)
            case DigitPressed():
                if len(self._digits) < MAX_KEYS:
                    self._digits.append(Key(at=at, digit=event.digit[:1]))
            case _:
                happening = _happening(event)
                if happening is not None and len(self._happenings) < MAX_HAPPENINGS:
                    self._happenings.append(happening.model_copy(update={"at": at}))


def _happening(event: CallEvent) -> Happening | None:
    """An event in a few words; None for one that stands elsewhere."""
    at, kind = event.at, event.type
    match event:
        case Noted():
            told = ", ".join(f"{name} = {value}" for name, value in event.values.items())
            return Happening(at=at, type=kind, detail=told[:MAX_DETAIL])
        case MessageTaken():
            return Happening(
                at=at, type=kind, name=event.reason[:MAX_DETAIL], detail=event.text[:MAX_DETAIL], ms=_ms(event.seconds)
            )
        case Played():
            return Happening(at=at, type=kind, name=event.source[:MAX_DETAIL], ok=event.complete, ms=_ms(event.seconds))
        case _:
            return Happening.of(event)


def _ms(seconds: float) -> int:
    return round(1000 * seconds)

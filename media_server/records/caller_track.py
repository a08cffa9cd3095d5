"""The caller's side of a time line: what the recogniser told, line by line, and what the call made of it. Sans-IO."""

from typing import TypeAlias

from media_server.call.events import Answered, CallerSaid
from media_server.call.record import MAX_LINES
from media_server.protocol.asr_stream import (
    Final,
    Partial,
    SpeechStarted,
    TurnEager,
    TurnEnded,
    TurnResumed,
)
from media_server.records.input_lines import Heard, Listening
from media_server.records.timeline import CallerTurn, Span, Words

MAX_OF_A_TURN = 50
"""Partials, eager ends and finals of one turn that are kept, of each kind; the later ones say more."""
MAX_WORDS = 10_000
"""Of all turns."""

_Offer: TypeAlias = Partial | TurnEager | Final


class CallerTrack:
    """Turns and stretches of speech. Lines first, in their order, then events.

    A recogniser's stream counts its seconds and its turns from its own beginning; a call may have several. Lines of an
    earlier version do not say which turn of the call they belong to: there the turns are counted on.
    """

    def __init__(self, sample_rate: int) -> None:
        self.turns: dict[int, CallerTurn] = {}
        self.speech: list[Span] = []
        self.cut = False
        self._rate = sample_rate
        self._base_s = 0.0
        self._before = 0
        self._latest = 0
        self._words = 0

    def listening(self, line: Listening) -> None:
        """A new stream begins."""
        self._base_s = line.sample / self._rate
        self._before = self._latest
        self._quiet(line.line_s)

    def heard(self, line: Heard) -> None:
        """The recogniser told something."""
        event = line.event
        turn = self._turn_of(line)
        if turn is None:
            return
        match event:
            case SpeechStarted():
                self._speaks(turn, turn_start := self._place(event.at))
                turn.start = turn_start
            case Partial():
                self._keep(turn.partials, event, line.line_s)
            case TurnEager():
                self._keep(turn.eager, event, line.line_s)
                self._quiet(self._place(event.end))
            case TurnResumed():
                self._speaks(turn, self._place(event.at))
            case Final():
                self._keep(turn.finals, event, line.line_s)
            case TurnEnded():
                turn.end, turn.decided = self._place(event.end), self._place(event.at)
                turn.reason = event.reason
                self._quiet(turn.end)
            case _:
                pass

    def said(self, event: CallerSaid, at: float) -> None:
        """The call knew of a turn at `at`."""
        turn = self._turn(event.turn)
        if turn is not None:
            turn.at, turn.text, turn.reason = at, event.text, event.reason

    def answered(self, event: Answered) -> None:
        """A turn got its answer."""
        turn = self._turn(event.turn)
        if turn is not None:
            turn.receipt = event.receipt

    def ordered(self) -> list[CallerTurn]:
        """The turns as they came."""
        return [self.turns[number] for number in sorted(self.turns)]

    def _turn_of(self, line: Heard) -> CallerTurn | None:
        number = getattr(line.event, "turn", None)
        if number is None:
            return None
        return self._turn(self._before + number if line.turn is None else line.turn)

    def _turn(self, number: int) -> CallerTurn | None:
        if number not in self.turns:
            if len(self.turns) >= MAX_LINES:
                self.cut = True
                return None
            self.turns[number] = CallerTurn(turn=number)
            self._latest = max(self._latest, number)
        return self.turns[number]

    def _place(self, seconds: float) -> float:
        return round(self._base_s + seconds, 3)

    def _speaks(self, turn: CallerTurn, at: float) -> None:
        self._quiet(at)
        if len(self.speech) < MAX_WORDS:
            self.speech.append(Span(turn=turn.turn, start=at))

    def _quiet(self, at: float) -> None:
        if self.speech and self.speech[-1].end is None:
            self.speech[-1].end = max(at, self.speech[-1].start)

    def _keep(self, words: list[Words], event: _Offer, at: float) -> None:
        if self._words >= MAX_WORDS:
            self.cut = True
            return
        if len(words) >= MAX_OF_A_TURN:
            del words[0]
            self.cut = True
        else:
            self._words += 1
        stable = event.stable if isinstance(event, Partial) else len(event.text)
        words.append(
            Words(
                at=round(at, 3),
                text=event.text,
                stable=stable,
                start=self._place(event.start),
                end=self._place(event.end),
                probability=event.probability if isinstance(event, TurnEager) else None,
            )
        )

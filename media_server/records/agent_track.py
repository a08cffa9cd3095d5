"""Our side of a time line: what sounded when, and which words it was. Sans-IO.

The lines beside the recording know when something of ours began and ended, the events what it said. Both stamp the same
clock, and what was heard to its end is told by both at once: so they find each other.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Literal, cast

from media_server.call.events import AgentSaid
from media_server.records.input_lines import Begins, FloorLine, HeardOut
from media_server.records.timeline import FloorMove, Utterance

MAX_UTTERANCES = 5000
MAX_MOVES = 10_000
SAME_S = 0.1
"""So close together the two tell of the same end."""


@dataclass(slots=True)
class _Sounding:
    """`began_at`, `heard_at`: by the call's clock. `seconds`: how long it is as far as it is made."""

    utterance: Utterance
    began_at: float
    seconds: float
    heard_at: float | None = None

    def heard_before(self, at: float) -> bool:
        """Whether it was over by then."""
        return self.heard_at is not None and self.heard_at < at


class AgentTrack:
    """Our utterances and the floor. Lines first, in their order, then events."""

    def __init__(self) -> None:
        self.floor: list[FloorMove] = []
        self.cut = False
        self._sounding: dict[str, _Sounding] = {}
        self._open: deque[_Sounding] = deque()
        """Whose words nobody has told yet."""
        self._unplaced: list[Utterance] = []

    def begins(self, line: Begins) -> None:
        """Something begins to sound."""
        if len(self._sounding) >= MAX_UTTERANCES:
            self.cut = True
            return
        start = line.line_s if line.audible_line_s is None else line.audible_line_s
        utterance = Utterance(start=round(start, 3), barge_in=line.barge_in.value)
        self._sounding[line.utterance] = sounding = _Sounding(utterance, line.at, line.seconds)
        self._open.append(sounding)

    def heard(self, line: HeardOut) -> None:
        """It was heard to its end."""
        if (each := self._sounding.get(line.utterance)) is not None:
            each.heard_at, each.seconds = line.at, max(line.seconds, each.seconds)
            each.utterance.end, each.utterance.complete = round(line.line_s, 3), True

    def moved(self, line: FloorLine) -> None:
        """Our voice was told to do something."""
        move = line.move.lower()
        if move not in ("pause", "clear", "resume", "yield"):
            return
        if len(self.floor) >= MAX_MOVES:
            self.cut = True
            return
        at = round(line.line_s, 3)
        self.floor.append(FloorMove(at=at, move=cast("Literal['pause', 'clear', 'resume', 'yield']", move)))
        if move == "yield":
            for each in self._sounding.values():
                if each.utterance.end is None:
                    each.utterance.end = at

    def said(self, event: AgentSaid, place: float, answer_at: float | None) -> None:
        """Something of ours was over at `place`; `answer_at`: where the answer to the same turn began, if it is one."""
        found = self._of(event.at)
        if found is not None:
            utterance = found.utterance
        elif len(self._unplaced) < MAX_UTTERANCES:
            utterance = Utterance(start=answer_at)
            self._unplaced.append(utterance)
        else:
            self.cut = True
            return
        utterance.text, utterance.heard, utterance.turn = event.text, event.heard, event.turn
        utterance.complete = event.complete
        if utterance.end is None:
            utterance.end = place

    def ordered(self, *, live: bool) -> list[Utterance]:
        """All of it as it began to sound; of a live call the last may sound still."""
        for each in self._sounding.values():
            utterance = each.utterance
            if utterance.end is None and utterance.start is not None:
                utterance.end = round(utterance.start + each.seconds, 3)
        found = [*(each.utterance for each in self._sounding.values()), *self._unplaced]
        found.sort(key=_begins)
        for one, following in pairwise(found):
            if one.start is None or one.end is None or following.start is None or following.end is None:
                continue
            if one.end > following.start and one.end <= following.end:  # else it was slipped in between
                one.end = max(one.start, following.start)
        if live and found and not found[-1].complete and not found[-1].text:
            found[-1].end = None
        return found

    def _of(self, at: float) -> _Sounding | None:
        """What of ours the words that were over at `at` (the call's clock) belong to."""
        while self._open and self._open[0].heard_before(at - SAME_S):
            self._open.popleft()  # a tone, or what else is no text
        begun = list(takewhile(lambda each: each.began_at <= at + SAME_S, self._open))
        ended = [each for each in begun if each.heard_at is not None and abs(each.heard_at - at) <= SAME_S]
        cut = [each for each in begun if each.heard_at is None]
        found = ended[0] if ended else cut[0] if cut else None
        if found is not None:
            self._open.remove(found)
        return found


def _begins(utterance: Utterance) -> float:
    return utterance.start if utterance.start is not None else utterance.end or 0.0

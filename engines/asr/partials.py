"""When a stream's next partial is due, and what it says. Sans-IO, in audio time.

At most one is under way, so a busy machine makes fewer of them and nobody's final waits for one. LocalAgreement-2 (Liu
et al., 2020; Machacek et al., 2023): what two decodes in a row agree on, from the beginning, is stable, and stays as it
is in all later partials of the segment.
"""

from engines.asr.agreement import agreed, committed
from engines.asr.events import Partial
from engines.strain import Strain

LEAST_S, MOST_S = 0.5, 2.0
"""New speech that is worth another partial: at least, and however slow the decodes are."""

DECODES_APART = 2.0
"""Partials take at most this part (one half) of a stream's time."""

TALK_APART, TALK_MOST_S = 6.0, 4.0
"""The same where somebody waits for an answer: the decode that ends a turn waits for a partial under way."""


class Partials:
    """The partials of one stream; from `reset` to `reset` they are of one segment."""

    def __init__(self, sample_rate: int, *, talk: bool = False) -> None:
        """`talk`: somebody waits for an answer."""
        self._rate = sample_rate
        self._apart, self._most_s = (TALK_APART, TALK_MOST_S) if talk else (DECODES_APART, MOST_S)
        self._interval_s = LEAST_S
        self.pending: int | None = None
        self.reset()

    def reset(self) -> None:
        """Another segment begins."""
        self._voiced = 0
        self._end = 0
        self._heard: list[str] = []
        self._stable: list[str] = []

    @property
    def first(self) -> bool:
        """Whether none of this segment was begun yet."""
        return self._voiced == 0

    def due(self, voiced: int, strain: Strain) -> bool:
        """Whether one may start, with so many voiced samples in the segment."""
        if self.pending is not None or strain >= Strain.NO_PARTIALS:
            return False
        interval_s = self._most_s if strain >= Strain.SLOW_PARTIALS else self._interval_s
        return voiced - self._voiced >= interval_s * self._rate

    def begin(self, number: int, voiced: int, end: int) -> None:
        """Decode `number`, of all up to `end`, is under way."""
        self.pending, self._voiced, self._end = number, voiced, end

    def finish(
        self, text: str, took_s: float, *, turn: int, revision: int, start: float, confidence: float
    ) -> Partial | None:
        """What to tell of it, if anything."""
        self.pending = None
        self._interval_s = min(self._most_s, max(LEAST_S, self._apart * took_s))
        before, self._heard = self._heard, text.split()
        if not text:
            return None
        self._stable = committed(self._stable, agreed(before, self._heard))
        told = committed(self._stable, self._heard)
        stable = len(" ".join(self._stable))
        return Partial(turn, revision, " ".join(told), stable, start, self._end / self._rate, confidence)

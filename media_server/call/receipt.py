"""The latency receipt of a turn: where the time between the caller's last sound and our first one went.

The media role alone stamps times (monotonic seconds); the recogniser reports seconds of the stream, which the arrival
clock maps to them. The parts follow each other without gap or overlap, so their sum is the wait.
"""

from dataclasses import dataclass
from itertools import pairwise

from pydantic import BaseModel

from media_server.speech.turns import TurnOver


class Receipt(BaseModel):
    """Where the wait went, in milliseconds; work done ahead of time costs nothing here.

    Attributes:
        waited: The silence that had to pass before the turn counted as over.
        words: From there until the decoded words were here.
        think: Until the dialplan had its answer's first text.
        voice: Until the answer's first sound was made.
        wire: Until its first audible sample sounds at the far end.
        speculated: The answer was begun before the turn was over.
    """

    waited: int
    words: int
    think: int
    voice: int
    wire: int
    speculated: bool

    @property
    def total(self) -> int:
        """From the caller's last sound to our first."""
        return self.waited + self.words + self.think + self.voice + self.wire


@dataclass(slots=True)
class TurnClock:
    """The stamps of one turn, collected as they happen.

    Attributes:
        over: The turn.
        spoken_at: When its last sound arrived.
        decided_at: When the audio on which its end was decided had arrived.
        committed_at: When we knew.
        text_at: When the reply's first text was there.
        voiced_at: When the reply's first sound was made.
        audible_at: When its first audible sample sounds at the far end.
    """

    over: TurnOver
    spoken_at: float
    decided_at: float
    committed_at: float
    text_at: float | None = None
    voiced_at: float | None = None
    audible_at: float | None = None
    speculated: bool = False

    def receipt(self) -> Receipt | None:
        """The receipt, once a reply was audible."""
        if self.audible_at is None or self.text_at is None or self.voiced_at is None:
            return None
        stamps = [self.spoken_at, self.decided_at, self.committed_at, self.text_at, self.voiced_at, self.audible_at]
        for index in range(1, len(stamps)):
            stamps[index] = max(stamps[index], stamps[index - 1])
        edges = [round(1000 * (stamp - stamps[0])) for stamp in stamps]
        waited, words, think, voice, wire = (after - before for before, after in pairwise(edges))
        return Receipt(waited=waited, words=words, think=think, voice=voice, wire=wire, speculated=self.speculated)

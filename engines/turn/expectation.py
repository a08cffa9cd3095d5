"""What the end of a turn is expected to look like, as data, and how long a silence must be to be one. Pure.

The constants were chosen on 70 recorded telephone sentences (8 kHz, one speaker), whole and with a silence put into
the middle. The words tell most: of the middles 39 % read unfinished, of the ends 3 %. Then the turn detector, asked
early: at 190 ms of silence it is sure (0.9) of 75 % of the ends and of 26 % of the middles, and later of nearly all of
both. Then the length: where it is sure and the words read finished, six words or more are 60 % of the ends and 13 % of
the middles. What sounds and reads finished and is long enough ends soon; the more is missing, the longer the silence
must be.
"""

from dataclasses import dataclass
from enum import Enum

from engines.turn.words import Reading

COMPLETE = 0.5
"""The turn detector's probability from which a turn counts as complete."""

SURE = 0.9
"""… and from which it is sure."""

OWN_PAUSES = 1.2
"""A speaker who pauses in the middle is given this times their own pause."""

OWN_MOST_MS = 900.0


class Patience(Enum):
    """How long a speaker may think."""

    QUICK = "quick"
    NORMAL = "normal"
    PATIENT = "patient"


class TurnDetection(Enum):
    """What ends a turn: sound, words and silence; silence alone; nothing but a command."""

    SMART_TURN = "smart_turn"
    SILENCE = "silence"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Pace:
    """Milliseconds of silence, counted from the last voiced sample.

    Attributes:
        speculate: The decode starts.
        ask: The turn detector is asked. Once: the longer it hears silence, the more it takes any pause for an end.
        least: Enough when nothing speaks against it.
        silence: Enough where nothing but silence is asked: of 57 sentences one has such a pause (`normal`).
        slot: Enough when the words are known to fill what was asked for.
        short: Enough when it sounds and reads finished, but is short.
        unsure: Enough when it reads finished, but the detector is not sure.
        open: Enough when it reads unfinished, or the detector says it is. Words that trail off wait up to `most`.
        most: Always enough.
    """

    speculate: int
    ask: int
    least: int
    silence: int
    slot: int
    short: int
    unsure: int
    open: int
    most: int


PACES = {
    Patience.QUICK: Pace(
        speculate=70, ask=160, least=250, silence=200, slot=200, short=350, unsure=500, open=700, most=1500
    ),
    Patience.NORMAL: Pace(
        speculate=100, ask=190, least=390, silence=300, slot=250, short=650, unsure=950, open=1000, most=2000
    ),
    Patience.PATIENT: Pace(
        speculate=160, ask=190, least=700, silence=700, slot=400, short=1000, unsure=1500, open=1800, most=3500
    ),
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """How a turn is expected to end. May change at any time.

    Attributes:
        patience: Chooses the constants.
        turn_detection: What may end a turn.
        min_silence_ms: In place of `Pace.least`.
        max_silence_ms: In place of `Pace.most`.
        slot_complete: Whether the words so far fill what was asked for; None where nobody knows.
        digits: The least and the most digits that are said, where a row of them is: pauses part it into groups.
    """

    patience: Patience = Patience.NORMAL
    turn_detection: TurnDetection = TurnDetection.SMART_TURN
    min_silence_ms: int | None = None
    max_silence_ms: int | None = None
    slot_complete: bool | None = None
    digits: tuple[int, int] | None = None

    @property
    def pace(self) -> Pace:
        """The constants of its patience."""
        return PACES[self.patience]

    @property
    def counted(self) -> bool:
        """Whether words alone end a turn: so many digits are said, and somebody tells whether they are all."""
        return self.slot_complete is not None and self.digits is not None and self.digits[0] == self.digits[1]

    @property
    def speculate_ms(self) -> int:
        """When a decode starts: soon, where it is of a group of digits and nothing but its words is waited for."""
        return PACES[Patience.QUICK].speculate if self.counted else self.pace.speculate

    @property
    def least_ms(self) -> int:
        """No shorter silence ends a turn."""
        usual = self.pace.silence if self.turn_detection is TurnDetection.SILENCE else self.pace.least
        least = usual if self.min_silence_ms is None else self.min_silence_ms
        return min(least, self.pace.slot) if self.slot_complete else least

    @property
    def most_ms(self) -> int:
        """A silence that always ends a turn (unless nothing but a command does)."""
        return max(self.least_ms, self.pace.most if self.max_silence_ms is None else self.max_silence_ms)


def silence_needed(probability: float, reading: Reading, expectation: Expectation, own_pause_ms: float = 0.0) -> float:
    """Milliseconds of silence that end the turn.

    Args:
        probability: The turn detector's, 0 to 1; 1 where it is not asked.
        reading: How the words so far read.
        expectation: The constants.
        own_pause_ms: How long this speaker has paused in the middle of turns, of late.
    """
    least, most, pace = expectation.least_ms, expectation.most_ms, expectation.pace
    if expectation.slot_complete or reading is Reading.NOTHING:
        return least
    if expectation.slot_complete is False:
        return most
    needed: float = pace.open
    if reading is Reading.TRAILS_OFF:
        needed += (most - pace.open) * max(0.0, 1.0 - probability / COMPLETE)
    elif reading is not Reading.UNFINISHED and probability >= COMPLETE:
        sure = pace.short if reading is Reading.SHORT else least
        needed = sure if probability >= SURE else pace.unsure
    return min(most, max(least, needed, min(OWN_PAUSES * own_pause_ms, OWN_MOST_MS)))

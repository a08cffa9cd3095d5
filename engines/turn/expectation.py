"""What the end of a turn is expected to look like, as data, and how long a silence must be to be one. Pure.

The constants were chosen on recorded telephone prompts (8 kHz, one speaker). There the pauses inside a sentence are
longer than 150 ms in 19 places, 200 in 9, 250 in 2, 300 in 1, 350 in none (of 57 sentences), and Smart Turn calls 9
of 10 of those of 200 ms "complete": so the least silence is what protects a speaker, and the detector's doubt and
open-ended words only make it longer.
"""

from dataclasses import dataclass
from enum import Enum

COMPLETE = 0.5
"""The turn detector's probability from which a turn counts as complete."""


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
        ask: The turn detector is asked.
        ask_again: It is asked once more if it said "not complete": it doubts 12 % of finished sentences when it hears
            170 ms of the silence behind them, 4 % with 300 ms.
        least: Enough when nothing speaks against it.
        slot: Enough when the words are known to fill what was asked for.
        unsure: Enough when the detector is sure of the contrary, or the words are open-ended.
        most: Always enough.
    """

    speculate: int
    ask: int
    ask_again: int
    least: int
    slot: int
    unsure: int
    most: int


PACES = {
    Patience.QUICK: Pace(speculate=70, ask=160, ask_again=290, least=250, slot=200, unsure=700, most=1500),
    Patience.NORMAL: Pace(speculate=130, ask=190, ask_again=350, least=350, slot=250, unsure=900, most=2000),
    Patience.PATIENT: Pace(speculate=160, ask=190, ask_again=450, least=700, slot=400, unsure=1800, most=3500),
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
    """

    patience: Patience = Patience.NORMAL
    turn_detection: TurnDetection = TurnDetection.SMART_TURN
    min_silence_ms: int | None = None
    max_silence_ms: int | None = None
    slot_complete: bool | None = None

    @property
    def pace(self) -> Pace:
        """The constants of its patience."""
        return PACES[self.patience]

    @property
    def least_ms(self) -> int:
        """No shorter silence ends a turn."""
        least = self.pace.least if self.min_silence_ms is None else self.min_silence_ms
        return min(least, self.pace.slot) if self.slot_complete else least

    @property
    def most_ms(self) -> int:
        """A silence that always ends a turn (unless nothing but a command does)."""
        return max(self.least_ms, self.pace.most if self.max_silence_ms is None else self.max_silence_ms)


def silence_needed(probability: float, trailing_off: bool, expectation: Expectation) -> float:
    """Milliseconds of silence that end the turn.

    From `least` (the detector is sure the turn is complete) to `unsure` (it is sure of the contrary), in proportion
    to its doubt; with open-ended words from `unsure` to `most`.

    Args:
        probability: The turn detector's, 0 to 1; 1 where it is not asked.
        trailing_off: Whether the words so far are open-ended (`words.trails_off`).
        expectation: The constants.
    """
    least, most = expectation.least_ms, expectation.most_ms
    if expectation.slot_complete:
        return least
    if expectation.slot_complete is False:
        return most
    unsure = min(most, max(least, expectation.pace.unsure))
    doubt = max(0.0, 1.0 - probability / COMPLETE)
    low, high = (unsure, most) if trailing_off else (least, unsure)
    return low + (high - low) * doubt

"""The floor: who may be audible now, and what becomes of us when the caller speaks too. Sans-IO.

The end of a turn is decided by the recogniser's endpointing alone, in audio time; the floor only obeys it, and may
extend a turn but never shorten one:

* while the caller has the floor, nothing of ours begins to sound;
* where the caller may not interrupt what sounds, it goes on, and the caller is heard and queued meanwhile;
* where they may, their voice *contests* the floor: we send no more, and what the far end has of us drains (or, with a
  long lead, is cleared after `CONTEST_S`). Words decide it: with them we *yield*, and what we had begun is cut; a noise
  or a "mhm" lets us *resume* where we were;
* a turn whose reply has not begun to sound when the caller speaks again is not over (`converse` withdraws the reply).

States and what moves between them are the table below. In CONTESTED and HUSHED we are silent, in HUSHED the far end was
cleared too; both keep what we were saying.
"""

from enum import Enum, auto

CONTEST_S = 0.3
"""After this the far end is told to forget what it still has of us."""
_ROUNDING_S = 0.001
"""Timers fire up to a clock tick early."""


class Holder(Enum):
    """Who is speaking."""

    FREE = auto()
    CALLER = auto()
    AGENT = auto()
    BOTH = auto()
    CONTESTED = auto()
    HUSHED = auto()


class Change(Enum):
    """What moves the floor.

    SPEECH_STARTED: the caller speaks, and may not interrupt; CONTESTS: and may. WORDS: they said something;
    NO_WORDS: it was nothing that asks for the floor. OVERDUE: `CONTEST_S` have passed.
    """

    SPEECH_STARTED = auto()
    CONTESTS = auto()
    WORDS = auto()
    NO_WORDS = auto()
    TURN_ENDED = auto()
    AGENT_BEGINS = auto()
    AGENT_HEARD = auto()
    OVERDUE = auto()


class Move(Enum):
    """What our voice is to do: send no more; take back what is not heard yet; go on; give up what was begun."""

    PAUSE = auto()
    CLEAR = auto()
    RESUME = auto()
    YIELD = auto()


_TRANSITIONS: dict[tuple[Holder, Change], tuple[Holder, Move | None]] = {
    (Holder.FREE, Change.SPEECH_STARTED): (Holder.CALLER, None),
    (Holder.FREE, Change.CONTESTS): (Holder.CALLER, None),
    (Holder.FREE, Change.AGENT_BEGINS): (Holder.AGENT, None),
    (Holder.CALLER, Change.TURN_ENDED): (Holder.FREE, None),
    (Holder.CALLER, Change.AGENT_BEGINS): (Holder.BOTH, None),  # it began at the very moment
    (Holder.AGENT, Change.SPEECH_STARTED): (Holder.BOTH, None),
    (Holder.AGENT, Change.CONTESTS): (Holder.CONTESTED, Move.PAUSE),
    (Holder.AGENT, Change.WORDS): (Holder.FREE, Move.YIELD),  # a key, without a voice
    (Holder.AGENT, Change.AGENT_HEARD): (Holder.FREE, None),
    (Holder.BOTH, Change.CONTESTS): (Holder.CONTESTED, Move.PAUSE),
    (Holder.BOTH, Change.WORDS): (Holder.CALLER, Move.YIELD),
    (Holder.BOTH, Change.TURN_ENDED): (Holder.AGENT, None),
    (Holder.BOTH, Change.AGENT_HEARD): (Holder.CALLER, None),
    (Holder.CONTESTED, Change.WORDS): (Holder.CALLER, Move.YIELD),
    (Holder.CONTESTED, Change.NO_WORDS): (Holder.BOTH, Move.RESUME),
    (Holder.CONTESTED, Change.TURN_ENDED): (Holder.AGENT, Move.RESUME),
    (Holder.CONTESTED, Change.AGENT_HEARD): (Holder.CALLER, Move.RESUME),
    (Holder.CONTESTED, Change.OVERDUE): (Holder.HUSHED, Move.CLEAR),
    (Holder.HUSHED, Change.WORDS): (Holder.CALLER, Move.YIELD),
    (Holder.HUSHED, Change.NO_WORDS): (Holder.BOTH, Move.RESUME),
    (Holder.HUSHED, Change.TURN_ENDED): (Holder.AGENT, Move.RESUME),
    (Holder.HUSHED, Change.AGENT_HEARD): (Holder.CALLER, Move.RESUME),
}


class Floor:
    """The state of one leg's floor, and since when it is so."""

    def __init__(self, now: float) -> None:
        self.holder = Holder.FREE
        self.since = now

    @property
    def may_begin(self) -> bool:
        """Whether something of ours may begin to sound."""
        return self.holder in (Holder.FREE, Holder.AGENT)

    @property
    def agent_speaks(self) -> bool:
        """Whether we are in the middle of saying something, be it silent for the moment."""
        return self.holder not in (Holder.FREE, Holder.CALLER)

    def change(self, change: Change, now: float) -> Move | None:
        """Take note of what happened, and say what our voice is to do; what means nothing in a state is ignored."""
        holder, move = _TRANSITIONS.get((self.holder, change), (self.holder, None))
        if holder is not self.holder:
            self.holder, self.since = holder, now
        return move

    def next_deadline(self) -> float | None:
        """When `on_deadline` has something to say."""
        return self.since + CONTEST_S if self.holder is Holder.CONTESTED else None

    def on_deadline(self, now: float) -> Move | None:
        """What is due."""
        deadline = self.next_deadline()
        return self.change(Change.OVERDUE, now) if deadline is not None and now >= deadline - _ROUNDING_S else None

    def quiet_for(self, now: float) -> float:
        """Seconds for which nobody has spoken; 0 while somebody does."""
        return now - self.since if self.holder is Holder.FREE else 0.0

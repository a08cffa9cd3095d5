"""The floor: who may be audible now. Sans-IO.

The end of a turn is decided by the recogniser's endpointing alone, in audio time; the floor only obeys it, and may
extend a turn but never shorten one:

* while the caller has the floor, nothing of ours begins to sound;
* what already sounds goes on, and the caller is heard and queued meanwhile;
* a turn whose reply has not begun to sound when the caller speaks again is not over (`converse` withdraws the reply).

States and what moves between them::

    FREE    --speech_started-->  CALLER   --turn_ended-->  FREE
    FREE    --begins-->          AGENT    --heard-->       FREE
    AGENT   --speech_started-->  BOTH     --turn_ended-->  AGENT
    CALLER  --begins-->          BOTH     (only what began at the very moment; else `may_begin` holds it back)
    BOTH    --heard-->           CALLER
"""

from enum import Enum, auto


class Holder(Enum):
    """Who is speaking."""

    FREE = auto()
    CALLER = auto()
    AGENT = auto()
    BOTH = auto()


class Change(Enum):
    """What moves the floor."""

    SPEECH_STARTED = auto()
    TURN_ENDED = auto()
    AGENT_BEGINS = auto()
    AGENT_HEARD = auto()


_TRANSITIONS: dict[tuple[Holder, Change], Holder] = {
    (Holder.FREE, Change.SPEECH_STARTED): Holder.CALLER,
    (Holder.FREE, Change.AGENT_BEGINS): Holder.AGENT,
    (Holder.CALLER, Change.TURN_ENDED): Holder.FREE,
    (Holder.CALLER, Change.AGENT_BEGINS): Holder.BOTH,
    (Holder.AGENT, Change.SPEECH_STARTED): Holder.BOTH,
    (Holder.AGENT, Change.AGENT_HEARD): Holder.FREE,
    (Holder.BOTH, Change.TURN_ENDED): Holder.AGENT,
    (Holder.BOTH, Change.AGENT_HEARD): Holder.CALLER,
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

    def change(self, change: Change, now: float) -> None:
        """Take note of what happened; what makes no difference in a state is ignored."""
        holder = _TRANSITIONS.get((self.holder, change), self.holder)
        if holder is not self.holder:
            self.holder, self.since = holder, now

    def quiet_for(self, now: float) -> float:
        """Seconds for which nobody has spoken; 0 while somebody does."""
        return now - self.since if self.holder is Holder.FREE else 0.0

"""`Form`: several slots that one sentence may fill. Pure: a form is a value, and feeding one gives another.

Each part of a sentence is used once: what a slot has read is taken out before the next one reads. Slots read in the
order of how little else their words can be, and at first only what can be nothing else ("at seven" is a time, "for
four" a number); a bare "four" goes to the first slot that still wants something, in the order of the question.

An answer that grows is fed to the same form again, from its first word; the next answer to the form that the last
one gave, so that what was filled stays filled.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, runtime_checkable

from media_server.dialplan.slots.arguments import MOST_KEYS
from media_server.dialplan.slots.choice import Choice
from media_server.dialplan.slots.correction import negated
from media_server.dialplan.slots.date import Date
from media_server.dialplan.slots.digits import Digits
from media_server.dialplan.slots.email import Email
from media_server.dialplan.slots.name import Name
from media_server.dialplan.slots.number import Number
from media_server.dialplan.slots.slot import NOTHING_S, Missing, Slot, Value
from media_server.dialplan.slots.text import Text
from media_server.dialplan.slots.time import Time
from media_server.dialplan.slots.words import masked, words_of
from media_server.dialplan.slots.yes_no import YesNo

_LONG = 5
"""So many digits are nothing else."""

_RANKS: tuple[type, ...] = (Email, Date, Time, Choice, Digits, Number, Name, YesNo)

Feed: TypeAlias = Callable[[str], Missing | Value[Any]]


@runtime_checkable
class _Modest(Protocol):
    """A slot that can tell what of a text is surely for it, among answers to other questions."""

    def among(self, text: str) -> Missing | Value[Any]: ...


@dataclass(frozen=True, slots=True)
class Form:
    """What a question with several slots knows by now.

    Attributes:
        slots: By name, in the order they are asked for.
        values: Of those that are filled.
        open_ended: More may follow that would change the last answer.
        begun: Of one that is missing, something is there.
        unsure: Names that a correction may have meant: it fits several, and changed none.
    """

    slots: Mapping[str, Slot[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)
    open_ended: bool = False
    begun: bool = False
    unsure: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of what is not filled, in the order of the question."""
        return tuple(name for name in self.slots if name not in self.values)

    @property
    def complete(self) -> bool:
        """Nothing is missing."""
        return not self.missing

    @property
    def secret(self) -> bool:
        """Whether one of them is."""
        return any(slot.secret for slot in self.slots.values())

    @property
    def keyterms(self) -> tuple[str, ...]:
        """Those of all that are missing."""
        return tuple(dict.fromkeys(term for name in self.missing for term in self.slots[name].keyterms))

    def spoken(self) -> dict[str, str]:
        """What is filled, as words to say."""
        return {name: self.slots[name].spoken(value) for name, value in self.values.items()}

    def feed(self, text: str, dtmf: str = "") -> "Form":
        """The form with what an answer fills of the rest; keys go to what is missing, in its order. Never raises."""
        typed = self._typed(dtmf)
        rest, values, open_ended = text, dict(typed.values), typed.open_ended
        tries = ((self._by_rank(), True), (self.missing, False))
        for names, surely in tries:
            for name in names:
                if name in values:
                    continue
                told = _asked(self.slots[name], surely)(rest)
                if isinstance(told, Value):
                    values[name] = told.value
                    open_ended = open_ended or told.open_ended
                    rest = masked(rest, *told.span) if told.span is not None else rest
        missing = [name for name in self.slots if name not in values]
        left = [self.slots[name].feed(rest) for name in missing]
        begun = typed.begun or any(isinstance(told, Missing) and told.begun for told in left)
        return replace(self, values=values, open_ended=open_ended, begun=begun, unsure=())

    def correct(self, text: str) -> "Form":
        """The form with what a correction replaces: "no, five people", "not Friday, Saturday", "make it eight"."""
        rest, values, open_ended = text, dict(self.values), False
        names = [name for name in self._by_rank() if name in values and not isinstance(self.slots[name], YesNo | Text)]
        changed = False
        for name in names:
            told = _asked(self.slots[name], surely=True)(rest)
            if isinstance(told, Value) and told.span is not None:
                values[name], changed = told.value, True
                open_ended = open_ended or told.open_ended
                rest = masked(rest, *told.span)
        if changed:
            return replace(self, values=values, open_ended=open_ended, unsure=())
        fitting = {name: told for name in names if isinstance(told := self.slots[name].feed(text), Value)}
        meant = [name for name in fitting if self._denied(name, text)] or list(fitting)
        if len(meant) > 1 and any(not isinstance(self.slots[name], Name) for name in meant):
            meant = [name for name in meant if not isinstance(self.slots[name], Name)]
        if len(meant) != 1:
            return replace(self, unsure=tuple(meant))
        told = fitting[meant[0]]
        return replace(self, values=values | {meant[0]: told.value}, open_ended=told.open_ended, unsure=())

    def _denied(self, name: str, text: str) -> bool:
        """Whether what it has now is what the caller denies: "not four, five"."""
        words = words_of(text)
        for at in range(len(words)):
            if negated(words, at):
                part = self.slots[name].feed(text[words[at].start :].partition(",")[0].partition(" but ")[0])
                return isinstance(part, Value) and bool(part.value == self.values[name])
        return False

    def _by_rank(self) -> list[str]:
        return sorted(self.slots, key=lambda name: _rank(self.slots[name]))

    def _typed(self, dtmf: str) -> "Form":
        """Keys: each slot takes as many as fill it, or those up to "#"."""
        keys, values, open_ended = dtmf[:MOST_KEYS], dict(self.values), False
        begun = False
        for name in self.missing:
            if not keys:
                break
            told, used = _taken(self.slots[name], keys)
            begun = isinstance(told, Missing) and told.begun
            if isinstance(told, Missing):
                break
            values[name], open_ended, keys = told.value, told.open_ended, keys[used:].removeprefix("#")
        return replace(self, values=values, open_ended=open_ended, begun=begun)


def _taken(slot: Slot[Any], keys: str) -> tuple[Missing | Value[Any], int]:
    """What the first keys come to, and how many of them that takes."""
    told: Missing | Value[Any] = Missing(NOTHING_S)
    for used in range(1, len(keys) + 1):
        told = slot.feed("", keys[:used])
        if isinstance(told, Value) and not told.open_ended:
            return told, used
    return told, len(keys)


def _asked(slot: Slot[Any], surely: bool) -> Feed:
    """How a slot is asked what of a text is its; surely: what can be nothing else."""
    if not surely:
        return slot.feed
    if isinstance(slot, _Modest):
        return slot.among
    if isinstance(slot, Text | YesNo) or (isinstance(slot, Digits) and slot.least < _LONG):
        return lambda _: Missing(NOTHING_S)
    return slot.feed


def _rank(slot: Slot[Any]) -> int:
    if isinstance(slot, Digits) and slot.least >= _LONG:
        return 0
    kinds: Iterable[int] = (number for number, kind in enumerate(_RANKS) if isinstance(slot, kind))
    return next(iter(kinds), len(_RANKS) + isinstance(slot, Text))

"""What a session has to say next: contexts one after the other, each split into clauses. Sans-IO.

Rules:
- Contexts are spoken in the order of their first text; one that is not complete holds up those behind it.
- A context that is cancelled or failed keeps its place in the order, without text, so that it ends in its turn; the one
  that is being spoken ends at once. Once it has ended, its id may be used again; text that comes before joins it.
- A flush stands between two clauses and counts as one character; it is told when the text before it has been said.
- Only so much text may wait (`MAX_WAITING_TEXT`), in so many contexts (`MAX_CONTEXTS`). As much of what was handed out
  is remembered, so that a cancelled context can be told what was said of it and what was not.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engines.errors import EnginesError, InputError
from engines.tts.clauses import ClauseSplitter, pronounceable
from engines.tts.markup import without_marks

MAX_WAITING_TEXT = 50_000
"""Characters."""

MAX_CONTEXTS = 64


@dataclass(frozen=True, slots=True)
class Clause:
    """The next thing to say. `offset`: where it begins in its context's text. `first`: nothing was said before it.

    `speed`: the context's own; None where it has none.
    """

    context_id: str
    text: str
    offset: int
    first: bool
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class ContextFlushed:
    """All text before a flush has been said; the context goes on."""

    context_id: str


@dataclass(frozen=True, slots=True)
class Text:
    """What was received of a context, from character `offset` on."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class ContextOver:
    """A context has ended: said to its end, cancelled, or failed. `text`: of a cancelled one."""

    context_id: str
    cancelled: bool = False
    failure: EnginesError | None = None
    text: Text | None = None


Step: TypeAlias = Clause | ContextFlushed | ContextOver


@dataclass(slots=True)
class _Context:
    id: str
    speed: float | None
    splitter: ClauseSplitter = field(default_factory=ClauseSplitter)
    clauses: deque[str | None] = field(default_factory=deque)
    """None is a flush."""
    waiting: int = 0
    offset: int = 0
    handed_out: str = ""
    begun: bool = False
    complete: bool = False
    over: ContextOver | None = None

    def text(self) -> Text:
        """What was received, the oldest of what was handed out left away."""
        rest = "".join(clause or "" for clause in self.clauses) + self.splitter.rest
        return Text(self.handed_out + rest, self.offset - len(self.handed_out))

    def take(self) -> str | None:
        """The next clause or flush of those that wait."""
        clause = self.clauses.popleft()
        self.waiting -= 1 if clause is None else len(clause)
        if clause is not None:
            self.offset += len(clause)
            self.handed_out = (self.handed_out + clause)[-MAX_WAITING_TEXT:]
        return clause


class ContextQueue:
    """The contexts of one session."""

    def __init__(self) -> None:
        self._contexts: dict[str, _Context] = {}

    def add(self, context_id: str, text: str, *, more: bool, flush: bool = False, speed: float | None = None) -> None:
        """Text for a context, new or known; `more` will follow. What comes for one that is ending is dropped.

        With `flush` it is not waited for what follows. `speed`: the one of the first text is the context's.

        Raises:
            InputError: There is no room for another context. (Too much text fails the context, in its turn.)
        """
        context = self._contexts.get(context_id)
        if context is None:
            if len(self._contexts) >= MAX_CONTEXTS:
                raise InputError(f"{MAX_CONTEXTS} contexts wait already")
            context = self._contexts[context_id] = _Context(context_id, speed)
        if context.over is not None:
            return
        size = len(text) + flush
        if sum(other.waiting for other in self._contexts.values()) + size > MAX_WAITING_TEXT:
            self.fail(context_id, InputError(f"more than {MAX_WAITING_TEXT} characters wait"))
            return
        context.waiting += size
        context.clauses += context.splitter.feed(text)
        if flush or not more:
            context.clauses += context.splitter.flush()
        if flush:
            context.clauses.append(None)
        context.complete = not more

    def cancel(self, context_id: str) -> None:
        """Nothing more of a context; one that is not known has ended already."""
        self._end(ContextOver(context_id, cancelled=True))

    def fail(self, context_id: str, failure: EnginesError) -> None:
        """Nothing more of a context: it cannot be said."""
        self._end(ContextOver(context_id, failure=failure))

    def is_ending(self, context_id: str) -> bool:
        """Whether what is being made of a context is not wanted any more."""
        context = self._contexts.get(context_id)
        return context is None or context.over is not None

    def next(self) -> Step | None:
        """What comes next; None while that needs more text."""
        context = next(iter(self._contexts.values()), None)
        if context is None:
            return None
        if context.over is not None:
            del self._contexts[context.id]
            return context.over
        while context.clauses:
            offset, text = context.offset, context.take()
            if text is None:
                return ContextFlushed(context.id)
            if pronounceable(text) and pronounceable(without_marks(text)):
                clause = Clause(context.id, text, offset, first=not context.begun, speed=context.speed)
                context.begun = True
                return clause
        if context.complete:
            del self._contexts[context.id]
            return ContextOver(context.id)
        return None

    def _end(self, over: ContextOver) -> None:
        context = self._contexts.get(over.context_id)
        if context is not None and context.over is None:
            context.over = replace(over, text=context.text()) if over.cancelled else over
            context.clauses.clear()
            context.waiting = 0

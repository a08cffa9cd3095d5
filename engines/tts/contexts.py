"""What a session has to say next: contexts one after the other, each split into clauses. Sans-IO.

Rules:
- Contexts are spoken in the order of their first text; one that is not complete holds up those behind it.
- A context that is cancelled or failed keeps its place in the order, without text, so that it ends in its turn; the one
  that is being spoken ends at once. Once it has ended, its id may be used again; text that comes before joins it.
- Only so much text may wait (`MAX_WAITING_TEXT`), in so many contexts (`MAX_CONTEXTS`).
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from engines.errors import EnginesError, InputError
from engines.tts.clauses import ClauseSplitter, pronounceable

MAX_WAITING_TEXT = 50_000
"""Characters."""

MAX_CONTEXTS = 64


@dataclass(frozen=True, slots=True)
class Clause:
    """The next thing to say. `offset`: where it begins in its context's text. `first`: nothing was said before it."""

    context_id: str
    text: str
    offset: int
    first: bool


@dataclass(frozen=True, slots=True)
class ContextOver:
    """A context has ended: said to its end, cancelled, or failed."""

    context_id: str
    cancelled: bool = False
    failure: EnginesError | None = None


Step: TypeAlias = Clause | ContextOver


@dataclass(slots=True)
class _Context:
    id: str
    splitter: ClauseSplitter = field(default_factory=ClauseSplitter)
    clauses: deque[str] = field(default_factory=deque)
    waiting: int = 0
    offset: int = 0
    begun: bool = False
    complete: bool = False
    over: ContextOver | None = None


class ContextQueue:
    """The contexts of one session."""

    def __init__(self) -> None:
        self._contexts: dict[str, _Context] = {}

    def add(self, context_id: str, text: str, *, more: bool) -> None:
        """Text for a context, new or known; `more` will follow. What comes for one that is ending is dropped.

        Raises:
            InputError: There is no room for another context. (Too much text fails the context, in its turn.)
        """
        context = self._contexts.get(context_id)
        if context is None:
            if len(self._contexts) >= MAX_CONTEXTS:
                raise InputError(f"{MAX_CONTEXTS} contexts wait already")
            context = self._contexts[context_id] = _Context(context_id)
        if context.over is not None:
            return
        if sum(other.waiting for other in self._contexts.values()) + len(text) > MAX_WAITING_TEXT:
            self.fail(context_id, InputError(f"more than {MAX_WAITING_TEXT} characters wait"))
            return
        context.waiting += len(text)
        context.clauses += context.splitter.feed(text)
        if not more:
            context.complete = True
            context.clauses += context.splitter.flush()

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
            text = context.clauses.popleft()
            clause = Clause(context.id, text, context.offset, first=not context.begun)
            context.offset += len(text)
            context.waiting -= len(text)
            if pronounceable(text):
                context.begun = True
                return clause
        if context.complete:
            del self._contexts[context.id]
            return ContextOver(context.id)
        return None

    def _end(self, over: ContextOver) -> None:
        context = self._contexts.get(over.context_id)
        if context is not None and context.over is None:
            context.over = over
            context.clauses.clear()
            context.waiting = 0

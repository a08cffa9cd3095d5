"""One attempt to fill a slot: what the caller says and presses is fed to it until it is full, or that is no use.

Meanwhile the recogniser is told what is expected: the slot's terms; nothing is over while the slot is begun and not
full ("five five five …"); a pause as short as can be ends the turn that fills it. A turn that is over before the slot
is full is no end either: what follows is fed together with it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from media_server.call.conversation import Conversation
from media_server.call.ears import POUND, Deaf, Digit, EarEvent
from media_server.dialplan.slots.digits import Digits
from media_server.dialplan.slots.slot import Missing, Slot, Value
from media_server.speech.turns import MaybeOver, SpeechBegan, TurnOver, WentOn

KEY_GAP_S = 3.0
"""So long after a key comes the next one, or none."""
MOST_SILENCE_S = 4.0
"""No pause inside a turn is longer, however patient a slot is; the next turn is fed together with it."""
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. `value` is of the slot's type; None where nothing fitted, and `reason` says why.

    `text` is all that was said.
    """

    value: Any
    reason: str = ""
    text: str = ""

    @property
    def fits(self) -> bool:
        """Whether the slot is full."""
        return not self.reason


CUT_OFF = ("...", "\N{HORIZONTAL ELLIPSIS}", "-")
"""So a recogniser writes a word that is not out yet: "on fri..." is no Friday, and more is to come."""


class Answering:
    """One attempt."""

    def __init__(
        self, conversation: Conversation, slot: Slot[Any], *, no_input_s: float, since: float, asked: Callable[[], bool]
    ) -> None:
        """`since`: when the question was put; words of before count only where they fill the slot.

        `asked`: whether it sounds; before that the silence is ours.
        """
        self._conversation = conversation
        self._slot = slot
        self._no_input_s = no_input_s
        self._since = since
        self._asked = asked
        self._words: list[str] = []
        self._keys = ""
        self._missing = Missing(no_input_s)
        self._latest = conversation.now()

    async def run(self) -> Answer:
        """Listen until there is an answer, or none.

        Raises:
            CallEnded: The caller left.
            EngineError: The recogniser is gone.
        """
        ears, filler = self._conversation.listen(), self._conversation.filler
        with self._expecting():
            while True:
                with filler.theirs(unless=lambda: not self._asked()):
                    event = await self._conversation.alive(ears.next(POLL_S))
                answer = self._silence() if event is None else self._receive(event)
                if answer is not None:
                    return answer

    @contextmanager
    def _expecting(self) -> Iterator[None]:
        ears, chronicle = self._conversation.listen(), self._conversation.chronicle
        before, chronicle.secret = chronicle.secret, chronicle.secret or self._slot.secret
        hush = self._conversation.kept.paused() if self._slot.secret else nullcontext()
        digits = (self._slot.least, self._slot.most) if isinstance(self._slot, Digits) else None
        ears.expect(slot_complete=False, keyterm=self._slot.keyterms or None, digits=digits)
        ears.floor.answers = lambda text: isinstance(self._slot.feed(text), Value)
        try:
            with hush:
                yield
        finally:
            ears.floor.answers = lambda _text: False
            ears.expect(slot_complete=None, keyterm=None, digits=None, max_silence_ms=None)
            if self._slot.secret:
                chronicle.secret_turns = ears.hide_turns()
            # The last words of who has left are still being understood.
            chronicle.secret = before or (self._slot.secret and self._conversation.over.is_set())

    def _receive(self, event: EarEvent) -> Answer | None:
        match event:
            case Deaf():
                raise event.error
            case Digit():
                return self._press(event.digit)
            case MaybeOver() if event.text.rstrip().endswith(CUT_OFF):
                self._conversation.listen().expect(slot_complete=False)
            case MaybeOver():
                self._expect(self._slot.feed(self._joined(event.text), self._keys))
            case SpeechBegan() | WentOn():
                self._conversation.listen().expect(slot_complete=False)
            case TurnOver() if event.text:
                return self._hear(event)
            case TurnOver():
                pass  # a noise
        self._latest = self._conversation.now()
        return None

    def _expect(self, fed: Missing | Value[Any]) -> None:
        """Tell the recogniser how the turn is to go on from here."""
        ears = self._conversation.listen()
        if isinstance(fed, Value):
            ears.expect(slot_complete=None if fed.open_ended else True)
        elif fed.begun:
            ears.expect(slot_complete=False, max_silence_ms=round(1000 * min(MOST_SILENCE_S, fed.patience_s)))
        else:
            ears.expect(slot_complete=None)

    def _hear(self, over: TurnOver) -> Answer | None:
        fed = self._slot.feed(self._joined(over.text), self._keys)
        if isinstance(fed, Value):
            return Answer(fed.value, text=self._joined(over.text))
        if self._conversation.listen().began_at(over) < self._since:
            return None  # it was said before anything was asked
        self._words.append(over.text)
        self._missing, self._latest = fed, self._conversation.now()
        return None if fed.begun else Answer(None, fed.reason, self._joined())

    def _press(self, key: str) -> Answer | None:
        self._keys += key
        self._latest = self._conversation.now()
        fed = self._slot.feed(self._joined(), self._keys)
        if isinstance(fed, Value) and (key == POUND or not fed.open_ended):
            if key != POUND:
                self._conversation.listen().entry_over()
            return Answer(fed.value, text=self._joined())
        self._missing = fed if isinstance(fed, Missing) else Missing(KEY_GAP_S, begun=True)
        return Answer(None, self._missing.reason) if key == POUND and isinstance(fed, Missing) else None

    def _silence(self) -> Answer | None:
        """What it means that nothing happened for a while."""
        now = self._conversation.now()
        if not self._asked():
            self._latest = now
            return None
        quiet = min(self._conversation.leg.floor.quiet_for(now), now - self._latest)
        if self._keys:
            if quiet < KEY_GAP_S:
                return None
            fed = self._slot.feed(self._joined(), self._keys)
            text = self._joined()
            return Answer(fed.value, text=text) if isinstance(fed, Value) else Answer(None, fed.reason, text)
        if quiet < (self._missing.patience_s if self._words else self._no_input_s):
            return None
        return Answer(None, self._missing.reason if self._words else "silence", self._joined())

    def _joined(self, more: str = "") -> str:
        return " ".join([*self._words, more]).strip()

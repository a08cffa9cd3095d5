"""`ask` with several slots: one question, as many of them filled by a sentence as it holds, the rest asked for.

"A table for four on Friday" fills two of three; then the third is asked for by a question of its own. With `confirm`
all of it is said back; "no, *five* people" corrects that one, and all is said back again.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from media_server.call.conversation import Conversation
from media_server.call.phrases import WHAT_INSTEAD
from media_server.dialplan.answering import Answer
from media_server.dialplan.ask import question_texts
from media_server.dialplan.gather import attempt, tell
from media_server.dialplan.say import Interruptible
from media_server.dialplan.slots.form import Form
from media_server.dialplan.slots.slot import BEGUN_S, NO_MATCH_S, Missing, Slot, Value
from media_server.dialplan.slots.yes_no import YesNo
from media_server.errors import NoAnswer

Asked: TypeAlias = Slot[Any] | tuple[str, Slot[Any]]
"""A slot, or the question for it and the slot."""

CORRECTIONS = 4
"""How often something may be corrected before we give up."""


class FormSlot:
    """A form as one slot: an answer is whatever fills more of it than before."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.secret = form.secret
        self.keyterms = form.keyterms
        first = form.missing[0] if form.missing else ""
        self.keys_hint = form.slots[first].keys_hint if first else ""

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[Form]:
        """The form with what the answer fills; of a sentence more may come, keys fill one slot a time."""
        fed = self._form.feed(text, dtmf)
        if len(fed.values) > len(self._form.values):
            return Value(fed, open_ended=fed.open_ended or not (fed.complete or dtmf))
        return Missing(BEGUN_S if fed.begun else NO_MATCH_S, "no_match", begun=fed.begun)

    def spoken(self, value: Any) -> str:
        """What is filled, as words."""
        return ", ".join(value.spoken().values())


class Confirmation:
    """Yes, no, or a correction of what a form has; `told` is the form afterwards, and whether it is right."""

    secret = False
    keyterms = ()

    def __init__(self, form: Form) -> None:
        self._form = form
        self._yes_no = YesNo()
        self.keys_hint = self._yes_no.keys_hint

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[tuple[Form, bool]]:
        """What the caller says to what we understood."""
        told = self._yes_no.feed(text, dtmf)
        corrected = self._form.correct(text) if text and not dtmf else self._form
        changed = corrected.values != self._form.values
        if isinstance(told, Value):
            right = bool(told.value) and not changed
            return Value((corrected, right), open_ended=not right and not changed)
        return Value((corrected, False)) if changed else told

    def spoken(self, value: Any) -> str:
        """Yes or no."""
        return "yes" if value[1] else "no"


async def ask_several(
    conversation: Conversation,
    question: str,
    slots: Mapping[str, Asked],
    *,
    retries: int = 2,
    barge_in: Interruptible = True,
    confirm: str | bool = False,
) -> dict[str, Any]:
    """Ask until all slots are filled, and right.

    Raises:
        NoAnswer: One of them was not, `retries` times after the first.
        CallEnded: The caller left.
        EngineError: Speech failed.
    """
    questions = {name: asked[0] if isinstance(asked, tuple) else _question(name) for name, asked in slots.items()}
    form = Form({name: asked[1] if isinstance(asked, tuple) else asked for name, asked in slots.items()})
    if confirm and form.secret:
        raise ValueError("a secret is not said back: confirm does not go with it")
    while not form.complete:
        wanted = question if not form.values else questions[form.missing[0]]
        form = await _more(conversation, form, wanted, retries=retries, barge_in=barge_in)
    if confirm:
        form = await _confirmed(conversation, form, confirm, retries=retries)
    return dict(form.values)


async def _more(
    conversation: Conversation, form: Form, question: str, *, retries: int, barge_in: Interruptible
) -> Form:
    """The form with at least one slot more."""
    slot, reason = FormSlot(form), ""
    for number in range(retries + 1):
        texts = question_texts(question, reason, number, keys_hint=slot.keys_hint)
        answer = await attempt(conversation, slot, texts, barge_in=barge_in)
        if answer.fits:
            filled: Form = answer.value
            _tell_changes(conversation, form, filled)
            return filled
        tell(conversation, form.missing[0], slot, answer)
        reason = answer.reason
    raise NoAnswer(question, reason)


async def _confirmed(conversation: Conversation, form: Form, confirm: str | bool, *, retries: int) -> Form:
    """The form, once the caller has said that it is right."""
    for _ in range(CORRECTIONS):
        said = f"{', '.join(form.spoken().values())}. Is that right?"
        text = said if confirm is True else str(confirm).format(**form.values)
        answer = await _asked(conversation, Confirmation(form), text, retries)
        told, right = answer.value
        if right:
            return form
        if told.values == form.values:
            answer = await _asked(conversation, Confirmation(form), WHAT_INSTEAD, retries)
            told, _ = answer.value
        _tell_changes(conversation, form, told)
        form = told
    raise NoAnswer(text, "not_confirmed")


async def _asked(conversation: Conversation, slot: Confirmation, question: str, retries: int) -> Answer:
    reason = ""
    for number in range(retries + 1):
        texts = question_texts(question, reason, number, keys_hint=slot.keys_hint)
        answer = await attempt(conversation, slot, texts)
        if answer.fits:
            return answer
        reason = answer.reason
    raise NoAnswer(question, reason)


def _tell_changes(conversation: Conversation, before: Form, after: Form) -> None:
    for name, value in after.values.items():
        if name not in before.values or before.values[name] != value:
            tell(conversation, name, after.slots[name], Answer(value))


def _question(name: str) -> str:
    return f"And the {name.replace('_', ' ')}?"

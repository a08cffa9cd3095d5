"""The slots that a list of verbs asks for, and whether they can be asked for as the list says. Pure."""

import re
from string import Formatter
from typing import Any

from media_server.dialplan.ask_several import Asked
from media_server.dialplan.slots.schema import SlotSpec, slot_of
from media_server.dialplan.verbs import AskVerb, GatherVerb, Verbs
from media_server.errors import InvalidVerbs

_OF_TIME = frozenset({"date", "time"})
_FORMAT = re.compile(r"(%[A-Za-z]|[ .,:/-]){0,20}", re.ASCII)
MAX_FIELDS = 16
"""Names in a text of confirmation; more would make a book of it."""


def check_slots(verbs: Verbs) -> Verbs:
    """The same verbs, whose slots can be made, and whose texts of confirmation can be said.

    Raises:
        InvalidVerbs: One cannot.
    """
    for verb in verbs:
        if isinstance(verb, GatherVerb):
            slot_of(verb.slot)
        elif isinstance(verb, AskVerb):
            _check_ask(verb)
    return verbs


def slots_of(verb: AskVerb) -> dict[str, Asked]:
    """The slots of a question with several of them, each with a question of its own where it has one."""
    return {
        name: (each.question, slot_of(each.slot)) if each.question else slot_of(each.slot)
        for name, each in (verb.slots or {}).items()
    }


def _check_ask(verb: AskVerb) -> None:
    specs: dict[str, SlotSpec] = {name: each.slot for name, each in (verb.slots or {}).items()}
    if verb.slot is not None:
        specs[verb.as_ or "value"] = verb.slot
    slots: list[Any] = [slot_of(spec) for spec in specs.values()]
    if not verb.confirm:
        return
    if any(slot.secret for slot in slots):
        raise InvalidVerbs("ask.confirm: a secret is not said back")
    if isinstance(verb.confirm, str):
        kinds: dict[str, str] = {name: spec.type for name, spec in specs.items()}
        _check_text(verb.confirm, kinds if verb.slot is None else kinds | {"value": "text"})


def _check_text(text: str, kinds: dict[str, str]) -> None:
    """A text is filled in by name only: it comes from outside, and a format can reach into what it formats.

    Raises:
        InvalidVerbs: It wants more than names, or ones that are none; or of a date or time what is no format of it.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise InvalidVerbs("ask.confirm: a brace is not closed") from None
    fields = [part for part in parts if part[1] is not None]
    if len(fields) > MAX_FIELDS:
        raise InvalidVerbs(f"ask.confirm: more than {MAX_FIELDS} names")
    for _, name, form, conversion in fields:
        if name is None or name not in kinds:
            raise InvalidVerbs("ask.confirm: in braces stand names of what is asked for")
        if conversion or (form and not (kinds[name] in _OF_TIME and _FORMAT.fullmatch(form))):
            raise InvalidVerbs("ask.confirm: only a date or a time has a format, as {day:%A}")

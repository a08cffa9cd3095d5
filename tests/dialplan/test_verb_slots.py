"""What may be asked for, and said back, by somebody who is not trusted with a format."""

from typing import Any

import pytest

from media_server.dialplan.verb_slots import check_slots, slots_of
from media_server.dialplan.verbs import AskVerb, validate_verbs
from media_server.errors import InvalidVerbs

DIGITS = {"type": "digits", "min": 4}
DAY = {"type": "date"}


def ask(**more: Any) -> Any:
    return validate_verbs([{"verb": "ask", "question": "?", **more}])


@pytest.mark.parametrize(
    ("confirm", "slot"),
    [
        (True, DIGITS),
        ("{value}. Is that right?", DIGITS),
        ("{code}, {value}, and {{braces}}?", DIGITS),
        ("{code:%A, %d. %B}?", DAY),
        ("A text without any.", DAY),
    ],
)
def test_a_confirmation_names_what_was_asked_for(confirm: Any, slot: Any) -> None:
    verbs = ask(slot=slot, confirm=confirm, **{"as": "code"})
    assert check_slots(verbs) == verbs


@pytest.mark.parametrize(
    "confirm",
    [
        "{value.__class__.__mro__}",
        "{value[0]}",
        "{value!r}",
        "{value:>9999999999}",
        "{code:>9999999999}",
        "{code:%99999999d}",
        "{code:{value}}",
        "{other}",
        "{}",
        "{0}",
        "{value",
        "}",
        "{value}" * 17,
    ],
)
def test_a_format_that_reaches_further_is_refused(confirm: str) -> None:
    with pytest.raises(InvalidVerbs):
        check_slots(ask(slot=DAY, confirm=confirm, **{"as": "code"}))


def test_a_secret_is_not_said_back() -> None:
    secret = {**DIGITS, "secret": True}
    with pytest.raises(InvalidVerbs, match="secret"):
        check_slots(ask(slot=secret, confirm=True))
    with pytest.raises(InvalidVerbs, match="secret"):
        check_slots(ask(slots={"day": {"slot": DAY}, "pin": {"slot": secret}}, confirm=True))
    check_slots(ask(slot=secret))


def test_what_a_slot_cannot_be_made_of_is_refused_before_anything_is_performed() -> None:
    with pytest.raises(InvalidVerbs, match="slot"):
        check_slots(ask(slots={"a": {"slot": {"type": "digits", "min": 5, "max": 2}}}))


def test_each_of_several_slots_may_have_a_question_of_its_own() -> None:
    (verb,) = ask(slots={"day": {"slot": DAY, "question": "Which day?"}, "code": {"slot": DIGITS}})
    assert isinstance(verb, AskVerb)
    slots = slots_of(verb)
    assert isinstance(slots["day"], tuple)
    assert slots["day"][0] == "Which day?"
    assert not isinstance(slots["code"], tuple)

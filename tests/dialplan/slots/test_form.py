from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.slots import Date, Digits, Form, Name, Number, Time, YesNo

WEDNESDAY = date(2026, 11, 25)
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
BOOKING = Form(
    {
        "people": Number(1, 12),
        "day": Date(future=True, today=WEDNESDAY),
        "time": Time(after="17:00", before="22:30"),
    }
)
WHOLE = {"people": 4, "day": FRIDAY, "time": time(19, 30)}


@pytest.mark.parametrize(
    "text",
    [
        "a table for four on Friday at seven thirty", "on Friday at 7:30 for four",
        "four people, Friday, half past seven",
        "Friday, 7:30 p.m., we are 4 people", "four, Friday, seven thirty",
    ],
)  # fmt: skip
def test_one_sentence_fills_all_slots(text: str) -> None:
    assert BOOKING.feed(text).values == WHOLE


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("four", {"people": 4}), ("Friday", {"day": FRIDAY}), ("at seven", {"time": time(19)}),
        ("Friday at 8", {"day": FRIDAY, "time": time(20)}), ("for eight", {"people": 8}), ("hello?", {}),
    ],
)  # fmt: skip
def test_part_of_it_fills_some_and_names_the_rest(text: str, filled: dict[str, object]) -> None:
    form = BOOKING.feed(text)
    assert form.values == filled
    assert form.missing == tuple(name for name in BOOKING.slots if name not in filled)


def test_the_next_answer_goes_to_what_is_missing() -> None:
    first = BOOKING.feed("four people on Friday")
    assert first.feed("seven").values == {"people": 4, "day": FRIDAY, "time": time(19)}
    assert BOOKING.feed("four").feed("Friday").feed("eight").complete


def test_an_answer_that_grows_is_fed_to_the_same_form_again() -> None:
    assert BOOKING.feed("for four on Friday").values == {"people": 4, "day": FRIDAY}
    assert BOOKING.feed("for four on Friday no Saturday at seven").values == {
        "people": 4, "day": SATURDAY, "time": time(19),
    }  # fmt: skip


@pytest.mark.parametrize("keys", ["4#11271930", "4#1127#1930#", "411271930"])
def test_keys_go_to_what_is_missing_in_its_order(keys: str) -> None:
    assert BOOKING.feed("", keys).values == WHOLE
    assert BOOKING.feed("", "4#11").begun


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("no, five people", {"people": 5}), ("not Friday, Saturday", {"day": SATURDAY}),
        ("Not four, five.", {"people": 5}),
        ("no, at eight", {"time": time(20)}), ("on Saturday, and six people", {"day": SATURDAY, "people": 6}),
        ("three", {"people": 3}), ("no", {}), ("yes, that's right", {}), ("half past eight", {"time": time(20, 30)}),
    ],
)  # fmt: skip
def test_a_correction_replaces_what_it_names(text: str, changed: dict[str, object]) -> None:
    form = BOOKING.feed("a table for four on Friday at seven thirty")
    assert form.correct(text).values == WHOLE | changed


def test_a_correction_that_fits_two_changes_none_and_says_so() -> None:
    form = BOOKING.feed("a table for four on Friday at seven thirty").correct("make it eight")
    assert form.values == WHOLE
    assert set(form.unsure) == {"people", "time"}


def test_a_telephone_number_is_no_time() -> None:
    form = Form({"phone": Digits(7, 15), "time": Time(), "name": Name()})
    filled = form.feed("my name is Mary, my number is 555 1212, at seven thirty p.m.")
    assert filled.values == {"phone": "5551212", "time": time(19, 30), "name": "Mary"}


def test_one_slot_is_corrected_by_its_bare_value() -> None:
    form = Form({"people": Number(1, 12)}).feed("four")
    assert form.correct("actually five").values == {"people": 5}
    assert Form({"ok": YesNo()}).feed("yes").correct("no").values == {"ok": True}


@given(st.text(max_size=300), st.text("0123456789*#", max_size=12))
def test_whatever_is_said_it_answers_and_says_the_same_again(text: str, keys: str) -> None:
    form = BOOKING.feed(text, keys)
    assert BOOKING.feed(text, keys) == form
    form.correct(text)

"""What holds for all slots, whatever is said."""

import string
from datetime import date
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_server.dialplan.slots import (
    Choice,
    Date,
    Digits,
    Email,
    Missing,
    Name,
    Number,
    Slot,
    Text,
    Time,
    Value,
    YesNo,
)  # fmt: skip
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

SLOTS: list[Slot[Any]] = [
    Digits(6), Digits(7, 15, secret=True), Number(1, 12), Number(-(10**12), 10**12), YesNo(),
    Choice(["ham", "cheese", "the works"]), Choice({"a b": ["c"], "d": ["e f g"]}),
    Date(future=True, today=date(2026, 11, 25)), Date(past=True, today=date(2026, 11, 25)), Date(today=date(1, 1, 1)),
    Date(today=date(9999, 12, 31)), Time(after="17:00"), Time(), Email(), Text(), Name(),
]  # fmt: skip
WORDS = """
four five oh double triple twenty hundred thousand and a dozen no not but sorry i mean make it yes right friday the
third of march next week in two at half past quarter to 7 30 1930 p m am o'clock 3rd 2026
555 1212 john dot example com gmail
as ham cheese second one number my name is it's 99999999999999999999
"""
SENTENCES = st.lists(st.sampled_from(WORDS.split()), max_size=14)
GLUE = st.sampled_from([" ", ", ", ". ", "-", ":", "/", "@", "|"])


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
@settings(max_examples=30)
@given(text=st.text(max_size=200) | st.text(string.printable, max_size=200), keys=st.text("0123456789*#A", max_size=20))
def test_arbitrary_text_is_missing_or_a_value(slot: Slot[Any], text: str, keys: str) -> None:
    for answer in (slot.feed(text), slot.feed(text, keys)):
        assert isinstance(answer, Missing | Value)


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
@settings(max_examples=40)
@given(words=SENTENCES, glue=GLUE)
def test_words_in_any_order_are_too_and_the_case_is_no_matter(slot: Slot[Any], words: list[str], glue: str) -> None:
    text = glue.join(words)
    answer = slot.feed(text)
    assert slot.feed(text) == answer
    if not isinstance(slot, Text):
        assert told(slot, text.upper()) == told(slot, text)
    if isinstance(answer, Value) and answer.span is not None:
        start, end = answer.span
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
@settings(max_examples=20)
@given(words=SENTENCES, mark=st.sampled_from([".", "!", "?", ",", "..."]))
def test_a_last_mark_changes_nothing(slot: Slot[Any], words: list[str], mark: str) -> None:
    text = " ".join(words)
    if not isinstance(slot, Text):
        assert told(slot, text + mark) == told(slot, text)


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: type(slot).__name__)
@pytest.mark.parametrize(
    "piece", ["five ", "no ", "not ", "at ", "a.", "1,", "7:", "i mean ", "double ", "the third of ", "|"]
)
def test_what_is_very_long_takes_no_long_time(slot: Slot[Any], piece: str) -> None:
    text = piece * (200_000 // len(piece))
    took = []
    for _ in range(3):  # what else the machine did meanwhile is not the slot's doing
        begun = process_time()
        slot.feed(text)
        took.append(process_time() - begun)
    assert min(took) < 0.1


def test_languages_that_are_not_known_are_refused_at_construction() -> None:
    for make in (YesNo, Date, Time, Email, Text, Name):
        make(language="en-GB")
        with pytest.raises(ConfigError, match="English"):
            make(language="de")


def test_only_what_is_asked_to_be_is_secret() -> None:
    assert [slot.secret for slot in (Digits(4), Number(1, 2), Text())] == [False] * 3
    assert [slot.secret for slot in (Digits(4, secret=True), Number(1, 2, secret=True), Text(secret=True))] == [
        True
    ] * 3

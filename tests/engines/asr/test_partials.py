from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.asr.agreement import agreed
from engines.asr.events import Partial
from engines.asr.partials import LEAST_S, MOST_S, Partials
from engines.strain import Strain

RATE = 8000
TEXTS = st.lists(st.lists(st.sampled_from(["open", "the", "door", "door."]), max_size=6).map(" ".join), max_size=12)


def told(texts: list[str]) -> list[Partial]:
    partials = Partials(RATE)
    events = [partials.finish(text, 0.1, turn=1, revision=1, start=0.0, confidence=0.9) for text in texts]
    return [event for event in events if event is not None]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("", "open the door", ""),
        ("open the", "open the door", "open"),
        ("open the door", "open the door", "open the"),
        ("open the door.", "open the door to", "open the"),
        ("open a door now", "open the door now", "open"),
        ("Open the door", "open the door", ""),
    ],
)
def test_two_decodes_agree_on_whole_words_that_others_follow(before: str, now: str, words: str) -> None:
    assert agreed(before.split(), now.split()) == words.split()


@given(TEXTS)
def test_what_was_stable_is_in_all_later_partials(texts: list[str]) -> None:
    for before, after in pairwise(told(texts)):
        assert after.stable >= before.stable
        assert after.text[: before.stable] == before.text[: before.stable]


@given(TEXTS)
def test_what_is_not_stable_is_what_was_heard_last(texts: list[str]) -> None:
    heard = [text for text in texts if text]
    for event, text in zip(told(texts), heard, strict=True):
        assert (
            event.text.split()[len(event.text[: event.stable].split()) :]
            == (text.split()[len(event.text[: event.stable].split()) :])
        )


def test_slow_decodes_and_strain_make_partials_rarer() -> None:
    partials = Partials(RATE)

    def least(strain: Strain) -> float:
        return next(voiced / RATE for voiced in range(0, 10 * RATE, 80) if partials.due(voiced, strain))

    assert least(Strain.NONE) == LEAST_S
    partials.finish("open", 0.6, turn=1, revision=1, start=0.0, confidence=0.9)
    assert least(Strain.NONE) == pytest.approx(1.2)
    assert least(Strain.SLOW_PARTIALS) == MOST_S
    assert not partials.due(100 * RATE, Strain.NO_PARTIALS)


def test_in_a_conversation_they_are_rarer_so_that_the_answer_need_not_wait() -> None:
    alone, talking = Partials(RATE), Partials(RATE, talk=True)
    for partials in (alone, talking):
        partials.finish("open", 0.3, turn=1, revision=1, start=0.0, confidence=0.9)
    assert alone.due(int(0.7 * RATE), Strain.NONE)
    assert not talking.due(int(1.7 * RATE), Strain.NONE)
    assert talking.due(int(1.9 * RATE), Strain.NONE)
    assert talking.due(int(4.1 * RATE), Strain.SLOW_PARTIALS)

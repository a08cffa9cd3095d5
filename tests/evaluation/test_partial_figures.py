import pytest

from engines.asr.events import Final, Partial, SpeechStarted, TurnEnded
from engines.ports import HeardWord
from media_server.evaluation.partial_figures import (
    Shown,
    Told,
    WordLag,
    broken_promises,
    shown,
    taken_back,
    word_lags,
)


def partial(text: str, stable: int = 0) -> Partial:
    return Partial(1, 1, text, stable, 0.0, 1.0, 0.9)


def final(text: str) -> Final:
    return Final(1, text, 0.0, 1.0, "en", 0.9)


ENDED = TurnEnded(1, 1.0, 1.4, 0.5, "silence")

TOLD: list[Told] = [
    (0.1, SpeechStarted(1, 0.1)),
    (1.0, partial("All search")),
    (1.5, partial("All circuits are", 3)),
    (2.0, final("All circuits are busy.")),
    (2.0, ENDED),
    (3.0, partial("No", 2)),
    (3.5, final("Now!")),
    (3.5, ENDED),
]


def test_what_is_seen_is_the_finals_and_the_partial_behind_them() -> None:
    assert shown(TOLD) == [
        Shown(1.0, "All search", 0),
        Shown(1.5, "All circuits are", 3),
        Shown(2.0, "All circuits are busy.", 22),
        Shown(3.0, "All circuits are busy. No", 25),
        Shown(3.5, "All circuits are busy. Now!", 27),
    ]


def test_a_final_that_says_what_the_partial_said_changes_nothing() -> None:
    assert len(shown([(1.0, partial("Yes.")), (2.0, final("Yes.")), (2.0, ENDED)])) == 1


def test_a_partial_that_became_no_words_is_gone() -> None:
    seen = shown([(1.0, partial("Thank you.", 5)), (2.0, ENDED)])
    assert [each.text for each in seen] == ["Thank you.", ""]
    assert (taken_back(seen), broken_promises(seen)) == (10, 5)


def test_characters_are_taken_back_from_where_two_texts_differ() -> None:
    assert taken_back(shown(TOLD)) == len("search")
    assert broken_promises(shown(TOLD)) == 0
    changed = shown([(1.0, partial("Open the door", 8)), (2.0, partial("Open a door", 4))])
    assert (taken_back(changed), broken_promises(changed)) == (len("the door"), len("the"))


def test_a_word_is_there_first_and_then_for_good() -> None:
    seen = shown([
        (1.0, partial("open the")),
        (1.5, partial("Often a door")),
        (2.0, final("Open the door.")),
    ])  # fmt: skip
    words = [HeardWord("Open", 0, 0.5, 1), HeardWord("the", 0.5, 0.7, 1), HeardWord("door.", 0.7, 1.2, 1)]
    lags = word_lags(seen, words)
    assert [each.first for each in lags] == pytest.approx([0.5, 0.3, 0.3])
    assert [each.stayed for each in lags] == pytest.approx([1.5, 1.3, 0.3])


def test_words_without_times_have_no_lag() -> None:
    assert word_lags(shown(TOLD), []) == []
    assert word_lags([], []) == []
    assert word_lags([Shown(1.0, "yes", 3)], [HeardWord("yes", 0, 0.4, 1)]) == [WordLag(0.6, 0.6)]

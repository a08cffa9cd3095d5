import pytest

from media_server.evaluation.word_errors import Errors, errors


def test_case_punctuation_and_numbers_written_otherwise_are_no_errors() -> None:
    assert errors("Press twenty-one, please.", "press 21 please", "en") == Errors(3, 0, 15, 0)


def test_substituted_deleted_and_inserted_words_count() -> None:
    found = errors("open the old door", "open a door now", "en")
    assert (found.words, found.word_errors) == (4, 3)
    assert found.wer == 75.0
    assert found.cer == pytest.approx(100 * found.character_errors / 17)


def test_errors_add_up_over_utterances_of_any_length() -> None:
    together = errors("one", "two", "de") + errors("eins zwei drei", "eins zwei drei", "de")
    assert (together.words, together.word_errors, together.wer) == (4, 1, 25.0)


def test_what_is_heard_where_nothing_was_said_is_too_much() -> None:
    assert errors("", "thank you", "en") == Errors(0, 2, 0, 9)
    assert errors("", "", "en").wer is None


def test_other_languages_keep_their_letters() -> None:
    assert errors("Über die Brücke.", "über die brücke", "de").word_errors == 0
    assert errors("Über", "Uber", "de").word_errors == 1

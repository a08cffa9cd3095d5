import pytest

from engines.asr.digit_rows import miscounted, tokens_of_hyphens, tokens_of_rows

TEN = (10, 10)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("917-279-7222", False), ("9, 1, 7, 2, 7, 9, 7, 2, 2, 2, 2.", True), ("917-797-222", True), ("917 279", False),
        ("My number is 917-797-222", False), ("", False), ("12345678901", True),
    ],
)  # fmt: skip
def test_digits_are_miscounted_where_there_are_too_many_or_one_too_few(text: str, wrong: bool) -> None:
    assert miscounted(text, TEN) is wrong


def test_between_two_counts_all_are_right() -> None:
    assert [miscounted("1" * count, (7, 9)) for count in range(5, 11)] == [False, True, False, False, False, True]


def test_tokens_of_several_digits_and_of_hyphens_are_found_by_their_text() -> None:
    vocabulary = {"1": 0, "\u0120" + "12": 1, "\u0120" + "1": 2, "-": 3, "--": 4, "e-mail": 5, "<|12.00|>": 6, ".": 7}
    assert tokens_of_rows(vocabulary) == (1,)
    assert tokens_of_hyphens(vocabulary) == (3, 4)

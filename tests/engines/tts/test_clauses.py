import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.tts.clauses import MAX_CLAUSE, MAX_FIRST_CLAUSE, ClauseSplitter, pronounceable


def split(*pieces: str) -> list[str]:
    splitter = ClauseSplitter()
    return [clause for piece in pieces for clause in splitter.feed(piece)] + splitter.flush()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("You said, open the door.", ["You said,", " open the door."]),
        ("Open the door, you said.", ["Open the door,", " you said."]),
        ("Yes, I can. What else?", ["Yes, I can.", " What else?"]),
        ("It costs 3.50 at 10:30. Fine!", ["It costs 3.50 at 10:30.", " Fine!"]),
        ("I saw Dr. Smith. He left.", ["I saw Dr. Smith.", " He left."]),
        ("Take fruit, e.g. apples, pears, figs. Eat!", ["Take fruit,", " e.g. apples, pears, figs.", " Eat!"]),
        ("J. R. Hartley? Yes.", ["J. R. Hartley?", " Yes."]),
        ("See https://a.example/x.y?z=1, now. Bye.", ["See https://a.example/x.y?z=1,", " now.", " Bye."]),
        ('"Really?!" he said... So.', ['"Really?!"', " he said...", " So."]),
        ("One\ntwo", ["One\n", "two"]),
        ("Is it so? No. I think.", ["Is it so?", " No.", " I think."]),
        ("Go to gate No. 5 now. Bye.", ["Go to gate No. 5 now.", " Bye."]),
        ("Dial ext. 12 or Apt. #5, see Fig. 3. Bye.", ["Dial ext. 12 or Apt. #5,", " see Fig. 3.", " Bye."]),
        ("Take 8 oz. of milk. Or 2 lb. Then stir.", ["Take 8 oz. of milk.", " Or 2 lb.", " Then stir."]),
        ("... and then", ["... and then"]),
        ("你好。再见。", ["你好。", "再见。"]),
        ("", []),
    ],
)
def test_clauses_end_where_a_speaker_would_pause(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("On March 3, 2026 we open, at nine.", ["On March 3, 2026 we open,", " at nine."]),
        ("1. Milk and eggs. 2. Bread.", ["1. Milk and eggs.", " 2. Bread."]),
        (
            "See [Hello there. You](https://x.org/a) now. Bye.",
            ["See [Hello there. You](https://x.org/a) now.", " Bye."],
        ),
        (f"Look https://x.org/{'a' * 300} here.", ["Look", f" https://x.org/{'a' * 300}", " here."]),
        (
            f"[our own page](https://x.org/{'a' * 300}) is up.",
            [f"[our own page](https://x.org/{'a' * 300})", " is up."],
        ),
        (
            "You may reach our friendly front desk on weekdays at +1 415 555 0100 today",
            ["You may reach our friendly front desk on weekdays at", " +1 415 555 0100 today"],
        ),
    ],
)
def test_addresses_links_and_numbers_stay_whole(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses
    tokens = re.findall(r"\W?\w+|\W", text)
    assert "".join(tokens) == text
    assert [clause for clause in split(*tokens) if "](" in clause or "://" in clause] == [
        clause for clause in clauses if "](" in clause or "://" in clause
    ]


def test_an_address_that_comes_in_pieces_is_waited_for() -> None:
    assert split("Ask sales@example.", "com or see https://example.", "com/a. Bye.") == [
        "Ask sales@example.com or see https://example.com/a.",
        " Bye.",
    ]


def test_a_long_first_clause_is_cut_before_a_conjunction() -> None:
    first, *_ = split("We open at nine in the morning and we close at half past six in the evening on all weekdays")
    assert first == "We open at nine in the morning and we close at half past six" or first.endswith("morning")
    assert len(first) <= MAX_FIRST_CLAUSE


def test_a_sentence_is_given_out_with_the_piece_that_ends_it() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("Hello there.") == ["Hello there."]
    assert splitter.feed(" Sure.") == [" Sure."]


def test_tokens_are_waited_for_where_more_may_follow() -> None:
    splitter = ClauseSplitter()
    tokens = ["It", " costs", " 3", ".", "50", ".", " Ask", " Dr", ".", " Who", "."]
    assert [clause for token in tokens for clause in splitter.feed(token)] == ["It costs 3.50."]
    assert splitter.flush() == [" Ask Dr. Who."]


def test_a_number_is_waited_for_behind_its_word() -> None:
    splitter = ClauseSplitter()
    assert [splitter.feed(piece) for piece in ("Go to gate No.", " ", "5 now.")] == [[], [], ["Go to gate No. 5 now."]]
    assert [splitter.feed(piece) for piece in (" No.", " I think.")] == [[], [" No.", " I think."]]


TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(" \n.,!?;:\"'3aé\u202e")), max_size=600)


@given(st.lists(TEXTS, max_size=5))
def test_joined_the_clauses_are_the_text(pieces: list[str]) -> None:
    assert "".join(split(*pieces)) == "".join(pieces)


@given(TEXTS)
def test_no_clause_is_too_long(text: str) -> None:
    clauses = split(text)
    assert all(0 < len(clause) <= MAX_CLAUSE for clause in clauses)
    assert all(len(clause) <= MAX_FIRST_CLAUSE for clause in clauses[:1])


@given(st.lists(st.from_regex(r"\A[0-9]{1,4}\.[0-9]{2}\Z"), min_size=1, max_size=40))
def test_a_number_is_never_cut(numbers: list[str]) -> None:
    words = [word for clause in split(" ".join(numbers)) for word in clause.split()]
    assert words == numbers


def test_a_word_of_fifty_thousand_letters_is_cut_into_bounded_clauses() -> None:
    clauses = split("x" * 50_000)
    assert "".join(clauses) == "x" * 50_000
    assert max(map(len, clauses)) == MAX_CLAUSE


@pytest.mark.parametrize("text", ["", "  \n", "...!?", "🙂🙂", "\u202e\u200f", "\x00\x1b", "\ud800"])
def test_some_text_cannot_be_pronounced(text: str) -> None:
    assert not pronounceable(text)

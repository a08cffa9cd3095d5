import pytest

from media_server.dialplan.slots import Choice
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told

PIZZA = Choice(["ham", "cheese", "the works", "wild mushrooms"])
DESK = Choice({"sales": ["buy something", "purchase"], "support": ["help", "technical problem", "billing department"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ham please", "ham"), ("The cheese one.", "cheese"), ("cheeses", "cheese"), ("works", "the works"),
        ("a mushroom pizza", "wild mushrooms"), ("the second one", "cheese"), ("number three", "the works"),
        ("the last one", "wild mushrooms"), ("2", "cheese"), ("one, please", "ham"), ("cheeze", "cheese"),
        ("wild mush rooms", "wild mushrooms"), ("not ham, cheese", "cheese"), ("ham, no, cheese", "cheese"),
        ("ham or cheese", "ambiguous"), ("banana", "no_match"), ("I am not sure", "no_match"), ("", "nothing"),
    ],
)  # fmt: skip
def test_one_of_a_few(text: str, expected: str) -> None:
    assert told(PIZZA, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I want to buy something", "sales"), ("I have technical problems", "support"), ("billing", "support"),
        ("I'd like to purchase", "sales"), ("suport", "support"), ("can you help me", "support"),
    ],
)  # fmt: skip
def test_by_other_names(text: str, expected: str) -> None:
    assert told(DESK, text) == expected


def test_by_keys() -> None:
    assert told(PIZZA, "", "2") == "cheese"
    assert told(PIZZA, "ham", "2") == "cheese"
    assert told(PIZZA, "", "7") == "out_of_range"
    assert PIZZA.keys_hint == "Press 1 for ham, 2 for cheese, 3 for the works or 4 for wild mushrooms."
    assert Choice([f"option {number}" for number in range(12)]).keys_hint == ""


def test_any_value_may_stand_behind_names() -> None:
    slot = Choice({1: ["one night"], 7: ["a week"]})
    assert told(slot, "a week, please") == 7
    assert slot.spoken(7) == "a week"


def test_the_names_are_what_the_recogniser_should_expect() -> None:
    assert DESK.keyterms == ("sales", "support")


def test_options_must_be_told_apart() -> None:
    for options in ([], ["ham", "Hams"], ["..."]):
        with pytest.raises(ConfigError):
            Choice(options)
    with pytest.raises(ConfigError):
        Choice({1: []})

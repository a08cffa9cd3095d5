import pytest

from media_server.dialplan.slots import Missing, Name
from tests.dialplan.slots.told import told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my name is John Smith", "John Smith"), ("It's Mary.", "Mary"), ("JOHN SMITH", "John Smith"),
        ("this is bob o'brien speaking", "Bob O'Brien"), ("J O H N", "John"), ("J-O-H-N", "John"),
        ("John Smith, that's S M Y T H", "John Smyth"), ("S as in Sam, U, E", "Sue"),
        ("John, no, Jack Smith", "Jack Smith"), ("yes, it's Mary-Jane Watson please", "Mary-Jane Watson"),
        ("Mr. McDonald", "McDonald"), ("José García", "José García"), ("under Miller", "Miller"),
        ("I don't know", "no_match"), ("five", "no_match"), ("what do you mean by that", "no_match"), ("", "nothing"),
    ],
)  # fmt: skip
def test_a_name_is_said_or_spelled(text: str, expected: str) -> None:
    assert told(Name(), text) == expected


def test_who_introduces_themself_is_waited_for() -> None:
    missing = Name().feed("my name is")
    assert isinstance(missing, Missing)
    assert missing.begun

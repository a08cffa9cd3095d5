import pytest

from media_server.dialplan.slots import Text, Value
from media_server.errors import ConfigError
from tests.dialplan.slots.told import told


def test_text_is_taken_as_it_was_heard() -> None:
    assert told(Text(), "  My printer is   broken. ") == "My printer is broken."
    assert Text(max_words=4).feed("it is broken") == Value("it is broken", open_ended=True, span=(0, 12))


def test_too_few_and_too_many_words() -> None:
    assert told(Text(), "um") == "too_short"
    assert told(Text(3), "broken printer") == "too_short"
    assert told(Text(1, 3), "it is all broken") == "too_long"
    assert told(Text(), "a" * 6000) == "too_long"
    with pytest.raises(ConfigError):
        Text(3, 2)

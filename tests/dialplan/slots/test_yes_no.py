import pytest

from media_server.dialplan.slots import Value, YesNo
from tests.dialplan.slots.told import told

YES = """
yes|yeah sure|Yep.|that's right|correct|right|Right, yes.|okay|Okay, yes please.|sure thing|uh huh|Mm-hmm.
absolutely|of course|go ahead|sounds good|that works for me|I think so|yes, no problem|no problem
please do|exactly|that's it|perfect|that's right, isn't it?|it is|um, yeah|no wait, yes
"""
NO = """
no|Nope.|nah|not really|no thanks|no, thank you|I don't think so|no, five people|that doesn't sound right|Uh-uh.
that's not right|that's wrong|absolutely not|of course not|incorrect|Yes. No, wait, no.|not quite|I'd rather not
never mind|it isn't|Okay, no.|no, that's wrong|please don't|I'm afraid not
"""
NEITHER = "not sure|I don't know|what?|yes and no|good morning|I can't hear you|five people|no idea"


@pytest.mark.parametrize("text", YES.strip().replace("\n", "|").split("|"))
def test_yes(text: str) -> None:
    assert told(YesNo(), text) is True


@pytest.mark.parametrize("text", NO.strip().replace("\n", "|").split("|"))
def test_no(text: str) -> None:
    assert told(YesNo(), text) is False


@pytest.mark.parametrize("text", NEITHER.split("|"))
def test_neither(text: str) -> None:
    assert told(YesNo(), text) == "no_match"


def test_the_rest_of_a_no_is_left_for_a_correction() -> None:
    text = "no, five people"
    answer = YesNo().feed(text)
    assert isinstance(answer, Value)
    assert answer.span is not None
    assert text[answer.span[1] :] == ", five people"


def test_the_last_key_counts() -> None:
    assert told(YesNo(), "", "1") is True
    assert told(YesNo(), "yes", "2") is False
    assert told(YesNo(), "", "31") is True
    assert told(YesNo(), "", "3") == "no_match"


def test_what_is_said_back_is_heard_again() -> None:
    assert [told(YesNo(), YesNo().spoken(value)) for value in (True, False)] == [True, False]

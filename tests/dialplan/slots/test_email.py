import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.slots import Email
from tests.dialplan.slots.told import told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("john dot smith at example dot com", "john.smith@example.com"),
        ("John.Smith@Example.com.", "john.smith@example.com"),
        ("My email is J O H N at gmail.", "john@gmail.com"),
        ("it's j-o-h-n at gmail dot com", "john@gmail.com"),
        ("john underscore smith 42 at yahoo.co.uk", "john_smith42@yahoo.co.uk"),
        ("john smith at example dot com", "johnsmith@example.com"),
        ("mary at g mail dot com", "mary@gmail.com"),
        ("you can reach me at bob at example.org please", "bob@example.org"),
        ("john-smith at example.com", "john-smith@example.com"),
        ("anne dot o at my-company dot io", "anne.o@my-company.io"),
        ("M as in Mary, B at example.com", "mb@example.com"),
        ("jim double s at example dot com", "jimss@example.com"),
        ("john, no, jack at example dot com", "jack@example.com"),
        ("john at", "too_short"), ("no idea", "no_match"), ("meet me at noon", "too_short"), ("", "nothing"),
    ],
)  # fmt: skip
def test_an_address_is_said_or_spelled(text: str, expected: str) -> None:
    assert told(Email(), text) == expected


NAMES = st.from_regex(r"[b-hj-z][a-z]{3,8}(\.[b-z][a-z]{3,8})?[0-9]{0,3}", fullmatch=True)


@given(NAMES, st.from_regex(r"zz[a-z]{2,8}", fullmatch=True), st.sampled_from(["com", "org", "co.uk"]))
def test_what_is_read_back_is_heard_again(name: str, host: str, top: str) -> None:
    address = f"{name}@{host}.{top}"
    if told(Email(), f"{name}@zz.com") == f"{name}@zz.com":  # a name that is no word of a sentence, nor a number
        assert told(Email(), Email().spoken(address)) == address
        assert told(Email(), address.replace(".", " dot ").replace("@", " at ")) == address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import PeerError
from media_server.protocol.destination import is_allowed, normalised, pattern


@pytest.mark.parametrize(
    ("text", "dialled"),
    [
        ("+1 (555) 010-0199", "+15550100199"),
        (" +44 20 7946 0018 ", "+442079460018"),
        ("SIP:Desk@Example.COM", "sip:Desk@example.com"),
        ("sips:a.b+c@10.0.0.1:5061", "sips:a.b+c@10.0.0.1:5061"),
    ],
)
def test_a_destination_has_one_spelling(text: str, dialled: str) -> None:
    assert normalised(text) == dialled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5550100",
        "+0155501",
        "+1555",
        "+1\u0665\u0665\u06650100",
        "sip:",
        "sip:@example.com",
        "sip:a@b@c",
        "sip:a@example.com?Replaces=1",
        "sip:a@example.com;transport=tcp",
        "sip:a:secret@example.com",
        "sip:a@-example.com",
        "tel:+15550100",
        "client:bob",
        "+15550100,,9",
        "+15550100\r\nX: y",
    ],
)
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        normalised(text)


@given(st.text(max_size=300))
def test_whatever_it_is_it_becomes_a_destination_or_is_refused(text: str) -> None:
    try:
        dialled = normalised(text)
    except PeerError:
        return
    assert normalised(dialled) == dialled
    assert not set(dialled) & set("<>\"'&;?\r\n ")


@pytest.mark.parametrize(
    ("destination", "allowed", "fits"),
    [
        ("+15550100", "+15550100", True),
        ("+15550100", "+1555*", True),
        ("+15550100", "+1555010", False),
        ("+19005550100", "+1555*", False),
        ("+442079460018", "+*", True),
        ("sip:desk@example.com", "+*", False),
        ("sip:desk@example.com", "sip:*@example.com", True),
        ("sip:desk@example.com:5060", "sip:*@Example.com", True),
        ("sip:desk@example.com", "sip:desk@example.com", True),
        ("sip:other@example.com", "sip:desk@example.com", False),
        ("sip:desk@notexample.com", "sip:*@*.example.com", False),
        ("sip:desk@eu.example.com", "sip:*@*.example.com", True),
        ("sip:desk@example.com", "sip:*@*.example.com", False),
        ("sips:desk@example.com", "sip:*@example.com", False),
        ("sip:example.com@evil.example", "sip:*@example.com", False),
    ],
)
def test_the_list_allows_what_it_names(destination: str, allowed: str, fits: bool) -> None:
    assert is_allowed(destination, [pattern(allowed)]) is fits
    assert not is_allowed(destination, [])


@pytest.mark.parametrize("text", ["", "*", "1555*", "sip:*", "sip:*@*", "+1*5", "sip:a@b;c"])
def test_a_pattern_that_would_surprise_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        pattern(text)

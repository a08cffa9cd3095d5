from hashlib import sha256

import pytest

from media_server.protocol.twilio_signature import Form, is_body_signed, is_signed, parse_form, sign, websocket_url

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = parse_form("CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309")
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_the_vector_of_twilios_documentation() -> None:
    assert sign(TOKEN, URL, FORM) == SIGNATURE
    assert is_signed(TOKEN, URL, SIGNATURE, FORM)


@pytest.mark.parametrize("url", [URL + "&baz=3", URL.replace("https", "http"), URL.replace("mycompany", "yours")])
def test_another_address_is_another_signature(url: str) -> None:
    assert not is_signed(TOKEN, url, SIGNATURE, FORM)


def test_other_fields_or_token_are_another_signature() -> None:
    assert not is_signed(TOKEN, URL, SIGNATURE, Form({**FORM, "Digits": ["1235"]}))
    assert not is_signed(TOKEN, URL, SIGNATURE, Form({**FORM, "Extra": ["x"]}))
    assert not is_signed("12346", URL, SIGNATURE, FORM)
    assert not is_signed(TOKEN, URL, "", FORM)
    assert not is_signed(TOKEN, URL, "\udcff" + SIGNATURE[1:], FORM)


@pytest.mark.parametrize(
    ("signed", "configured"),
    [
        ("https://a.example:443/x", "https://a.example/x"),
        ("https://a.example/x", "https://a.example:443/x"),
        ("https://a.example/x", "https://a.example:8443/x"),
        ("wss://a.example:443/x", "wss://a.example/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
    ],
)
def test_the_port_may_be_there_or_not(signed: str, configured: str) -> None:
    assert is_signed(TOKEN, configured, sign(TOKEN, signed, FORM), FORM)


def test_another_port_is_another_address() -> None:
    assert not is_signed(TOKEN, "https://a.example:8443/x", sign(TOKEN, "https://a.example:9443/x"))


def test_a_body_is_signed_by_its_hash() -> None:
    body = b'{"CallSid": "CA1"}'
    url = f"https://a.example/twilio/status?bodySHA256={sha256(body).hexdigest()}"
    assert is_body_signed(TOKEN, url, sign(TOKEN, url), body)
    assert not is_body_signed(TOKEN, url, sign(TOKEN, url), body + b" ")
    assert not is_body_signed(TOKEN, url.partition("?")[0], sign(TOKEN, url.partition("?")[0]), body)


def test_a_field_that_comes_twice_counts_with_both_values() -> None:
    twice = parse_form("MediaUrl=b&MediaUrl=a")
    assert is_signed(TOKEN, URL, sign(TOKEN, URL, Form({"MediaUrl": ["a", "b"]})), twice)
    assert not is_signed(TOKEN, URL, sign(TOKEN, URL, Form({"MediaUrl": ["a"]})), twice)


def test_the_address_of_a_stream() -> None:
    assert websocket_url("https://a.example/twilio/stream") == "wss://a.example/twilio/stream"
    assert websocket_url("http://127.0.0.1:8000/twilio/stream") == "ws://127.0.0.1:8000/twilio/stream"

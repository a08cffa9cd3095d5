import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.twiml import ConnectStream, SayAndHangUp, connect_twiml, hangup_twiml, parse_twiml

XML = '<?xml version="1.0" encoding="UTF-8"?>'


def test_what_twilio_is_told() -> None:
    document = connect_twiml("wss://a.example/twilio/stream", "https://a.example/twilio/ended", {"token": "t"})
    assert document == (
        XML + '<Response><Connect action="https://a.example/twilio/ended"><Stream url="wss://a.example/twilio/stream">'
        '<Parameter name="token" value="t" /></Stream></Connect></Response>'
    )
    assert hangup_twiml() == XML + "<Response><Hangup /></Response>"
    assert hangup_twiml("Busy & gone") == XML + "<Response><Say>Busy &amp; gone</Say><Hangup /></Response>"


def test_a_value_cannot_become_a_verb() -> None:
    evil = '"/></Stream></Connect><Dial>+1900</Dial><Connect x="'
    document = connect_twiml(evil, evil, {evil: evil})
    assert "<Dial" not in document
    assert parse_twiml(document) == ConnectStream(evil, {evil: evil}, evil)


@given(st.text(st.characters(codec="utf-8")))
def test_any_words_make_a_document(words: str) -> None:
    said = parse_twiml(hangup_twiml(words))
    assert isinstance(said, SayAndHangUp)
    assert "<" in words or len(said.words) <= len(words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Response>",
        "<Reply/>",
        "<Response><Connect/></Response>",
        "<Response><Connect><Stream/></Connect></Response>",
        '<!DOCTYPE x [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>',
    ],
)
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ProtocolViolation):
        parse_twiml(text)

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ProtocolViolation
from media_server.protocol.twiml import (
    ConnectStream,
    DialAddresses,
    SayAndHangUp,
    connect_twiml,
    dial_twiml,
    digits_twiml,
    hangup_twiml,
    parse_twiml,
)

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


def test_a_dial_asks_where_it_was_told_to_and_escapes_what_it_is_given() -> None:
    addresses = DialAddresses("https://a/transferred?handover=1&x=<", "https://a/whisper", "https://a/callee")
    (dial,) = ET.fromstring(dial_twiml("+15550100", addresses, timeout_s=1e9, whispers=False, ring_tone='us"><Dial'))
    assert dial.attrib == {"action": addresses.action, "timeout": "600", "answerOnBridge": "true"}
    (number,) = dial
    assert (number.tag, number.text) == ("Number", "+15550100")
    assert number.attrib == {"statusCallback": addresses.answered, "statusCallbackEvent": "answered"}
    (dial,) = ET.fromstring(dial_twiml("sip:a@b.example", addresses, timeout_s=20, whispers=True, ring_tone="us"))
    assert (dial[0].tag, dial[0].get("url"), dial.get("ringTone")) == ("Sip", addresses.whisper, "us")


def test_keys_are_played_before_the_stream_is_connected() -> None:
    response = ET.fromstring(digits_twiml("1w#", "wss://a/stream", "https://a/ended", {"token": "<t>"}))
    assert [each.tag for each in response] == ["Play", "Connect"]
    assert response[0].get("digits") == "1w#"
    assert response[1][0][0].attrib == {"name": "token", "value": "<t>"}

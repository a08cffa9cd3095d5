from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.twiml_verbs import parse_twiml_verbs
from media_server.dialplan.verbs import validate_verbs
from media_server.errors import InvalidVerbs
from tests.hooks.receivers import LAUGHS

TAKEN = [
    ("<Response/>", []),
    (
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response>\n  <Say voice="alice" language="en-GB">'
            "Good  day &amp; <!-- x -->\n hello.</Say>\n</Response>"
        ),
        [{"verb": "say", "text": "Good day & hello."}],
    ),
    ('<Response><Say loop="2">Ho</Say></Response>', [{"verb": "say", "text": "Ho"}] * 2),
    ("<Response><Play>ring.wav</Play></Response>", [{"verb": "play", "source": "ring.wav"}]),
    ('<Response><Play digits="12#"/></Response>', [{"verb": "send_dtmf", "digits": "12#"}]),
    ('<Response><Pause length="3"/></Response>', [{"verb": "pause", "seconds": 3.0}]),
    (
        '<Response><Gather numDigits="4" action="/pin" timeout="7"><Say>Your</Say><Say>PIN?</Say></Gather></Response>',
        [
            {
                "verb": "gather",
                "slot": {"type": "digits", "min": 4},
                "question": "Your PIN?",
                "timeout_s": 7.0,
                "as": "gather",
                "action": "/pin",
            }
        ],
    ),
    (
        '<Response><Gather input="dtmf speech" speechTimeout="auto"/></Response>',
        [{"verb": "gather", "slot": {"type": "text"}, "timeout_s": 5.0, "as": "gather"}],
    ),
    (
        "<Response><Gather/></Response>",
        [{"verb": "gather", "slot": {"type": "digits", "min": 1, "max": 32}, "timeout_s": 5.0, "as": "gather"}],
    ),
    (
        '<Response><Dial timeout="15" action="/done">+15550100</Dial></Response>',
        [{"verb": "transfer", "to": "+15550100", "timeout_s": 15.0, "as": "dial", "action": "/done"}],
    ),
    (
        "<Response><Dial><Number>+15550100</Number></Dial><Hangup/></Response>",
        [{"verb": "transfer", "to": "+15550100", "timeout_s": 30.0, "as": "dial"}, {"verb": "hangup"}],
    ),
    (
        "<Response><Dial><Sip>sip:desk@example.com</Sip></Dial></Response>",
        [{"verb": "transfer", "to": "sip:desk@example.com", "timeout_s": 30.0, "as": "dial"}],
    ),
    (
        '<Response><Record maxLength="30" finishOnKey="#" playBeep="false" transcribe="true"/></Response>',
        [
            {
                "verb": "record",
                "max_s": 30.0,
                "silence_s": 5.0,
                "finish_on": "#",
                "beep": False,
                "transcribe": True,
                "as": "record",
            }
        ],
    ),
    (
        '<Response><Redirect method="POST">/menu?x=1&amp;y=2</Redirect></Response>',
        [{"verb": "redirect", "url": "/menu?x=1&y=2"}],
    ),
]

REFUSED = [
    ("", "twiml"),
    ("<Response>", "twiml"),
    ("<Reply/>", "twiml"),
    ("<Response>words</Response>", "twiml"),
    ('<Response xmlns="urn:x"><Say>a</Say></Response>', "twiml"),
    ("<Response><Enqueue>q</Enqueue></Response>", "verb"),
    ("<Response><Connect><Stream url='wss://x'/></Connect></Response>", "verb"),
    ("<Response><say>a</say></Response>", "verb"),
    ("<Response><Say>a<break/></Say></Response>", "verb"),
    ("<Response><Say pitch='high'>a</Say></Response>", "verb"),
    ("<Response><Say></Say></Response>", "shape"),
    ("<Response><Say loop='0'>a</Say></Response>", "shape"),
    ("<Response><Say loop='1000000'>a</Say></Response>", "shape"),
    ("<Response><Gather><Dial>1</Dial></Gather></Response>", "verb"),
    ("<Response><Gather input='mind'/></Response>", "shape"),
    ("<Response><Gather numDigits='many'/></Response>", "shape"),
    ("<Response><Gather finishOnKey='*'/></Response>", "shape"),
    ("<Response><Dial><Conference>x</Conference></Dial></Response>", "verb"),
    ("<Response><Dial><Number>1</Number><Number>2</Number></Dial></Response>", "verb"),
    ("<Response><Dial callerId='+1'>1</Dial></Response>", "verb"),
    ("<Response><Dial></Dial></Response>", "shape"),
    ("<Response><Play>https://example.com/a.mp3</Play></Response>", "shape"),
    ("<Response>" + "<Say>a</Say>" * 33 + "</Response>", "too_large"),
    ("<Response><Say>" + "a" * 70_000 + "</Say></Response>", "too_large"),
    ("<a>" * 15_000, "too_large"),
    ("<Response>" + "<Say>" * 450 + "</Say>" * 450 + "</Response>", "verb"),
    ("<Response " + " ".join(f"a{number}=''" for number in range(5_000)) + "/>", "too_large"),
    ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Response><Say>&e;</Say></Response>', "twiml"),
    ('<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><Response/>', "twiml"),
    (LAUGHS.decode(), "twiml"),
    ('<?xml version="1.0" encoding="klingon"?><Response/>', "twiml"),
]


@pytest.mark.parametrize(("document", "verbs"), TAKEN)
def test_twiml_is_read_as_verbs(document: str, verbs: list[dict[str, object]]) -> None:
    assert parse_twiml_verbs(document.encode()) == validate_verbs(verbs)


@pytest.mark.parametrize(("document", "reason"), REFUSED)
def test_what_is_not_taken_is_refused_by_a_reason(document: str, reason: str) -> None:
    with pytest.raises(InvalidVerbs) as refusal:
        parse_twiml_verbs(document.encode())
    assert refusal.value.reason == reason


def test_an_unknown_element_is_named() -> None:
    with pytest.raises(InvalidVerbs, match="<Enqueue>"):
        parse_twiml_verbs(b"<Response><Enqueue/></Response>")


@given(
    st.binary(max_size=200)
    | st.from_regex(rb"<Response>(<(Say|Play|Dial|Gather|Pause|Hangup)( \w+='[^'<&]{0,5}')?/?>){0,4}</Response>")
)
def test_any_bytes_are_verbs_or_a_typed_error(document: bytes) -> None:
    with suppress(InvalidVerbs):
        parse_twiml_verbs(document)

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from media_server.dialplan.slots.schema import DigitsSpec
from media_server.dialplan.verbs import AskVerb, SayVerb, Verb, parse_verbs, validate_verbs, verbs_schema
from media_server.errors import InvalidVerbs

EVERY: list[dict[str, Any]] = [
    {"verb": "say", "text": "Hello.", "barge_in": "words", "voice": "piper-joe"},
    {"verb": "play", "source": "sounds/hello.wav"},
    {"verb": "play", "tone": "beep"},
    {"verb": "ask", "question": "Your PIN?", "slot": {"type": "digits", "min": 4, "secret": True}, "as": "pin"},
    {"verb": "ask", "question": "How many?", "slot": {"type": "number", "least": 1, "most": 12}, "retries": 1},
    {"verb": "ask", "question": "Which day?", "slot": {"type": "date"}, "again": "When?", "confirm": "{value}, right?"},
    {
        "verb": "ask",
        "question": "A table for how many, and when?",
        "slots": {
            "people": {"slot": {"type": "number", "least": 1, "most": 12}, "question": "For how many?"},
            "day": {"slot": {"type": "date"}},
        },
        "confirm": True,
        "as": "table",
    },
    {"verb": "gather", "slot": {"type": "yes_no"}, "timeout_s": 5, "action": "/next"},
    {"verb": "gather", "slot": {"type": "choice", "options": ["red", "blue"]}},
    {"verb": "gather", "slot": {"type": "date", "future": True}},
    {"verb": "gather", "slot": {"type": "time", "after": "17:00", "before": "22:30"}},
    {"verb": "gather", "slot": {"type": "email"}},
    {"verb": "gather", "slot": {"type": "text"}},
    {"verb": "gather", "slot": {"type": "name"}},
    {"verb": "pause", "seconds": 2},
    {"verb": "record", "max_s": 30, "finish_on": "*#", "as": "message"},
    {"verb": "voicemail", "greeting": "Nobody is free.", "transcribe": True},
    {"verb": "transfer", "to": "+15550100", "timeout_s": 25, "whisper": "A caller."},
    {"verb": "transfer", "to": "sip:desk@example.com;transport=tls"},
    {"verb": "send_dtmf", "digits": "12#"},
    {"verb": "note", "values": {"order": "A1", "count": 2, "paid": True, "rate": 0.5, "who": None}},
    {"verb": "redirect", "url": "/other"},
    {"verb": "listen"},
    {"verb": "hangup"},
]

YES = {"type": "yes_no"}

REFUSED: list[tuple[Any, str]] = [
    ({}, "shape"),
    (None, "shape"),
    ("say", "shape"),
    ([1], "shape"),
    ([{}], "verb"),
    ([{"verb": "explode"}], "verb"),
    ([{"verb": ["say"]}], "verb"),
    ([{"verb": "say"}], "shape"),
    ([{"verb": "say", "text": ""}], "shape"),
    ([{"verb": "say", "text": 5}], "shape"),
    ([{"verb": "say", "text": "a" * 5001}], "shape"),
    ([{"verb": "say", "text": "a", "volume": 11}], "shape"),
    ([{"verb": "say", "text": "a", "barge_in": 1}], "shape"),
    ([{"verb": "play", "source": "/etc/passwd"}], "shape"),
    ([{"verb": "play", "source": "../secret.wav"}], "shape"),
    ([{"verb": "play", "source": "a/../../secret.wav"}], "shape"),
    ([{"verb": "play", "source": "http://example.com/a.wav"}], "shape"),
    ([{"verb": "ask", "question": "?", "slot": {"type": "blood"}}], "verb"),
    ([{"verb": "ask", "question": "?", "slot": {"type": "digits", "min": "4"}}], "shape"),
    ([{"verb": "ask", "question": "?", "slot": {"type": "yes_no"}, "as": "__class__"}], "shape"),
    ([{"verb": "ask", "question": "?"}], "shape"),
    ([{"verb": "ask", "question": "?", "slot": YES, "slots": {"a": {"slot": YES}}}], "shape"),
    ([{"verb": "ask", "question": "?", "slots": {}}], "shape"),
    ([{"verb": "ask", "question": "?", "slots": {"a b": {"slot": YES}}}], "shape"),
    ([{"verb": "ask", "question": "?", "slots": {f"s{number}": {"slot": YES} for number in range(9)}}], "shape"),
    ([{"verb": "ask", "question": "?", "slots": {"a": {"slot": YES}}, "again": "?"}], "shape"),
    ([{"verb": "say", "text": "a", "language": "en"}], "shape"),
    ([{"verb": "play"}], "shape"),
    ([{"verb": "play", "source": "a.wav", "tone": "beep"}], "shape"),
    ([{"verb": "play", "tone": "siren"}], "shape"),
    ([{"verb": "gather", "slot": {"type": "time", "after": "25:00"}}], "shape"),
    ([{"verb": "pause", "seconds": 86400}], "shape"),
    ([{"verb": "transfer", "to": "+1555\nsip:evil"}], "shape"),
    ([{"verb": "transfer", "to": '"><Dial>'}], "shape"),
    ([{"verb": "send_dtmf", "digits": "1;2"}], "shape"),
    ([{"verb": "note", "values": {"a": [1]}}], "shape"),
    ([{"verb": "note", "values": {"a b": 1}}], "shape"),
    ([{"verb": "hangup"}] * 33, "shape"),
    ([{"verb": "hangup", **{f"k{number}": 1 for number in range(4000)}}], "shape"),
    ([{"verb": "note", "values": {f"k{number}": 1 for number in range(4000)}}], "shape"),
]


def test_every_verb_and_slot_is_read() -> None:
    verbs = parse_verbs(json.dumps(EVERY))
    assert [verb.verb for verb in verbs] == [each["verb"] for each in EVERY]
    ask = verbs[3]
    assert isinstance(ask, AskVerb)
    assert ask.as_ == "pin"
    assert ask.slot == DigitsSpec(type="digits", min=4, secret=True)


@pytest.mark.parametrize(("verbs", "reason"), REFUSED)
def test_what_is_no_list_of_verbs_is_refused_by_a_reason(verbs: Any, reason: str) -> None:
    with pytest.raises(InvalidVerbs) as refusal:
        parse_verbs(json.dumps(verbs))
    assert refusal.value.reason == reason


def test_an_error_names_the_place_and_never_a_value() -> None:
    with pytest.raises(InvalidVerbs, match=r"verbs\.1\.send_dtmf\.digits") as refusal:
        parse_verbs('[{"verb": "listen"}, {"verb": "send_dtmf", "digits": "my PIN is 4711"}]')
    assert "4711" not in refusal.value.message


def test_verbs_that_are_such_already_are_taken_as_they_are() -> None:
    say = SayVerb(verb="say", text="Hello.")
    assert validate_verbs([say, {"verb": "listen"}])[0] is say


@pytest.mark.parametrize(
    "text", [b"\xff", b'"\\ud800"', b"[1e999]", b"[NaN]", b"[" * 60_000, b"[" + b"9" * 5000 + b"]"]
)
def test_broken_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidVerbs):
        parse_verbs(text)


def test_more_than_is_taken_is_not_even_parsed() -> None:
    with pytest.raises(InvalidVerbs) as refusal:
        parse_verbs(b" " * 65_537)
    assert refusal.value.reason == "too_large"


def test_the_schema_has_every_verb_and_is_json() -> None:
    schema = json.loads(to_json(verbs_schema()))
    mapping = schema["items"]["discriminator"]["mapping"]
    assert set(mapping) == {each["verb"] for each in EVERY}
    assert schema["maxItems"] == 32


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["verb", "text", "slot", "type", "question", "as", "to", "url", "values", "min"])
            | st.text(max_size=8),
            inner | st.sampled_from([*(each["verb"] for each in EVERY), "digits", "yes_no"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON | st.lists(st.sampled_from(EVERY), max_size=8))
def test_any_json_is_verbs_or_a_typed_error(found: Any) -> None:
    try:
        verbs = validate_verbs(found)
    except InvalidVerbs:
        return
    again = parse_verbs(to_json([verb.model_dump(by_alias=True, exclude_none=True) for verb in verbs]))
    assert again == verbs


@given(st.binary(max_size=200))
def test_any_bytes_are_verbs_or_a_typed_error(body: bytes) -> None:
    try:
        verbs: tuple[Verb, ...] = parse_verbs(body)
    except InvalidVerbs:
        return
    assert isinstance(verbs, tuple)

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import Overloaded, ProtocolViolation
from media_server.protocol.browser_socket import (
    MAX_MESSAGE_BYTES,
    MAX_TEXT,
    Digit,
    Mark,
    PageMessage,
    Text,
    Unknown,
    clear_message,
    error_message,
    mark_message,
    parse_message,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"digit","digit":"5"}', Digit("5")),
        ('{"type":"digit","digit":"#","at":3}', Digit("#")),
        ('{"type":"text","text":"Für vier, bitte 🙂"}', Text("Für vier, bitte 🙂")),
        ('{"type":"mark","name":"g1.3200"}', Mark("g1.3200")),
        ('{"type":"wave"}', Unknown("wave")),
        (mark_message("g2.1"), Mark("g2.1")),
        (clear_message(), Unknown("clear")),
    ],
)
def test_what_a_page_says_is_understood(text: str, message: PageMessage) -> None:
    assert parse_message(text) == message


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "7", '"digit"', "{", '{"type":"digit"', "[" * 10_000, '{"a":' * 10_000),
        *("{}", '{"type":null}', '{"type":""}', '{"type":["digit"]}', '{"type":"' + "x" * 129 + '"}'),
        *('{"type":"digit"}', '{"type":"digit","digit":5}', '{"type":"digit","digit":"12"}'),
        *('{"type":"digit","digit":"E"}', '{"type":"digit","digit":"٣"}', '{"type":"digit","digit":""}'),
        *('{"type":"text"}', '{"type":"text","text":""}', '{"type":"text","text":{"a":1}}'),
        *('{"type":"text","text":"\\ud800"}', '{"type":"text","text":NaN}', '{"type":"text","text":1e400}'),
        json.dumps({"type": "text", "text": "x" * (MAX_TEXT + 1)}),
        *('{"type":"mark"}', '{"type":"mark","name":""}', '{"type":"mark","name":"' + "x" * 129 + '"}'),
    ],
)
def test_what_is_no_message_is_a_violation(text: str) -> None:
    with pytest.raises(ProtocolViolation):
        parse_message(text)


@given(st.text())
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    with suppress(ProtocolViolation):
        parse_message(text)


@given(
    st.dictionaries(
        st.sampled_from(["type", "digit", "text", "name", "x"]),
        st.one_of(
            st.sampled_from(["digit", "text", "mark"]),
            st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()),
        ),
    )
)
def test_no_object_raises_anything_else(message: dict[str, object]) -> None:
    with suppress(ProtocolViolation):
        parse_message(json.dumps(message))


def test_the_longest_text_fits_in_a_message() -> None:
    text = json.dumps({"type": "text", "text": "🙂" * MAX_TEXT}, ensure_ascii=False)
    assert len(text.encode()) < MAX_MESSAGE_BYTES
    assert parse_message(text) == Text("🙂" * MAX_TEXT)


def test_a_refusal_says_whether_to_try_again() -> None:
    assert json.loads(error_message(Overloaded(retry_after_s=7), "All are busy")) == {
        "type": "error",
        "code": "overloaded",
        "title": "All are busy",
        "retryable": True,
        "retry_after_s": 7,
    }

"""The pure side of the chat API: bytes to events."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.dialplan.agent.chat import ChatEvent, Finished, TextDelta, ToolCall
from media_server.dialplan.agent.chat_stream import ChatStream
from media_server.dialplan.agent.sse import MAX_LINE, SseDecoder
from media_server.dialplan.agent.thoughts import ThoughtFilter
from media_server.errors import ModelError, ModelRefused, ModelUnavailable


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def events_of(*parts: bytes) -> list[ChatEvent]:
    stream = ChatStream()
    return [event for part in parts for event in stream.feed(part)] + stream.end()


def line(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': reason}]})}\n\n".encode()


def text_of(events: list[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


KEYS = [
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "index",
    "id",
    "usage",
    "error",
    "finish_reason",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)
LINES = st.lists(
    st.sampled_from([b"data: a", b"data:b\xc3\xa9", b": comment", b"event: x", b"", b"data", b"id: 1", b"\xff\xfe"]),
    max_size=12,
)


@given(LINES, st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=12, max_size=12), st.lists(st.integers(0)))
def test_any_split_of_a_stream_gives_the_same_events(lines: list[bytes], ends: list[bytes], cuts: list[int]) -> None:
    data = b"".join(each + end for each, end in zip(lines, ends, strict=False))
    whole, parts = SseDecoder(), SseDecoder()
    expected = whole.feed(data) + whole.end()
    assert [event for part in split(data, cuts) for event in parts.feed(part)] + parts.end() == expected


@given(st.binary(max_size=300), st.lists(st.integers(0), max_size=5))
def test_whatever_comes_is_events_or_a_documented_error(data: bytes, cuts: list[int]) -> None:
    try:
        events = events_of(*split(b"data: " + data, cuts))
    except ModelError:
        return
    assert isinstance(events[-1], Finished)


@given(JSON)
def test_json_of_any_shape_is_events_or_a_documented_error(value: Any) -> None:
    try:
        events = events_of(f"data: {json.dumps(value)}\n\n".encode(), b"data: [DONE]\n\n")
    except ModelError:
        return
    assert isinstance(events[-1], Finished)


def test_data_of_several_lines_is_joined_and_comments_mean_nothing() -> None:
    assert SseDecoder().feed(b"\xef\xbb\xbfdata: a\ndata: b\n: still here\n\n:\n\ndata: c\n\n") == ["a\nb", "c"]


def test_a_line_without_an_end_is_given_up() -> None:
    decoder = SseDecoder()
    decoder.feed(b"x" * MAX_LINE)
    with pytest.raises(ModelUnavailable):
        decoder.feed(b"x")


def test_text_tool_calls_and_tokens_are_put_together() -> None:
    events = events_of(
        line({"role": "assistant", "content": "Let "}),
        line({"content": "me see."}),
        line({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"x"'}}]}),
        line({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "two", "arguments": ""}}]}),
        line({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}, "tool_calls"),
        b'data: {"choices": [], "usage": {"total_tokens": 42}}\n\ndata: [DONE]\n\n',
    )
    assert text_of(events) == "Let me see."
    assert events[-1] == Finished("tool_calls", (ToolCall("a", "one", '{"x": 1}'), ToolCall("b", "two", "")), 42)


def test_calls_without_an_index_an_id_or_text_for_their_arguments_are_taken() -> None:
    events = events_of(
        line({"tool_calls": [{"id": "a", "function": {"name": "one", "arguments": {"x": 1}}}]}),
        line({"tool_calls": [{"id": "b", "function": {"name": "two"}}]}),
        line({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "three"}}]}),
    )
    assert isinstance(events[-1], Finished)
    assert [call.name for call in events[-1].calls] == ["one", "two", "three"]
    assert events[-1].calls[0].arguments == '{"x": 1}'


def test_an_answer_that_is_no_stream_is_taken_too() -> None:
    body = {"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}], "usage": {"total_tokens": 7}}
    assert events_of(json.dumps(body, indent=1).encode()) == [TextDelta("Hello."), Finished("stop", (), 7)]


def test_garbage_between_the_lines_is_passed_over_and_a_missing_end_is_none() -> None:
    garbage = b"data: {broken\n\n\x00\x01\n\ndata: [1]\n\n"
    events = events_of(line({"content": "One "}), garbage, line({"content": "two."}))
    assert text_of(events) == "One two."
    assert events[-1] == Finished("")


def test_nothing_but_garbage_is_no_answer() -> None:
    with pytest.raises(ModelUnavailable):
        events_of(b"data: <html>\n\n")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "overloaded", "type": "overloaded_error"}, ModelUnavailable),
        ({"message": "no such model", "type": "invalid_request_error"}, ModelRefused),
        ("whatever", ModelUnavailable),
    ],
)
def test_an_error_in_the_middle_of_the_stream_is_one(error: object, kind: type[ModelError]) -> None:
    with pytest.raises(kind):
        events_of(line({"content": "One "}), f"data: {json.dumps({'error': error})}\n\n".encode())


@given(st.lists(st.integers(0), max_size=6))
def test_what_a_model_thinks_aloud_is_not_said(cuts: list[int]) -> None:
    for text, said in [("<think>secret</think>\n\nHello.", "Hello."), ("<b>no tag", "<b>no tag"), ("<thi", "<thi")]:
        thoughts = ThoughtFilter()
        parts = [part.decode() for part in split(text.encode(), cuts)]
        assert "".join(thoughts.feed(part) for part in parts) + thoughts.flush() == said

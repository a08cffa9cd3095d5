"""The body of a chat API's answer: bytes to events. Pure.

It is a stream of server-sent events, each a JSON object with a `choices[0].delta`; or, from servers that do not stream,
one JSON object with a `choices[0].message`. What peers do in practice is taken too: no `[DONE]`, garbage between the
lines, tool calls without an index or an id, arguments that are an object, an error in the middle of the stream.
"""

import json
from dataclasses import dataclass
from typing import Any

from media_server.dialplan.agent.chat import Alive, ChatEvent, Finished, TextDelta, ToolCall
from media_server.dialplan.agent.sse import SseDecoder
from media_server.errors import ModelRefused, ModelUnavailable

MAX_BYTES = 8 << 20
MAX_TEXT = 100_000
MAX_CALLS = 16
MAX_ARGUMENTS = 20_000
MAX_NAME = 128
MAX_GARBAGE = 50

_REFUSALS = frozenset({"invalid_request_error", "authentication_error", "permission_error", "not_found_error"})


@dataclass(slots=True)
class _Call:
    index: object
    id: str
    name: str
    arguments: str


class ChatStream:
    """One answer. Feed it the body; `end` when it is over. The last event is a `Finished`, and the only one."""

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._body: bytearray | None = None
        self._started = False
        self._bytes = 0
        self._text = 0
        self._garbage = 0
        self._calls: list[_Call] = []
        self._reason = ""
        self._tokens: int | None = None
        self.done = False
        """`Finished` was given out: nothing more counts."""

    def feed(self, data: bytes) -> list[ChatEvent]:
        """More of the body.

        Raises:
            ModelRefused, ModelUnavailable: It says that it failed, or it is no answer.
        """
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise ModelUnavailable("its answer has no end")
        if not self._started and data.strip():
            self._started = True
            if data.lstrip().startswith((b"{", b"[", b"<")):
                self._body = bytearray()
        if self._body is not None:
            self._body += data
            return []
        return [event for chunk in self._sse.feed(data) for event in self._receive(chunk)]

    def end(self) -> list[ChatEvent]:
        """The body is over.

        Raises:
            ModelRefused, ModelUnavailable: It was no answer.
        """
        if self._body is not None:
            events = self._receive(self._body.decode("utf-8", "replace"))
        else:
            events = [event for chunk in self._sse.end() for event in self._receive(chunk)]
        if not self.done:
            if self._garbage and not self._text and not self._calls:
                raise ModelUnavailable("its answer cannot be understood")
            events.append(self._finish())
        return events

    def _receive(self, chunk: str) -> list[ChatEvent]:
        if self.done:
            return []
        if chunk.strip() == "[DONE]":
            return [self._finish()]
        try:
            value = json.loads(chunk)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            self._garbage += 1
            if self._garbage > MAX_GARBAGE:
                raise ModelUnavailable("its answer cannot be understood")
            return []
        if value.get("error"):
            raise _error(value["error"])
        self._count(value.get("usage"))
        return self._choice(value.get("choices"))

    def _choice(self, choices: object) -> list[ChatEvent]:
        first = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(first, dict):
            return []
        if isinstance(reason := first.get("finish_reason"), str):
            self._reason = reason[:MAX_NAME]
        delta = first.get("delta") or first.get("message")
        if not isinstance(delta, dict):
            return []
        events: list[ChatEvent] = []
        if isinstance(text := delta.get("content"), str) and text and self._text < MAX_TEXT:
            self._text += len(text)
            events.append(TextDelta(text[:MAX_TEXT]))
        calls = delta.get("tool_calls")
        if isinstance(calls, list) and calls:
            for part in calls[:MAX_CALLS]:
                self._call(part)
            events.append(Alive())
        return events

    def _call(self, part: object) -> None:
        if not isinstance(part, dict) or not isinstance(function := part.get("function") or {}, dict):
            return
        call = self._call_of(part.get("index"), _text(part.get("id")))
        if call is None:
            return
        call.name = call.name or _text(function.get("name"))
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        if isinstance(arguments, str):
            call.arguments += arguments
        if len(call.arguments) > MAX_ARGUMENTS:
            raise ModelUnavailable("the arguments of a tool have no end")

    def _call_of(self, index: object, call_id: str) -> _Call | None:
        """The call that a part belongs to: that of its index, unless it has the id of another; else the latest."""
        for call in reversed(self._calls):
            same_index = index is None or call.index == index
            if same_index and (not call_id or not call.id or call.id == call_id):
                call.id = call.id or call_id
                return call
        if len(self._calls) == MAX_CALLS:
            return None
        self._calls.append(_Call(index, call_id, "", ""))
        return self._calls[-1]

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict) and isinstance(total := usage.get("total_tokens"), int) and total >= 0:
            self._tokens = total

    def _finish(self) -> Finished:
        self.done = True
        calls = tuple(
            ToolCall(call.id or f"call_{number}", call.name, call.arguments)
            for number, call in enumerate(self._calls)
            if call.name
        )
        return Finished(self._reason, calls, self._tokens)


def _text(value: object) -> str:
    return value[:MAX_NAME] if isinstance(value, str) else ""


def _error(error: Any) -> ModelRefused | ModelUnavailable:
    kind = error.get("type") if isinstance(error, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    text = str(message)[:200]
    return ModelRefused(text) if kind in _REFUSALS else ModelUnavailable(text)

"""A real HTTP server that speaks as a chat API does: by its script, at a rate, and as peers go wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Say:
    """Text, a token a word, and tool calls; after `stall_after` tokens it stops, and stays."""

    text: str = ""
    calls: Sequence[tuple[str, dict[str, Any]]] = ()
    stall_after: int | None = None
    cut_after: int | None = None
    done: bool = True


@dataclass(frozen=True)
class Body:
    """Whatever it is, as it is."""

    body: bytes
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)


Answer: TypeAlias = Say | Body


@dataclass
class ChatServer:
    """What it is asked, and by how many connections."""

    script: list[Answer]
    first_token_s: float = 0.0
    token_s: float = 0.0
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    broken_off: asyncio.Event = field(default_factory=asyncio.Event)
    """A client left in the middle of an answer."""

    async def models(self, request: web.Request) -> web.Response:
        self._connected(request)
        return web.json_response({"data": [{"id": "first-model"}, {"id": "second-model"}]})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self._connected(request)
        self.requests.append(await request.json())
        answer = self.script.pop(0) if self.script else Say("Fine.")
        if isinstance(answer, Body):
            return web.Response(
                body=answer.body, status=answer.status, content_type=answer.content_type, headers=answer.headers
            )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await self._say(answer, request, response)
        except (ConnectionError, asyncio.CancelledError):
            self.broken_off.set()
            raise
        return response

    async def _say(self, answer: Say, request: web.Request, response: web.StreamResponse) -> None:
        await asyncio.sleep(self.first_token_s)
        for number, word in enumerate(answer.text.split()):
            if number == answer.stall_after:
                await asyncio.sleep(3600)
            if number == answer.cut_after:
                assert request.transport is not None
                request.transport.abort()
                return
            await _send(response, {"content": f"{word} "})
            await asyncio.sleep(self.token_s)
        for index, (name, arguments) in enumerate(answer.calls):
            written = json.dumps(arguments)
            head = {"index": index, "id": f"call-{index}", "function": {"name": name, "arguments": ""}}
            await _send(response, {"tool_calls": [head]})
            for half in (written[: len(written) // 2], written[len(written) // 2 :]):
                await _send(response, {"tool_calls": [{"index": index, "function": {"arguments": half}}]})
        reason = "tool_calls" if answer.calls else "stop"
        await response.write(f"data: {json.dumps({'choices': [{'delta': {}, 'finish_reason': reason}]})}\n\n".encode())
        if answer.done:
            await response.write(b"data: [DONE]\n\n")

    def _connected(self, request: web.Request) -> None:
        self.connections.add(id(request.transport))
        self.keys.append(request.headers.get("Authorization", ""))


async def _send(response: web.StreamResponse, delta: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n".encode())


@asynccontextmanager
async def chat_server(*script: Answer, first_token_s: float = 0.0, token_s: float = 0.0) -> AsyncIterator[ChatServer]:
    """It, on a free port."""
    server = ChatServer(list(script), first_token_s, token_s)
    app = web.Application()
    app.router.add_get("/v1/models", server.models)
    app.router.add_post("/v1/chat/completions", server.complete)
    running = TestServer(app, handler_cancellation=True, shutdown_timeout=0.1)
    await running.start_server()
    server.url = str(running.make_url("/v1"))
    try:
        yield server
    finally:
        await running.close()

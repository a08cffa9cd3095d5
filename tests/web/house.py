"""A small server in the place of the real one: the page's files, and calls that go by a test's script."""

import asyncio
import json
import math
import mimetypes
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

WEB = Path(__file__).parents[2] / "web"
RATE = 16000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class Line:
    """The server's end of one call."""

    socket: web.WebSocketResponse
    dialplan: str
    at: float = 0.0
    over: bool = False
    heard: int = 0
    """Samples of the caller's that came."""
    loudest: int = 0
    messages: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    pieces: set[int] = field(default_factory=set)
    """The sizes of the pieces that came."""

    async def tell(self, kind: str, **fields: object) -> None:
        self.at += 0.1
        await self.socket.send_json({"type": kind, "call": "7f3a", "at": self.at, **fields})

    async def sound(self, seconds: float, hz: float = 440.0) -> None:
        """A tone, in pieces of 20 ms, all at once."""
        for start in range(0, int(seconds * RATE), 320):
            piece = (int(8000 * math.sin(2 * math.pi * hz * (start + i) / RATE)) for i in range(320))
            await self.socket.send_bytes(array("h", piece).tobytes())

    async def mark(self, name: str) -> None:
        await self.socket.send_json({"type": "mark", "name": name})

    async def clear(self) -> None:
        await self.socket.send_json({"type": "clear"})

    async def says(self, utterance: str, text: str, heard: int | None = None, turn: int | None = None) -> None:
        """Words of the agent's, lit up to `heard` or all of them."""
        await self.tell("agent_speaking", utterance=utterance, turn=turn, text=text)
        await self.tell("agent_word", utterance=utterance, heard=len(text) if heard is None else heard)

    async def said(self, text: str, heard: str | None = None, turn: int | None = None) -> None:
        """The agent is done with these words, or was cut off."""
        whole = heard is None
        await self.tell("agent_said", text=text, heard=text if whole else heard, complete=whole, turn=turn)

    async def stays(self) -> None:
        """Until the call is over, with which the script ends."""
        await asyncio.Event().wait()


Script: TypeAlias = Callable[[Line], Awaitable[None]]


async def until(so: Callable[[], bool]) -> None:
    """Until it is so."""
    async with asyncio.timeout(5):
        while True:
            if so():
                return
            await asyncio.sleep(0.02)


async def quiet(line: Line) -> None:
    """A call in which nothing happens."""
    await line.stays()


@dataclass
class House:
    """What the server is to do, and what came."""

    script: Script = quiet
    busy: int = 0
    """So many calls are refused first."""
    key: str | None = None
    webrtc_busy: int = 0
    """So many offers are refused first; the others are not understood."""
    webrtc: bool = False
    """Offers are answered, by nobody."""
    delete_s: float = 0.0
    """How long it takes to hang up a call over WebRTC."""
    lines: list[Line] = field(default_factory=list)
    offers: int = 0
    deleted: list[str] = field(default_factory=list)
    url: str = ""
    tickets: int = 0

    def open_calls(self) -> int:
        return sum(not line.over for line in self.lines)


class _Routes:
    def __init__(self, house: House) -> None:
        self.house = house

    def knows(self, request: web.Request) -> bool:
        key = self.house.key
        if key is None or request.query.get("ticket", "").startswith("once-"):
            return True
        return request.headers.get("Authorization") == f"Bearer {key}"

    async def page(self, request: web.Request) -> web.Response:
        document: dict[str, object] = {
            "version": "0.1.0",
            "auth": self.house.key is not None,
            "sample_rate": RATE,
            "recording": True,
        }
        document |= {"may_call": self.knows(request), "dialplans": [], "ice_servers": []}
        if self.knows(request):
            names = ["parrot", "booking", "support"]
            document["dialplans"] = [{"name": name, "default": name == "parrot"} for name in names]
        return web.json_response(document)

    async def ticket(self, request: web.Request) -> web.Response:
        if not self.knows(request):
            return problem(401, "unauthorized", "No valid signature, key or token.")
        self.house.tickets += 1
        return web.json_response({"ticket": f"once-{self.house.tickets}", "expires_s": 60}, status=201)

    async def offer(self, request: web.Request) -> web.Response:
        self.house.offers += 1
        if not self.knows(request):
            return problem(401, "unauthorized", "No valid signature, key or token.")
        if self.house.webrtc_busy:
            self.house.webrtc_busy -= 1
            return problem(503, "overloaded", "No room for another one right now.", retryable=True)
        if self.house.webrtc:
            return web.Response(status=201, text="v=0", headers={"Location": f"/v1/webrtc/{self.house.offers}"})
        return problem(501, "not_configured", "No WebRTC here.")

    async def delete(self, request: web.Request) -> web.Response:
        self.house.deleted.append(request.match_info["id"])
        await asyncio.sleep(self.house.delete_s)
        return web.Response()

    async def talk(self, request: web.Request) -> web.StreamResponse:
        if not self.knows(request):
            return problem(401, "unauthorized", "No valid signature, key or token.")
        socket = web.WebSocketResponse(protocols=["media-server.talk.1"])
        await socket.prepare(request)
        if self.house.busy:
            self.house.busy -= 1
            refusal = {
                "type": "error",
                "code": "overloaded",
                "title": "Service Unavailable",
                "retryable": True,
                "retry_after_s": 1,
            }
            await socket.send_json(refusal)
            await socket.close(code=1013)
            return socket
        line = Line(socket, request.query.get("dialplan", ""))
        self.house.lines.append(line)
        await line.tell("call_started", caller="browser", called="", dialplan=line.dialplan)
        script = asyncio.ensure_future(self.house.script(line))
        try:
            await self.receive(line)
        finally:
            line.over = True
            script.cancel()
            await asyncio.wait([script])
        return socket

    async def receive(self, line: Line) -> None:
        async for message in line.socket:
            if message.type is WSMsgType.BINARY:
                line.heard += len(message.data) // 2
                line.pieces.add(len(message.data))
                line.loudest = max(line.loudest, max(array("h", message.data), default=0))
            elif message.type is WSMsgType.TEXT:
                line.messages.put_nowait(json.loads(message.data))


def problem(status: int, code: str, detail: str, *, retryable: bool = False) -> web.Response:
    document = {"title": "Refused", "status": status, "code": code, "detail": detail, "retryable": retryable}
    headers = {"Retry-After": "1"} if retryable else {}
    return web.json_response(document, status=status, content_type="application/problem+json", headers=headers)


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _file(request: web.Request) -> web.Response:
    path = WEB / request.match_info.get("path", "index.html")
    if not path.is_file():
        raise web.HTTPNotFound
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=await asyncio.to_thread(path.read_bytes), content_type=kind, headers=headers)


@asynccontextmanager
async def open_house(script: Script = quiet) -> AsyncIterator[House]:
    """The server on a free port."""
    house = House(script)
    routes = _Routes(house)
    app = web.Application()
    app.router.add_get("/", _file)
    app.router.add_get("/web/{path:.+}", _file)
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/v1/page", routes.page)
    app.router.add_post("/v1/tickets", routes.ticket)
    app.router.add_post("/v1/webrtc", routes.offer)
    app.router.add_delete("/v1/webrtc/{id}", routes.delete)
    app.router.add_get("/v1/talk", routes.talk)
    async with TestServer(app) as server:
        house.url = str(server.make_url("/"))
        try:
            yield house
        finally:
            for line in house.lines:
                await line.socket.close()

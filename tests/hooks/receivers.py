"""Receivers of webhooks on free ports: one that answers as it is told, and those that answer in bad ways."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from standardwebhooks.webhooks import Webhook as Verifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

BadWay = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> BadWay:
    """Write one whole answer."""

    async def write(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return write


async def hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def one_byte_a_while(writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def ten_gigabytes(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n")
    await _pour(writer, b" " * 65536)


async def without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    await _pour(writer, b"4000\r\n" + b" " * 0x4000 + b"\r\n")


async def _pour(writer: asyncio.StreamWriter, data: bytes) -> None:
    while not writer.is_closing():
        writer.write(data)
        await writer.drain()


async def reset_in_the_middle(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{"verb"')
    await writer.drain()
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


async def say_goodbye_at_once(_writer: asyncio.StreamWriter) -> None:
    return


async def no_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


JSON = "Content-Type: application/json"
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><Response><Say>&lol9;</Say></Response>"
)

BAD_WAYS: dict[str, tuple[BadWay, str]] = {
    "it hangs": (hang, "timeout"),
    "it sends a byte a while": (one_byte_a_while, "timeout"),
    "it announces 10 GB": (ten_gigabytes, "too_large"),
    "it never ends": (without_end, "too_large"),
    "it is a gzip bomb": (answer(gzip.compress(b" " * 30_000_000), JSON, "Content-Encoding: gzip"), "too_large"),
    "it is broken gzip": (answer(b"\x1f\x8b\x08\x00no", JSON, "Content-Encoding: gzip"), "encoding"),
    "it is brotli": (answer(b"[]", JSON, "Content-Encoding: br"), "encoding"),
    "it is a web page": (answer(b"<html>", "Content-Type: text/html"), "content_type"),
    "it has no type": (answer(b"[]"), "content_type"),
    "it is no JSON": (answer(b'[{"verb": "say"', JSON), "json"),
    "it is empty": (answer(b"", JSON), "json"),
    "it is deep JSON": (answer(b"[" * 60_000, JSON), "json"),
    "it is of another shape": (answer(b'{"say": "Hello"}', JSON), "shape"),
    "it has an unknown verb": (answer(b'[{"verb": "explode"}]', JSON), "verb"),
    "it lacks the text": (answer(b'[{"verb": "say"}]', JSON), "shape"),
    "it has a thousand verbs": (answer(json.dumps([{"verb": "hangup"}] * 1000).encode(), JSON), "shape"),
    "it laughs a billion times": (answer(LAUGHS, "Content-Type: text/xml"), "twiml"),
    "it redirects": (answer(b"", "Location: http://127.0.0.1/", status="301 Moved"), "redirect"),
    "it knows nothing": (answer(b"", status="404 Not Found"), "client_error"),
    "it is broken": (answer(b"[]", JSON, status="500 Internal"), "server_error"),
    "it is reset in the middle": (reset_in_the_middle, "reset"),
    "it closes at once": (say_goodbye_at_once, "disconnected"),
    "its header is huge": (answer(b"[]", JSON, "X-Long: " + "a" * 100_000), "http"),
    "it does not speak HTTP": (no_http, "http"),
}


@asynccontextmanager
async def bad_receiver(way: BadWay) -> AsyncIterator[str]:
    """A server that reads a request, and then behaves in that way; gives its URL."""
    conversations: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await way(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class GoodReceiver:
    """Verifies what comes, remembers it, and answers what `decide` says: verbs, a whole answer, or None for 204."""

    def __init__(self, decide: Callable[[dict[str, Any]], Any]) -> None:
        self.decide = decide
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = dict(request.headers)
        body = Verifier(SECRET).verify(await request.read(), headers)
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in headers.items()})
        decided = self.decide(body)
        if isinstance(decided, web.Response):
            return decided
        return web.Response(status=204) if decided is None else web.json_response(decided)


@asynccontextmanager
async def good_receiver(decide: Callable[[dict[str, Any]], Any]) -> AsyncIterator[GoodReceiver]:
    """A receiver as an author writes it; every path is answered."""
    receiver = GoodReceiver(decide)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()

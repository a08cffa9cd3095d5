"""Streams that are passed on to engines: messages, queries and closings as they are, and who is cut off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import WSCloseCode, WSMsgType, web

from media_server.api import engine_streams
from media_server.speech.room import Room
from media_server.speech.spare_room import RESERVE
from tests.api.relay_house import NOWHERE, Handler, RelayHouse, engine, relay_house

Socket = aiohttp.ClientWebSocketResponse
ASR = "/v1/stream/asr"


@asynccontextmanager
async def stream(
    handler: Handler, query: str = ""
) -> AsyncIterator[tuple[aiohttp.ClientWebSocketResponse, RelayHouse]]:
    async with (
        engine(handler) as url,
        relay_house(url, key="engine") as house,
        house.client.ws_connect(ASR + query, headers={"Authorization": "Bearer client"}) as socket,
        asyncio.timeout(10),
    ):
        yield socket, house


async def echoing(request: web.Request) -> web.StreamResponse:
    """Says how it was asked, then whatever it is sent; closes with the code that it is told."""
    socket = web.WebSocketResponse(protocols=("b",))
    await socket.prepare(request)
    await socket.send_json({"query": request.query_string, "key": request.headers.get("Authorization")})
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data.startswith("close"):
            await socket.close(code=int(message.data.split()[1]), message=b"because")
        else:
            await socket.send_str(message.data)
    return socket


async def test_what_either_side_says_reaches_the_other_as_it_is() -> None:
    async with stream(echoing, "?language=en&keyterm=a&keyterm=b&ticket=secret") as (socket, _):
        assert await socket.receive_json() == {"query": "language=en&keyterm=a&keyterm=b", "key": "Bearer engine"}
        await socket.send_str('{"type": "Finalize"}')
        assert await socket.receive_str() == '{"type": "Finalize"}'
        await socket.send_bytes(bytes(640))
        assert await socket.receive_bytes() == bytes(640)


async def test_the_subprotocol_is_the_one_that_the_engine_took() -> None:
    async with (
        engine(echoing) as url,
        relay_house(url) as house,
        house.client.ws_connect(ASR, protocols=("a", "b")) as socket,
    ):
        assert socket.protocol == "b"


@pytest.mark.parametrize("code", [1000, 1008, 4000])
async def test_how_an_engine_closes_is_how_the_client_hears_it(code: int) -> None:
    async with stream(echoing) as (socket, _):
        await socket.receive_json()
        await socket.send_str(f"close {code}")
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, code, "because")


async def test_how_a_client_closes_is_how_the_engine_hears_it() -> None:
    heard: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def listening(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        heard.set_result(socket.close_code)
        return socket

    async with stream(listening) as (socket, _):
        await socket.close(code=4001)
        assert await heard == 4001


async def test_a_client_that_vanishes_ends_the_engines_stream() -> None:
    ended = asyncio.Event()

    async def listening(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        ended.set()
        return socket

    async with stream(listening) as (socket, _):
        socket._response.connection.transport.abort()  # type: ignore[union-attr]
        await ended.wait()


async def test_an_engine_that_breaks_off_is_told_of_as_an_error_that_may_pass() -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with stream(breaking) as (socket, _):
        await socket.send_bytes(bytes(640))
        error = await socket.receive_json()
        assert (error["type"], error["code"], error["retryable"]) == ("error", "engine", True)
        assert (await socket.receive()).data == WSCloseCode.INTERNAL_ERROR


async def test_an_engine_of_which_nothing_is_heard_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_streams, "SILENT_S", 0.3)
    monkeypatch.setattr(engine_streams, "LOOK_S", 0.1)
    over = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await over.wait()
        return socket

    async with stream(hanging) as (socket, _):
        assert (await socket.receive_json())["code"] == "engine"
        over.set()


async def test_what_an_engine_refuses_before_the_upgrade_is_said_in_its_words() -> None:
    async def refusing(_request: web.Request) -> web.Response:
        problem = {"code": "protocol_violation", "detail": "language: no"}
        return web.Response(status=400, text=json.dumps(problem), content_type="application/problem+json")

    async with engine(refusing) as url, relay_house(url) as house:
        head = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        async with house.client.get(ASR + "?language=xx", headers=head) as answer:
            assert (answer.status, await answer.json()) == (
                400,
                {"code": "protocol_violation", "detail": "language: no"},
            )


async def test_who_wants_no_socket_is_told_so() -> None:
    async with engine(echoing) as url, relay_house(url) as house, house.client.get(ASR) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")


async def test_without_room_or_engine_the_upgrade_is_refused() -> None:
    async def full(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    async with engine(full) as url:
        for urls in ((NOWHERE,), (url,)):
            async with relay_house(*urls) as house:
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await house.client.ws_connect(ASR)
                assert refused.value.status == 503


async def test_calls_come_first() -> None:
    async with engine(echoing) as url, relay_house(url) as house:
        house.room = Room(ready=1, free=RESERVE + 1, asked_at=1.0)
        async with house.client.ws_connect(ASR):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await house.client.ws_connect("/v1/stream/tts")
            assert refused.value.status == 503


async def test_a_message_over_64_kib_closes_the_stream() -> None:
    async with stream(echoing) as (socket, _):
        await socket.receive_json()
        await socket.send_bytes(bytes(65537))
        assert (await socket.receive()).data == WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize("kind", ["ping", "text", "crumb"])
async def test_a_flood_of_small_messages_is_stopped(kind: str) -> None:
    async def listening(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    async with stream(listening) as (socket, _):
        for _ in range(700):
            match kind:
                case "ping":
                    await socket.ping()
                case "text":
                    await socket.send_str("x")
                case _:
                    await socket.send_bytes(b"x")
        message = await socket.receive()
        while message.type is WSMsgType.PONG:
            message = await socket.receive()
        assert json.loads(message.data)["code"] == "too_many_messages"
        assert (await socket.receive()).data == WSCloseCode.POLICY_VIOLATION


async def test_a_client_that_reads_nothing_holds_the_engine_back_and_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_streams, "SEND_S", 1.0)
    sent = 0
    ended = asyncio.Event()

    async def flooding(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            while sent < 1 << 30:
                await socket.send_bytes(bytes(65536))
                sent += 65536
        finally:
            ended.set()
        return socket

    async with engine(flooding) as url, relay_house(url) as house:
        address = house.client.server
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
        writer.write(
            f"GET {ASR} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.5)
            held_back_at = sent
            await asyncio.sleep(0.2)
            assert sent == held_back_at
            await ended.wait()
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_streams, "MAX_STREAMS", 1)
    async with engine(echoing) as url, relay_house(url) as house:
        async with house.client.ws_connect(ASR):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await house.client.ws_connect(ASR)
        async with asyncio.timeout(5):
            while True:
                try:
                    await (await house.client.ws_connect(ASR)).close()
                    break
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0.02)


async def test_when_the_server_ends_its_streams_are_closed() -> None:
    async with stream(echoing) as (socket, house):
        await socket.receive_json()
        ending = asyncio.create_task(house.client.server.close())
        assert (await socket.receive()).data == WSCloseCode.GOING_AWAY
        await ending

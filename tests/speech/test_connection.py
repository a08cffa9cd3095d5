"""Streams to engines over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media_server.errors import EngineError, EngineRefused, EngineUnavailable
from media_server.speech.connection import SILENT_S, Engines

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def engine(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/stream", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def silent(request: web.Request) -> web.StreamResponse:
    """Takes what comes and answers nothing, not even pings: a process that was stopped."""
    socket = web.WebSocketResponse(autoping=False)
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def answering(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def full(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def test_a_stream_that_answers_no_ping_is_lost_after_two_seconds() -> None:
    async with engine(silent) as url, Engines([url]) as engines, await engines.connect("/stream", {}) as socket:
        now = asyncio.get_running_loop().time
        begun = now()
        reading = asyncio.create_task(socket.receive())
        with pytest.raises(EngineError, match="does not answer"):
            await socket.watch()
        assert SILENT_S <= now() - begun < SILENT_S + 1.5
        reading.cancel()


async def test_a_stream_that_says_nothing_but_answers_pings_is_kept() -> None:
    async with engine(answering) as url, Engines([url]) as engines, await engines.connect("/stream", {}) as socket:
        reading = asyncio.create_task(socket.receive())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENT_S + 0.7):
                await socket.watch()
        reading.cancel()


async def test_a_full_engine_is_passed_over() -> None:
    async with (
        engine(full) as one,
        engine(answering) as other,
        Engines([one, other]) as engines,
        await engines.connect("/stream", {}) as socket,
    ):
        assert socket.url == other


async def test_an_engine_that_did_not_answer_is_the_last_choice_for_a_while() -> None:
    asked: list[str] = []
    over = asyncio.Event()

    async def hanging(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        await over.wait()
        return web.Response()

    async with engine(hanging) as one, engine(answering) as other, Engines([one, other]) as engines:
        for _ in range(3):
            async with await engines.connect("/stream", {}) as socket:
                assert socket.url == other
        over.set()
    assert len(asked) == 1


async def test_where_none_takes_us_each_is_named_with_its_reason() -> None:
    async with engine(full) as one, Engines([one, "http://127.0.0.1:1"]) as engines:
        with pytest.raises(EngineUnavailable, match=f"{one}: full; http://127.0.0.1:1: ClientConnector"):
            await engines.connect("/stream", {})


async def test_what_no_engine_knows_is_a_refusal_and_one_that_is_full_is_none() -> None:
    async def unknown(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=404)

    async with engine(unknown) as url, Engines([url]) as engines:
        with pytest.raises(EngineRefused):
            await engines.connect("/stream", {"voice": "nobody"})
        async with engine(full) as other, Engines([url, other]) as both:
            with pytest.raises(EngineUnavailable):
                await both.connect("/stream", {"voice": "nobody"})

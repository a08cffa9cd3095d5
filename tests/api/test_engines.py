"""Requests that are passed on to engines: what goes on, what does not, and who ends what."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from media_server.api import engines
from media_server.speech.room import Room
from media_server.speech.spare_room import RESERVE
from tests.api.relay_house import NOWHERE, engine, relay_house

MIB = 1 << 20


async def echoing(request: web.Request) -> web.Response:
    """Says what it was asked."""
    body = await request.read()
    said = {"method": request.method, "path": request.path_qs, "head": dict(request.headers), "body": body.decode()}
    return web.json_response(said, headers={"Server": "engine", "Set-Cookie": "a=b", "Location": "/v1/voices/zoe"})


async def test_of_a_request_only_what_the_engine_needs_goes_on_and_its_key_with_it() -> None:
    head = {
        "Authorization": "Bearer client",
        "X-API-Key": "client",
        "Cookie": "session=1",
        "Origin": "http://127.0.0.1:8000",
        "Content-Type": "audio/wav",
        "Accept": "text/vtt",
        "X-Forwarded-For": "203.0.113.9",
    }
    async with engine(echoing) as url, relay_house(url, key="engine") as house:
        query = "language=en&keyterm=a&keyterm=b%26c&ticket=secret"
        async with house.client.post(f"/v1/transcribe?{query}", data=b"RIFF", headers=head) as answer:
            said = await answer.json()
            told = dict(answer.headers)
    assert (said["method"], said["body"]) == ("POST", "RIFF")
    assert said["path"] == "/v1/transcribe?language=en&keyterm=a&keyterm=b%26c"
    assert said["head"]["Authorization"] == "Bearer engine"
    assert (said["head"]["Content-Type"], said["head"]["Accept"]) == ("audio/wav", "text/vtt")
    assert said["head"]["Content-Length"] == "4"
    assert said["head"]["Host"] == url.removeprefix("http://")
    assert not said["head"].keys() & {"X-API-Key", "Cookie", "Origin", "X-Forwarded-For"}
    assert told["Location"] == "/v1/voices/zoe"
    assert "Set-Cookie" not in told
    assert told["Server"] != "engine"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/synthesize"),
        ("POST", "/v1/audio/speech"),
        ("GET", "/v1/voices"),
        ("POST", "/v1/voices"),
        ("GET", "/v1/voices/piper-joe"),
        ("DELETE", "/v1/voices/en_US.joe"),
    ],
)
async def test_each_of_these_goes_to_the_engine(method: str, path: str) -> None:
    body = b"x" if method == "POST" else None
    async with (
        engine(echoing) as url,
        relay_house(url) as house,
        house.client.request(method, path, data=body) as answer,
    ):
        said = await answer.json()
    assert (said["method"], said["path"]) == (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/voices/..%2Fmetrics", 404),
        ("GET", "/v1/voices/%2e%2e", 404),
        ("GET", "/v1/voices/" + "a" * 65, 404),
        ("GET", "/v1/transcribe", 405),
        ("PUT", "/v1/voices/joe", 405),
        ("GET", "/metrics", 404),
        ("POST", "/v1/listen", 404),
    ],
)
async def test_nothing_else_does(method: str, path: str, status: int) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    async with engine(handler) as url, relay_house(url) as house:
        target = f"{house.client.make_url('')}".rstrip("/") + path
        raw = URL(target, encoded=True)
        async with house.client.session.request(method, raw) as answer:
            assert answer.status == status
    assert asked == []


async def test_an_engines_refusal_is_passed_on_as_it_is() -> None:
    problem = {"status": 415, "code": "unsupported_media", "detail": "no sound"}

    async def refusing(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(
            status=415,
            text=json.dumps(problem),
            content_type="application/problem+json",
            headers={"Retry-After": "7"},
        )

    async with (
        engine(refusing) as url,
        relay_house(url) as house,
        house.client.post("/v1/transcribe", data=b"x") as answer,
    ):
        assert (answer.status, answer.content_type) == (415, "application/problem+json")
        assert answer.headers["Retry-After"] == "7"
        assert await answer.json() == problem


async def test_an_engine_that_does_not_take_our_key_is_no_matter_of_the_clients_key() -> None:
    async def refusing(_request: web.Request) -> web.Response:
        return web.Response(status=401)

    async with engine(refusing) as url, relay_house(url) as house, house.client.get("/v1/voices") as answer:
        assert answer.status == 502
        assert "WWW-Authenticate" not in answer.headers


async def test_without_an_engine_it_is_said_and_may_be_tried_again() -> None:
    async with relay_house(NOWHERE) as house:
        async with house.client.post("/v1/transcribe", data=b"x") as answer:
            problem = await answer.json()
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
        assert (problem["code"], problem["retryable"]) == ("engine_unavailable", True)
        assert "127.0.0.1" not in problem["detail"]
        async with house.client.post("/v1/audio/speech", data=b"{}") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (503, "engine_unavailable")
        async with house.client.get("/v1/models") as answer:
            assert (answer.status, (await answer.json())["error"]["type"]) == (503, "server_error")


async def test_an_engine_that_cannot_be_reached_is_passed_over_with_the_body_untouched() -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"so"
        yield b"und"

    async with (
        engine(echoing) as url,
        relay_house(NOWHERE, url) as house,
        house.client.post("/v1/transcribe", data=body()) as answer,
    ):
        assert (await answer.json())["body"] == "sound"


async def test_an_answer_comes_piece_by_piece_as_it_is_made() -> None:
    go_on = asyncio.Event()

    async def making(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await go_on.wait()
        await response.write(b"second")
        return response

    async with (
        engine(making) as url,
        relay_house(url) as house,
        house.client.post("/v1/synthesize", json={}) as answer,
        asyncio.timeout(5),
    ):
        assert await answer.content.readany() == b"first"
        go_on.set()
        assert await answer.content.read() == b"second"


async def test_an_answer_that_breaks_off_is_not_taken_for_the_whole() -> None:
    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with (
        engine(breaking) as url,
        relay_house(url) as house,
        house.client.post("/v1/synthesize", json={}) as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_upload_is_held_back_by_an_engine_that_does_not_take_it_and_refused_while_it_comes() -> None:
    sent = 0
    refuse = asyncio.Event()

    async def full(_request: web.Request) -> web.Response:
        await refuse.wait()
        return web.Response(status=413, text="too much")

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 256 * MIB:
            yield bytes(MIB)
            sent += MIB

    async with engine(full) as url, relay_house(url) as house:

        async def upload() -> int:
            async with house.client.post("/v1/transcribe", data=endless()) as answer:
                return answer.status

        asking = asyncio.create_task(upload())
        await asyncio.sleep(0.5)
        assert 0 < sent < 64 * MIB  # what the sockets on the way hold
        refuse.set()
        async with asyncio.timeout(5):
            assert await asking == 413
        async with house.client.get("/v1/models") as answer:  # and the relay is as it was
            assert answer.status == 503


async def test_a_client_that_leaves_ends_the_engines_work() -> None:
    working, ended = asyncio.Event(), asyncio.Event()

    async def working_long(request: web.Request) -> web.Response:
        await request.read()
        working.set()
        try:
            await asyncio.sleep(30)  # ends when its client is gone
        finally:
            ended.set()
        return web.Response()

    async with engine(working_long) as url, relay_house(url) as house:
        asking = asyncio.create_task(house.client.post("/v1/transcribe", data=b"x"))
        async with asyncio.timeout(5):
            await working.wait()
            asking.cancel()
            await ended.wait()


async def test_a_client_that_sends_no_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "CLIENT_S", 0.2)
    over = asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield b"x"
        await over.wait()

    async with engine(echoing) as url, relay_house(url) as house:
        async with asyncio.timeout(5), house.client.post("/v1/transcribe", data=stalling()) as answer:
            assert (await answer.json())["code"] == "deadline_exceeded"
        over.set()


async def test_a_body_in_another_coding_is_not_unpacked() -> None:
    async with engine(echoing) as url, relay_house(url) as house:
        head = {"Content-Encoding": "gzip"}
        async with house.client.post("/v1/transcribe", data=b"\x1f\x8b", headers=head) as answer:
            assert answer.status in (400, 415)


async def test_so_many_at_once_and_no_more_while_questions_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MAX_JOBS", 2)
    over = asyncio.Event()
    under_way = asyncio.Semaphore(0)

    async def holding(request: web.Request) -> web.Response:
        if request.method == "POST":
            under_way.release()
            await over.wait()
        return web.Response()

    async def post() -> int:
        async with house.client.post("/v1/transcribe", data=b"x") as answer:
            return answer.status

    async with engine(holding) as url, relay_house(url) as house:
        asking = [asyncio.create_task(post()) for _ in range(2)]
        for _ in asking:
            await under_way.acquire()
        assert await post() == 503
        async with house.client.get("/v1/voices") as answer:
            assert answer.status == 200
        over.set()
        assert await asyncio.gather(*asking) == [200, 200]


async def test_what_takes_a_session_leaves_room_for_calls() -> None:
    async with engine(echoing) as url, relay_house(url) as house:

        async def status(path: str) -> int:
            async with house.client.post(path, data=b"{}") as answer:
                return answer.status

        house.room = Room(ready=1, free=RESERVE + 2, asked_at=1.0)
        house.promised = 1
        assert await status("/v1/synthesize") == 200
        assert await status("/v1/synthesize") == 503, "the engine has not counted the first yet"
        assert await status("/v1/transcribe") == 200, "which takes none"
        house.promised = 0
        assert await status("/v1/audio/speech") == 200
        house.room = Room()
        assert await status("/v1/audio/speech") == 503


async def test_calls_are_paced_while_much_is_uploaded() -> None:
    late: list[float] = []
    now = asyncio.get_running_loop().time

    async def watch() -> None:
        while True:
            due = now() + 0.005
            await asyncio.sleep(0.005)
            late.append(now() - due)

    async def swallowing(request: web.Request) -> web.Response:
        taken = 0
        while piece := await request.content.readany():
            taken += len(piece)
        return web.json_response(taken)

    async def much() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield bytes(64 * 1024)

    async with engine(swallowing) as url, relay_house(url) as house:
        watching = asyncio.create_task(watch())
        async with house.client.post("/v1/transcribe", data=much()) as answer:
            assert await answer.json() == 64 * MIB
        watching.cancel()
    late.sort()
    assert late[int(0.95 * len(late))] < 0.02


async def test_when_the_server_ends_so_does_what_is_under_way() -> None:
    working = asyncio.Event()

    async def holding(_request: web.Request) -> web.Response:
        working.set()
        await asyncio.sleep(30)
        return web.Response()

    async with engine(holding) as url, relay_house(url) as house:

        async def post() -> int:
            async with house.client.post("/v1/transcribe", data=b"x") as answer:
                return answer.status

        asking = asyncio.create_task(post())
        await working.wait()
        async with asyncio.timeout(2):
            ending = asyncio.create_task(house.client.server.close())
            assert await asking == 503
            await ending


async def test_all_engines_models_are_told_together() -> None:
    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "whisper-1"}]})

    async with engine(models) as url, relay_house(url) as house, house.client.get("/v1/models") as answer:
        assert await answer.json() == {"object": "list", "data": [{"id": "whisper-1"}] * 2}

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from media_server.config import Settings
from media_server.errors import ConfigError, NotFound, Overloaded
from media_server.services.app import LIMIT, STATE, SessionLimit, service_app, session_socket
from media_server.telemetry.metrics import LOOP_LAG_SECONDS

Client = TestClient[web.Request, web.Application]

KEY = "a-key-of-some-length"


@asynccontextmanager
async def client_of(settings: Settings, *, max_sessions: int = 2) -> AsyncIterator[Client]:
    app = service_app(settings, role="test", max_sessions=max_sessions, most_wait_ms=1000.0)
    app[STATE].ready = True

    async def stream(request: web.Request) -> web.StreamResponse:
        async with session_socket(request) as socket:
            async for _ in socket:
                pass
        return socket

    async def missing(_request: web.Request) -> web.Response:
        raise NotFound("No such voice")

    async def broken(_request: web.Request) -> web.Response:
        raise ConfigError("/etc/secret.toml: line 3")

    async def crash(_request: web.Request) -> web.Response:
        raise ValueError("user data")

    async def body(request: web.Request) -> web.Response:
        return web.json_response(len(await request.read()))

    app.router.add_get("/stream", stream)
    app.router.add_get("/missing", missing)
    app.router.add_get("/broken", broken)
    app.router.add_get("/crash", crash)
    app.router.add_post("/body", body)
    app.router.add_get("/twilio/voice", body)
    async with TestClient(TestServer(app)) as client:
        yield client


async def problem_of(response: aiohttp.ClientResponse) -> tuple[int, str, bool]:
    assert response.content_type == "application/problem+json"
    document = json.loads(await response.text())
    assert document["status"] == response.status
    return response.status, document["code"], document["retryable"]


async def test_errors_are_problem_documents_that_name_no_internals() -> None:
    async with client_of(Settings()) as client:
        assert await problem_of(await client.get("/missing")) == (404, "not_found", False)
        assert await problem_of(await client.get("/nowhere")) == (404, "not_found", False)
        not_allowed = await client.post("/missing")
        assert await problem_of(not_allowed) == (405, "method_not_allowed", False)
        assert not_allowed.headers["Allow"] == "GET,HEAD"
        for path, code in (("/broken", "config"), ("/crash", "internal")):
            response = await client.get(path)
            assert await problem_of(response) == (500, code, False)
            assert "secret" not in await response.text()
            assert "user data" not in await response.text()


async def test_a_body_over_64_kib_is_refused() -> None:
    async with client_of(Settings()) as client:
        assert (await client.post("/body", data=bytes(64 * 1024))).status == 200
        assert await problem_of(await client.post("/body", data=bytes(64 * 1024 + 1))) == (413, "too_large", False)


async def test_readiness_names_role_and_free_slots() -> None:
    async with client_of(Settings()) as client:
        assert await (await client.get("/healthz")).json() == {"alive": True}
        async with client.ws_connect("/stream"):
            report = await (await client.get("/readyz")).json()
            told = {"ready": True, "role": "test", "sessions": 1, "free": 1, "queue_wait_ms": 0, "stuck_s": 0.0}
            assert report == told
        client.app[STATE].ready = False
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/healthz")).status == 200


async def test_metrics_are_prometheus_text() -> None:
    async with client_of(Settings()) as client, client.ws_connect("/stream"):
        text = await (await client.get("/metrics")).text()
        assert 'media_server_sessions_live{service="test"} 1.0' in text


async def test_how_late_the_event_loop_is_is_measured() -> None:
    LOOP_LAG_SECONDS.set(-1)
    async with client_of(Settings()) as client, asyncio.timeout(5):
        while "event_loop_lag_seconds -1.0" in await (await client.get("/metrics")).text():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_session_over_the_limit_is_refused_before_the_upgrade_and_at_once() -> None:
    async with client_of(Settings(), max_sessions=1) as client:
        async with client.ws_connect("/stream"):
            begun = asyncio.get_running_loop().time()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect("/stream")
            assert asyncio.get_running_loop().time() - begun < 0.1
            assert refused.value.status == 503
            assert refused.value.headers is not None
            assert int(refused.value.headers["Retry-After"]) > 0
        async with client.ws_connect("/stream") as socket:
            assert not socket.closed


async def test_a_service_that_is_not_ready_takes_no_session() -> None:
    async with client_of(Settings()) as client:
        client.app[STATE].ready = False
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/stream")
        assert refused.value.status == 503


def test_a_slot_comes_back_after_an_error() -> None:
    limit = SessionLimit("test", 1)
    with pytest.raises(ValueError, match="x"), limit.slot():
        raise ValueError("x")
    with limit.slot(), pytest.raises(Overloaded), limit.slot():
        pass
    assert limit.free == 1


async def test_shutdown_closes_the_streams_and_frees_their_slots() -> None:
    async with client_of(Settings()) as client:
        socket = await client.ws_connect("/stream")
        await client.app.shutdown()
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
        assert client.app[STATE].report()[0] is False
    assert client.app[LIMIT].free == 2


async def test_a_message_over_64_kib_closes_the_stream_with_1009() -> None:
    async with client_of(Settings()) as client, client.ws_connect("/stream") as socket:
        await socket.send_bytes(bytes(64 * 1024 + 1))
        message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "example.org"},
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "example.org"},
        {"Host": "127.0.0.1@example.org"},
        {"Host": "127.0.0.1.example.org:8001"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
    ],
)
async def test_without_a_key_only_this_machine_is_answered(headers: dict[str, str]) -> None:
    async with client_of(Settings()) as client:
        assert await problem_of(await client.get("/readyz", headers=headers)) == (403, "forbidden", False)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8001", "[::1]:8001", "127.8.8.8"])
async def test_this_machine_has_several_names(host: str) -> None:
    async with client_of(Settings()) as client:
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert (await client.get("/readyz", headers=headers)).status == 200


async def test_with_a_key_everything_but_the_open_routes_wants_it() -> None:
    async with client_of(Settings(api_key=SecretStr(KEY))) as client:
        for path in ("/metrics", "/missing", "/nowhere", "/stream", "/twilio/../missing", "/twiliox"):
            assert await problem_of(await client.get(path)) == (401, "unauthorized", False), path
        for path in ("/healthz", "/readyz", "/twilio/voice"):
            assert (await client.get(path)).status == 200, path
        proxied = {"X-Forwarded-For": "203.0.113.9", "Host": "calls.example.org"}
        assert (await client.get("/readyz", headers=proxied)).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer {KEY}"}, 200),
        ({"Authorization": f"Token {KEY}"}, 200),
        ({"X-API-Key": KEY}, 200),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Token wrong"}, 401),
        ({"X-API-Key": KEY + "x"}, 401),
        ({"X-API-Key": "schlüssel"}, 401),
    ],
)
async def test_the_key_comes_as_bearer_or_x_api_key(headers: dict[str, str], status: int) -> None:
    async with client_of(Settings(api_key=SecretStr(KEY))) as client:
        response = await client.get("/metrics", headers=headers)
        assert response.status == status
        if status == 401:
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert KEY not in await response.text()

"""Pages from elsewhere: what their browsers are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from media_server.telemetry.cors import add_cors, origin, origin_of
from media_server.telemetry.guard import guard_middleware
from media_server.telemetry.problems import problem_middleware

SHOP = "https://www.example.com"
KEY = {"X-API-Key": "k"}
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def serving(*origins: str) -> AsyncIterator[Client]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=201, headers={"Location": "/v1/webrtc/1"})

    app = web.Application(middlewares=[problem_middleware, guard_middleware("k", loopback_only=False)])
    for path in ("/v1/webrtc", "/v1/webrtc/{id}", "/v1/webrtcx", "/v1/calls"):
        app.router.add_post(path, answer)
    add_cors(app, origins, ("/v1/webrtc",))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_a_listed_page_is_let_ask_and_read_the_answer_also_where_that_is_a_refusal() -> None:
    async with serving(SHOP) as client:
        for path in ("/v1/webrtc", "/v1/webrtc/17"):
            async with client.options(path, headers={"Origin": SHOP, **ASKED}) as answer:
                assert answer.status == 204
                assert answer.headers["Access-Control-Allow-Origin"] == SHOP
                assert "POST" in answer.headers["Access-Control-Allow-Methods"]
                assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
                assert "Access-Control-Allow-Credentials" not in answer.headers
            for headers, status in ((KEY, 201), ({}, 401)):
                async with client.post(path, headers={"Origin": SHOP, **headers}) as answer:
                    assert answer.status == status
                    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
                    assert {"Location", "Link"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
                    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("foreign", ["https://evil.example", "null", f"{SHOP}.evil.example", "http://www.example.com"])
async def test_other_pages_are_told_nothing(foreign: str) -> None:
    async with serving(SHOP) as client:
        async with client.options("/v1/webrtc", headers={"Origin": foreign, **ASKED}) as answer:
            assert answer.status == 401
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
        async with client.post("/v1/webrtc", headers={"Origin": foreign, **KEY}) as answer:
            assert answer.status == 201
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
            assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/v1/calls", "/v1/webrtcx", "/nowhere"])
async def test_other_routes_are_shared_with_nobody(path: str) -> None:
    async with serving(SHOP) as client:
        for method in ("OPTIONS", "POST"):
            async with client.request(method, path, headers={"Origin": SHOP, **ASKED, **KEY}) as answer:
                assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_with_no_origin_listed_nothing_is_said_at_all() -> None:
    async with serving() as client, client.post("/v1/webrtc", headers={"Origin": SHOP, **KEY}) as answer:
        assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("https://WWW.Example.com:443", "https://www.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(text: str, meant: str) -> None:
    assert origin(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("*", "null", "", "www.example.com", "https://", "https://*.example.com", "https://www.example.com/"),
        *("https://www.example.com/a", "https://u@www.example.com", "https://a b", "ftp://www.example.com"),
        *("https://www.example.com:0x1", "https://www.example.com:99999", "https://www.example.com?x", "https://[::1"),
    ],
)
def test_what_is_no_one_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        origin(text)


def test_the_origin_of_an_address() -> None:
    assert origin_of("https://calls.example.org:443/under/") == "https://calls.example.org"
    assert origin_of("http://u:p@Localhost:8000") == "http://localhost:8000"
    assert origin_of("https://bücher.example/") == "https://bücher.example"

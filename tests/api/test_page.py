"""`/v1/page` and `/v1/tickets` of the whole media role."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from media_server.api.page import dialplans
from media_server.config import load
from media_server.dialplan.router import Router
from media_server.server import create_app

KEY = {"X-API-Key": "a-key-of-some-length"}
SHOP = "https://www.example.com"
TALK: Mapping[str, Any] = {"protocols": ("media-server.talk.1",)}
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def role(folder: Path, **environment: str) -> AsyncIterator[Client]:
    """The media role without engines."""
    ports = {"MEDIA_SERVER_ASR_PORT": "1", "MEDIA_SERVER_TTS_PORT": "1", "MEDIA_SERVER_DATA_DIR": str(folder)}
    app = create_app(load(None, {**ports, **{f"MEDIA_SERVER_{name}": value for name, value in environment.items()}}))
    async with TestClient(TestServer(app)) as client:
        yield client


async def got(client: Client, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    async with client.get(path, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_without_a_key_the_page_of_this_machine_is_told_all(tmp_path: Path) -> None:
    async with role(tmp_path) as client:
        status, page = await got(client, "/v1/page")
        assert status == 200
        assert page["dialplans"] == [{"name": "parrot", "default": True}, {"name": "echo", "default": False}]
        assert (page["auth"], page["may_call"], page["recording"]) == (False, True, True)
        assert (page["sample_rate"], page["ice_servers"]) == (16000, [])
        assert page["version"]
        for path in ("/", "/web/app.js", "/v1/page"):
            async with client.get(path, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403


async def test_with_a_key_the_page_is_open_and_says_little_to_who_has_none(tmp_path: Path) -> None:
    async with role(tmp_path, API_KEY=KEY["X-API-Key"]) as client:
        stranger = {"Host": "calls.example.org", "X-Forwarded-For": "192.0.2.1"}
        for path in ("/", "/web/app.js"):
            async with client.get(path, headers=stranger) as answer:
                assert answer.status == 200
        for headers in (stranger, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}):
            status, page = await got(client, "/v1/page", headers)
            assert (status, page["auth"], page["may_call"]) == (200, True, False)
            assert (page["dialplans"], page["ice_servers"]) == ([], [])
        _, page = await got(client, "/v1/page", {**stranger, **KEY})
        assert (page["may_call"], len(page["dialplans"])) == (True, 2)


async def test_a_ticket_wants_the_key_and_opens_one_call(tmp_path: Path) -> None:
    async with role(tmp_path, API_KEY=KEY["X-API-Key"]) as client:
        async with client.post("/v1/tickets") as answer:
            assert answer.status == 401
        async with client.post("/v1/tickets", headers=KEY) as answer:
            assert answer.status == 201
            assert answer.headers["Cache-Control"] == "no-store"
            issued = await answer.json()
        assert issued["expires_s"] == 60
        ticket = issued["ticket"]
        _, page = await got(client, "/v1/page", {"Authorization": f"Bearer {ticket}"})
        assert page["may_call"], "asking uses nothing up"
        for again in (True, True):  # the engines are not there, so no call came of it, and the ticket is good still
            async with client.ws_connect(f"/v1/talk?ticket={ticket}", **TALK) as ws:
                told = await ws.receive_json(timeout=5)
                assert (told["type"], told["code"], told["retryable"]) == ("error", "overloaded", again)
                assert (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
                assert ws.close_code == 1013
        for wrong in ("", "?ticket=", "?ticket=x", f"?ticket={KEY['X-API-Key']}", f"?api_key={ticket}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(f"/v1/talk{wrong}", **TALK)
            assert refused.value.status == 401


async def test_a_ticket_is_no_key(tmp_path: Path) -> None:
    async with role(tmp_path, API_KEY=KEY["X-API-Key"]) as client:
        async with client.post("/v1/tickets", headers=KEY) as answer:
            bearer = {"Authorization": f"Bearer {(await answer.json())['ticket']}"}
        for method, path in (("POST", "/v1/tickets"), ("GET", "/v1/calls"), ("POST", "/v1/calls"), ("GET", "/metrics")):
            async with client.request(method, path, headers=bearer) as answer:
                assert answer.status == 401, path


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pages_of_listed_origins_may_ask_with_the_key(tmp_path: Path, method: str) -> None:
    async with role(tmp_path, API_KEY=KEY["X-API-Key"], WEB__ALLOWED_ORIGINS=f"{SHOP},http://localhost:5173") as client:
        path = {"GET": "/v1/page", "POST": "/v1/tickets"}[method]
        preflight = {"Origin": SHOP, "Access-Control-Request-Method": method}
        async with client.options(path, headers=preflight) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
        async with client.request(method, path, headers={"Origin": SHOP, **KEY}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        async with client.request(method, path, headers={"Origin": "https://evil.example", **KEY}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with client.ws_connect("/v1/talk", headers={"Origin": SHOP, **KEY}, **TALK) as ws:
            assert (await ws.receive_json(timeout=5))["code"] == "overloaded"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/v1/talk", headers={"Origin": "https://evil.example", **KEY}, **TALK)
        assert refused.value.status == 403


async def test_a_page_behind_the_public_address_is_ours(tmp_path: Path) -> None:
    public = "https://calls.example.org"
    async with (
        role(tmp_path, API_KEY=KEY["X-API-Key"], PUBLIC_URL=public) as client,
        client.ws_connect("/v1/talk", headers={"Origin": public, **KEY}, **TALK) as ws,
    ):
        assert (await ws.receive_json(timeout=5))["code"] == "overloaded"


def test_dialplans_are_named_as_their_routes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(f"async def {name}(call):\n    pass\n")
    (tmp_path / "routes.toml").write_text(
        'default = "two"\n[[route]]\nname = "Office"\ncalled = "+1"\ndialplan = "one"\n'
        '[[route]]\ncalled = "+2"\ndialplan = "one"\n[[route]]\ncalled = "+3"\ndialplan = "two"\n'
    )
    router = Router.load([tmp_path])
    named = dialplans(router)
    assert named == [
        {"name": "two", "default": True},
        {"name": "Office", "default": False},
        {"name": "one", "default": False},
    ]
    assert [router.named(each["name"]).plan.name for each in named] == ["two", "one", "one"]

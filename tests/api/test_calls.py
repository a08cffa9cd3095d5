import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from media_server.api.calls import calls_routes
from media_server.call.registry import Registry
from media_server.telemetry.problems import problem_middleware
from media_server.transports.loopback import LoopbackPort
from tests.call.test_registry import clock, registry, reserve

__all__ = ["clock", "registry"]


async def answer(registry: Registry, path: str) -> tuple[int, dict[str, object]]:
    app = web.Application(middlewares=[problem_middleware])
    app.add_routes(calls_routes(registry))
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, await response.json()


async def test_calls_are_listed_and_found(registry: Registry) -> None:
    place = reserve(registry)
    await registry.connect(place, LoopbackPort())
    status, body = await answer(registry, "/v1/calls?provider_id=CA1&state=ended")
    assert status == 200
    calls = body["calls"]
    assert isinstance(calls, list)
    assert calls[0]["id"] == place.facts.id
    status, body = await answer(registry, f"/v1/calls/{place.facts.id}")
    assert (status, body["state"]) == (200, "ended")
    assert body["ledger"] == {
        "received": 0,
        "filled": 0,
        "delivered": 0,
        "unlistened": 0,
        "dropped": {},
        "balances": True,
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/calls/" + "0" * 32, 404),
        ("/v1/calls/..%2f..%2fetc", 404),
        ("/v1/calls?limit=0", 400),
        ("/v1/calls?limit=²", 400),
        ("/v1/calls?sort=up", 400),
    ],
)
async def test_bad_input_is_named(registry: Registry, path: str, status: int) -> None:
    got, body = await answer(registry, path)
    assert got == status
    assert body["status"] == status
    assert body["code"] in ("not_found", "bad_request")

"""Nobody without the key, on any route of the two services."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from media_server.config import Settings
from media_server.services import asr, tts

pytestmark = pytest.mark.models

KEY = "a-key-of-some-length"
OPEN = {"/healthz", "/readyz"}
STRANGERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "a wrong key": {"Authorization": "Bearer wrong"},
    "no key behind the scheme": {"Authorization": "Bearer"},
    "an unknown scheme": {"Authorization": f"Basic {KEY}"},
    "a longer key": {"X-API-Key": KEY + "x"},
    "a cookie, from another page": {"Cookie": f"api_key={KEY}", "Origin": "https://evil.example"},
}


@pytest.mark.parametrize("create_app", [asr.create_app, tts.create_app], ids=["asr", "tts"])
async def test_every_route_but_health_wants_the_key(
    create_app: Callable[[Settings], web.Application], models_dir: Path, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"models_dir": models_dir, "data_dir": tmp_path, "api_key": KEY})
    app = create_app(settings)
    async with TestClient(TestServer(app)) as client:
        routes = {
            (route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        assert len(routes) >= 6
        for method, path in sorted(routes):
            address = path.replace("{voice}", "some-voice").replace("{id}", "some-voice")
            answers = set[tuple[int, str]]()
            for headers in STRANGERS.values():
                # A key in the address is none: addresses come to stand in logs.
                async with client.request(method, f"{address}?api_key={KEY}", headers=headers) as answer:
                    answers.add((answer.status, await answer.text()))
            [(status, body)] = answers  # the same for all of them
            assert (status == 200) if path in OPEN else (status == 401), (method, path)
            assert KEY not in body
            async with client.request(method, address, headers={"Authorization": f"Bearer {KEY}"}) as answer:
                assert answer.status != 401, (method, path)

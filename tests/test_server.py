"""The media role's application: who may ask for what."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from media_server.config import load
from media_server.server import create_app

PROXIED = {"Host": "calls.example.org", "X-Forwarded-For": "203.0.113.9"}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/healthz", PROXIED, 200),
        ("/v1/calls", PROXIED, 403),
        ("/metrics", PROXIED, 403),
        ("/nowhere", PROXIED, 403),
        ("/v1/calls", {}, 200),
        ("/v1/calls", {"Host": "example.org"}, 403),
    ],
)
async def test_a_twilio_token_opens_twilios_routes_and_no_callers_words(
    path: str, headers: dict[str, str], status: int
) -> None:
    environment = {"TWILIO_AUTH_TOKEN": "12345", "MEDIA_SERVER_PUBLIC_URL": "https://calls.example.org"}
    app = create_app(load(None, environment))
    async with TestClient(TestServer(app)) as client, client.get(path, headers=headers) as answer:
        assert answer.status == status


async def test_nobody_is_taken_before_the_engines_are_there() -> None:
    app = create_app(load(None, {"MEDIA_SERVER_ASR_PORT": "1", "MEDIA_SERVER_TTS_PORT": "1"}))
    form = {"CallSid": "CA1", "AccountSid": "AC1", "From": "+15550111", "To": "+15550100"}
    async with TestClient(TestServer(app)) as client:
        async with client.get("/readyz") as answer:
            assert answer.status == 503
        async with client.post("/twilio/voice", data=form) as answer:
            assert "All lines are busy" in await answer.text()

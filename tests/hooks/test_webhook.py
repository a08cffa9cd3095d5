import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from typing_extensions import override

from media_server.errors import BadAnswer
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest
from media_server.hooks.webhook import Endpoint
from tests.hooks.receivers import SECRET


class Kept(HookHttp):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__(Guard())
        self.requests: list[HttpRequest] = []

    @override
    async def fetch(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        return HttpAnswer(204, "", "utf-8", b"")


async def test_what_is_sent_is_verified_as_it_is_and_neither_altered_nor_old() -> None:
    http = Kept()
    await Endpoint("https://hook.example/", SECRET).post(http, "turn", {"text": "Zürich"})
    sent = http.requests[0]
    assert sent.body is not None
    verifier, headers = Verifier(SECRET), dict(sent.headers)
    assert verifier.verify(sent.body, headers)["data"] == {"text": "Zürich"}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(sent.body.replace(b"turn", b"burn"), headers)
    old = datetime.now(UTC) - timedelta(minutes=6)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(sent.body, {**headers, "webhook-timestamp": str(int(old.timestamp()))})
    other = "whsec_" + "bmV3IHNlY3JldCBvZiBvdXJzISE="
    with pytest.raises(WebhookVerificationError):
        Verifier(other).verify(sent.body, headers)


async def test_each_request_has_an_id_of_its_own() -> None:
    http = Kept()
    endpoint = Endpoint("https://hook.example/", SECRET)
    for _ in range(3):
        await endpoint.post(http, "turn", {})
    assert len({request.headers["webhook-id"] for request in http.requests}) == 3


@pytest.mark.parametrize("data", [{"text": "a" * 70_000}, {"text": object()}])
async def test_what_cannot_be_sent_is_told_as_such(data: dict[str, object]) -> None:
    http = Kept()
    with pytest.raises(BadAnswer) as failure:
        await Endpoint("https://hook.example/", SECRET).post(http, "turn", data)
    assert failure.value.reason == "request"
    assert http.requests == []


async def test_numbers_that_json_has_not_are_sent_as_null() -> None:
    http = Kept()
    await Endpoint("https://hook.example/", SECRET).post(http, "turn", {"value": float("nan")})
    assert json.loads(http.requests[0].body or b"")["data"] == {"value": None}

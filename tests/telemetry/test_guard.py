"""The guard of the media role: what is open, what a key opens, and what a ticket does."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from media_server.errors import Overloaded
from media_server.telemetry.guard import OPEN_PATHS, TICKET_UNUSED, TRUSTED, guard_middleware
from media_server.telemetry.problems import problem_middleware
from media_server.telemetry.tickets import Tickets

KEY = "a-key-of-some-length"
Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def guarded(tickets: Tickets, *, key: str | None = KEY, loopback_only: bool = False) -> AsyncIterator[Client]:
    async def say(request: web.Request) -> web.StreamResponse:
        match request.query.get("then"):
            case "busy":
                raise Overloaded("full")
            case "refuse":
                return web.Response(status=422)
            case "missing":
                raise web.HTTPNotFound
            case "nothing":
                request[TICKET_UNUSED] = True
            case _:
                pass
        return web.json_response(request[TRUSTED])

    guard = guard_middleware(
        key,
        loopback_only=loopback_only,
        open_paths=(*OPEN_PATHS, "/", "/web/{path}"),
        tickets=tickets,
        ticket_paths=("/v1/talk", "/v1/webrtc"),
    )
    app = web.Application(middlewares=[problem_middleware, guard])
    for path in ("/", "/web/{path:.+}", "/v1/talk", "/v1/webrtc", "/v1/calls", "/webrtc", "/twilio/voice"):
        app.router.add_route("*", path, say)
    async with TestClient(TestServer(app)) as client:
        yield client


async def status(client: Client, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> int:
    async with client.request(method, path, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(("/", 200), ("/web/app.js", 200), ("/web/a/b.js", 200), ("/twilio/voice", 200)),
        *(("/v1/calls", 401), ("/v1/talk", 401), ("/webrtc", 401), ("/web", 401), ("/nowhere", 401)),
    ],
)
async def test_the_root_is_open_and_nothing_is_by_being_below_it(path: str, expected: int) -> None:
    async with guarded(Tickets(now=time.monotonic)) as client:
        assert await status(client, path) == expected


async def test_a_ticket_opens_its_routes_once_in_either_way() -> None:
    tickets = Tickets(now=time.monotonic)
    async with guarded(tickets) as client:
        ticket = tickets.issue()
        for path in ("/v1/calls", "/nowhere"):
            assert await status(client, f"{path}?ticket={ticket}") == 401
            assert await status(client, path, headers={"Authorization": f"Bearer {ticket}"}) == 401
        assert await status(client, f"/v1/talk?ticket={ticket}") == 200
        assert await status(client, f"/v1/talk?ticket={ticket}") == 401
        bearer = {"Authorization": f"Bearer {tickets.issue()}"}
        assert await status(client, "/v1/webrtc", "POST", bearer) == 200
        assert await status(client, "/v1/webrtc", "POST", bearer) == 401


async def test_a_ticket_in_an_address_is_for_websockets_which_are_got() -> None:
    tickets = Tickets(now=time.monotonic)
    async with guarded(tickets) as client:
        assert await status(client, f"/v1/webrtc?ticket={tickets.issue()}", "POST") == 401


@pytest.mark.parametrize(("then", "first"), [("busy", 503), ("refuse", 422), ("missing", 404), ("nothing", 200)])
async def test_a_ticket_is_good_still_where_nothing_came_of_it(then: str, first: int) -> None:
    tickets = Tickets(now=time.monotonic)
    ticket = tickets.issue()
    async with guarded(tickets) as client:
        assert await status(client, f"/v1/talk?then={then}&ticket={ticket}") == first
        assert await status(client, f"/v1/talk?ticket={ticket}") == 200
        assert await status(client, f"/v1/talk?ticket={ticket}") == 401


async def test_who_has_the_key_needs_no_ticket_and_uses_none_up() -> None:
    tickets = Tickets(now=time.monotonic)
    ticket = tickets.issue()
    async with guarded(tickets) as client:
        assert await status(client, f"/v1/talk?ticket={ticket}", headers={"X-API-Key": KEY}) == 200
    assert tickets.knows(ticket)


@pytest.mark.parametrize(
    ("headers", "trusted"),
    [
        ({}, "false"),
        ({"X-API-Key": KEY}, "true"),
        ({"X-API-Key": "x"}, "false"),
        ({"Authorization": "Bearer x"}, "false"),
    ],
)
async def test_an_open_route_is_told_whether_it_is_asked_with_the_key(headers: dict[str, str], trusted: str) -> None:
    tickets = Tickets(now=time.monotonic)
    async with guarded(tickets) as client:
        async with client.get("/", headers=headers) as answer:
            assert await answer.text() == trusted
        async with client.get("/", headers={"Authorization": f"Bearer {tickets.issue()}"}) as answer:
            assert await answer.text() == "true"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Origin": "null"},
    ],
)
async def test_without_a_key_nobody_from_elsewhere_gets_in_by_a_ticket(headers: dict[str, str]) -> None:
    tickets = Tickets(now=time.monotonic)
    async with guarded(tickets, key=None, loopback_only=True) as client:
        assert await status(client, f"/v1/talk?ticket={tickets.issue()}", headers=headers) == 403
        assert await status(client, "/", headers=headers) == 403
        assert await status(client, "/") == 200

"""Linking a number: the tunnel, the proof of the public path, what is set and put back; and `media-server call`."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from media_server.config import Settings, load
from media_server.dialplan import Call
from media_server.phone.call_out import run_call, settings_of
from media_server.phone.public_path import find_tunnel, prove_public_path
from media_server.phone.twilio_link import KEPT, run_link, run_unlink
from tests.calling_house import CallingHouse, calling_house
from tests.peers.twilio_emulation import Answer, Twilio

NUMBER = "+15550100"
BEFORE = {
    "voice_url": "https://old.example/voice",
    "voice_method": "GET",
    "status_callback": "",
    "status_callback_method": "POST",
}


async def hello(call: Call) -> None:
    await call.say("Hello.")


def settings(twilio: Twilio, data_dir: Path, **more: Any) -> Settings:
    environment = {
        "TWILIO_AUTH_TOKEN": twilio.token,
        "TWILIO_ACCOUNT_SID": twilio.account,
        "MEDIA_SERVER_TWILIO__API_URL": twilio.url,
    }
    return load(None, environment, data_dir=data_dir, **more)


async def ran(command: Callable[..., int], *arguments: Any, **options: Any) -> tuple[int, str]:
    """A command, on a loop of its own."""
    lines: list[str] = []
    code = await asyncio.to_thread(command, *arguments, say=lines.append, **options)
    return code, "\n".join(lines)


@asynccontextmanager
async def answering(routes: dict[str, object], status: int = 200) -> AsyncIterator[int]:
    """A server that answers these paths with JSON; its port."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(routes.get(request.path), status=status if request.path in routes else 404)

    listener = socket.create_server(("127.0.0.1", 0))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield listener.getsockname()[1]
    finally:
        await runner.cleanup()


def own(house: CallingHouse) -> dict[str, str]:
    house.twilio.numbers[NUMBER] = {"sid": "PN1", "phone_number": NUMBER, **BEFORE}
    return house.twilio.numbers[NUMBER]


async def test_a_number_is_linked_and_put_back(tmp_path: Path) -> None:
    async with calling_house(hello) as house:
        number = own(house)
        here = settings(house.twilio, tmp_path, public_url=house.url)
        code, said = await ran(run_link, here, NUMBER)
        assert (code, number["voice_url"]) == (0, house.url + "/twilio/voice"), said
        assert number["status_callback"] == house.url + "/twilio/status"
        assert "it was https://old.example/voice" in said
        assert (tmp_path / KEPT).stat().st_mode & 0o777 == 0o600
        assert (await ran(run_link, here, NUMBER))[0] == 0, "linking again keeps what was before the first time"
        assert house.registry.records() == [], "the proof made no call"
        code, said = await ran(run_unlink, here, NUMBER)
        assert code == 0, said
        assert {name: number[name] for name in BEFORE} == BEFORE
        assert json.loads((tmp_path / KEPT).read_text()) == {}
        code, said = await ran(run_unlink, here, NUMBER)
        assert code == 1
        assert "was not linked from here" in said


async def test_a_number_that_somebody_else_has_set_since_is_left_alone(tmp_path: Path) -> None:
    async with calling_house(hello) as house:
        number = own(house)
        here = settings(house.twilio, tmp_path, public_url=house.url)
        assert (await ran(run_link, here, NUMBER))[0] == 0
        number["voice_url"] = "https://new.example/voice"
        code, said = await ran(run_unlink, here, NUMBER)
        assert (code, number["voice_url"]) == (1, "https://new.example/voice")
        assert "somebody has set it" in said


async def test_a_running_tunnel_is_found_and_used(tmp_path: Path) -> None:
    async with calling_house(hello) as house:
        own(house)
        here = settings(house.twilio, tmp_path)
        tunnels = [{"public_url": "https://ab12.ngrok.app", "config": {"addr": "http://localhost:8000"}}]
        async with answering({"/api/tunnels": {"tunnels": tunnels}}) as port, answering({}) as elsewhere:
            code, said = await ran(run_link, here, NUMBER, ngrok_ports=(port,), cloudflared_ports=(elsewhere,))
            assert code == 1, "that address is not ours"
            assert "ngrok runs here for :8000: https://ab12.ngrok.app" in said
            code, said = await ran(run_link, here, NUMBER, ngrok_ports=(elsewhere,), cloudflared_ports=())
            assert code == 1
            assert "no tunnel runs here" in said
            assert "ngrok http 8000" in said
        assert house.twilio.numbers[NUMBER]["voice_url"] == BEFORE["voice_url"]


@pytest.mark.parametrize(
    ("tunnels", "found"),
    [
        ([{"public_url": "https://a.example", "config": {"addr": "http://localhost:8000"}}], "https://a.example"),
        ([{"public_url": "https://a.example", "config": {"addr": "localhost:9000"}}], None),
        ([{"public_url": "tcp://a.example:1", "config": {"addr": "localhost:8000"}}], None),
        ([None, 1, {}, {"public_url": 1, "config": []}], None),
        ("odd", None),
    ],
)
async def test_only_the_tunnel_that_leads_here_is_taken(tunnels: object, found: str | None) -> None:
    async with answering({"/api/tunnels": {"tunnels": tunnels}}) as port, aiohttp.ClientSession() as http:
        tunnel = await find_tunnel(http, 8000, ngrok_ports=(port,), cloudflared_ports=())
        assert (tunnel.url if tunnel else None) == found


async def test_a_quick_tunnel_of_cloudflared_is_found() -> None:
    async with (
        answering({"/quicktunnel": {"hostname": "x.trycloudflare.com"}}) as port,
        aiohttp.ClientSession() as http,
    ):
        tunnel = await find_tunnel(http, 8000, ngrok_ports=(port,), cloudflared_ports=(port,))
    assert tunnel is not None
    assert (tunnel.program, tunnel.url) == ("cloudflared", "https://x.trycloudflare.com")


async def test_the_public_path_is_proven_step_by_step() -> None:
    async with calling_house(hello) as house, aiohttp.ClientSession() as http:
        findings = await prove_public_path(http, house.url + "/", house.twilio.token)
        assert [(each.step, each.ok) for each in findings] == [("webhook", True), ("stream", True)]
        (wrong_token,) = await prove_public_path(http, house.url, "another")
        assert not wrong_token.ok
        assert "TWILIO_AUTH_TOKEN" in wrong_token.remedy
        other_name = house.url.replace("127.0.0.1", "localhost")
        (other,) = await prove_public_path(http, other_name, house.twilio.token)
        assert "--public-url" in other.remedy, "the server does not know itself by that address"


@pytest.mark.parametrize("body", [{"proof": "0" * 64}, {"proof": 1}, [], None])
async def test_a_server_that_is_not_ours_proves_nothing(body: object) -> None:
    async with answering({"/twilio/proof": body}) as port, aiohttp.ClientSession() as http:
        (finding,) = await prove_public_path(http, f"http://127.0.0.1:{port}", "12345")
    assert not finding.ok
    assert finding.remedy


async def test_an_address_that_nobody_answers_at_is_said_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with aiohttp.ClientSession() as http:
            (finding,) = await prove_public_path(http, url, "12345", timeout_s=0.2)
            assert "has not answered" in finding.message
    async with aiohttp.ClientSession() as http:
        (finding,) = await prove_public_path(http, url, "12345")
    assert (finding.ok, "cannot be reached" in finding.message) == (False, True)


async def test_what_is_missing_for_linking_is_said(tmp_path: Path) -> None:
    async with calling_house(hello) as house:
        code, said = await ran(run_link, load(None, {}, data_dir=tmp_path), NUMBER)
        assert code == 1
        assert "TWILIO_ACCOUNT_SID" in said
        here = settings(house.twilio, tmp_path, public_url=house.url)
        code, said = await ran(run_link, here, NUMBER)
        assert (code, "none of this account's numbers" in said) == (1, True)
        code, said = await ran(run_link, here, "0100")
        assert (code, "begins with +" in said) == (1, True)
        own(house)
        house.twilio.faults.append(401)
        code, said = await ran(run_link, here, NUMBER)
        assert (code, "Twilio answers 401" in said) == (1, True)


# --- media-server call -------------------------------------------------------------------------------------------


async def test_a_call_is_followed_to_its_end(tmp_path: Path) -> None:
    async with calling_house(hello) as house:
        here = settings(house.twilio, tmp_path)
        body = {"to": "+15550123", "settings": settings_of(["shop=north", "tries=3"])}
        code, said = await ran(run_call, here, body, url=house.url, poll_s=0.02)
        assert code == 0, said
        lines = said.splitlines()
        assert lines[0].startswith("ringing +15550123 from +15550100   call ")
        assert lines[1:3] == ["answered", "agent   Hello."]
        assert lines[3].startswith("ended   completed")
        house.twilio.answers.append(Answer("busy"))
        code, said = await ran(run_call, here, body, url=house.url, poll_s=0.02)
        assert (code, said.splitlines()[-1]) == (1, "ended   busy   0 s")
        code, said = await ran(run_call, here, {"to": "+19005550100"}, url=house.url)
        assert (code, "twilio.allowed_destinations" in said) == (1, True)
    code, said = await ran(run_call, here, body, url=house.url)
    assert (code, "is the server running?" in said) == (1, True)


def test_settings_of_the_command_line_are_json_or_text() -> None:
    assert settings_of(["a=1", "b=true", "c=north", "d=", "e=x=y"]) == {
        "a": 1,
        "b": True,
        "c": "north",
        "d": "",
        "e": "x=y",
    }
    for wrong in ("a", "=1"):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            settings_of([wrong])

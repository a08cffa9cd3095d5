"""Whole calls against real receivers, good and bad, in real time."""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from dialplans.webhook import webhook
from media_server.call.events import WebhookAsked
from media_server.dialplan import Call, Webhook
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp
from tests.call.stage import on_stage
from tests.dialplan.scripted import said
from tests.hooks.receivers import BAD_WAYS, JSON, SECRET, answer, bad_receiver, closed_port, good_receiver

DEADLINE_S = 0.4
FALLBACK = [{"verb": "say", "text": "Ah."}]
GUIDE = Path(__file__).parents[2] / "docs" / "webhooks.md"


async def call_to(url: str, http: HookHttp) -> tuple[list[str], list[WebhookAsked]]:
    """What is said on a call that a receiver drives, and what is noted of it."""
    hook = Webhook(url, SECRET, deadline_s=DEADLINE_S, fallback=FALLBACK)
    async with on_stage(lambda call: hook.drive(Call(call.conversation, http)), voice_delay_s=0.02) as stage:
        await stage.sound(DEADLINE_S + 0.8)
    return said(stage), [event for event in stage.events if isinstance(event, WebhookAsked)]


async def test_each_bad_way_becomes_the_fall_back_in_time_and_other_calls_do_not_notice() -> None:
    """All at once: a call to each bad receiver, and one to a good one."""
    async with contextlib.AsyncExitStack() as servers:
        urls = {way: await servers.enter_async_context(bad_receiver(behaves)) for way, (behaves, _) in BAD_WAYS.items()}
        urls["nobody listens"] = f"http://127.0.0.1:{closed_port()}/"
        urls["it is not to be asked"] = "http://127.0.0.1:22/"
        reasons = {way: reason for way, (_, reason) in BAD_WAYS.items()}
        reasons |= {"nobody listens": "refused", "it is not to be asked": "port"}
        good = await servers.enter_async_context(good_receiver(_hello))
        opened = [f"127.0.0.1:{URL(url).port}" for url in [*urls.values(), good.url] if URL(url).port != 22]
        http = await servers.enter_async_context(HookHttp(Guard(opened)))
        async with asyncio.TaskGroup() as calls:
            bad = {way: calls.create_task(call_to(url, http)) for way, url in urls.items()}
            fine = calls.create_task(call_to(good.url, http))
    assert fine.result()[0] == ["Hello."]
    assert fine.result()[1][0].ms < 1000 * DEADLINE_S
    for way, done in bad.items():
        said, asked = done.result()
        assert said == ["Ah."], way
        assert (asked[0].ok, asked[0].reason) == (False, reasons[way]), way
        assert asked[0].ms <= 1000 * DEADLINE_S + 300, way


def _hello(body: dict[str, Any]) -> Any:
    return [{"verb": "say", "text": "Hello."}] if body["type"] == "call.started" else None


async def test_a_connection_that_ends_before_an_answer_begins_is_tried_once_more() -> None:
    connections = 0

    async def way(writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections > 1:
            await answer(b'[{"verb": "say", "text": "Hello."}]', JSON)(writer)

    async with bad_receiver(way) as url, HookHttp(Guard([f"127.0.0.1:{URL(url).port}"])) as http:
        said, asked = await call_to(url, http)
    assert said == ["Hello."]
    assert asked[0].ok


async def test_with_two_secrets_a_receiver_that_has_either_can_verify() -> None:
    new = "whsec_" + "bmV3IHNlY3JldCBvZiBvdXJzISE="
    async with good_receiver(_hello) as receiver, HookHttp(Guard([f"127.0.0.1:{URL(receiver.url).port}"])) as http:
        hook = Webhook(receiver.url, [new, SECRET])

        async def plan(call: Call) -> None:
            await hook.ask(Call(call.conversation, http), "test")

        async with on_stage(plan) as stage:
            await stage.sound(0.3)
    assert receiver.types == ["test"]
    assert len(receiver.headers[0]["webhook-signature"].split()) == 2


async def test_the_guides_receiver_talks_to_the_shipped_dialplan(monkeypatch: pytest.MonkeyPatch) -> None:
    source = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 15
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    names: dict[str, Any] = {}
    exec(source, names)
    runner = web.AppRunner(names["app"], shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    settings = {"url": f"http://127.0.0.1:{port}/calls", "secret_env": "HOOK_SECRET"}
    async with (
        HookHttp(Guard([f"127.0.0.1:{port}"])) as http,
        on_stage(lambda call: webhook(Call(call.conversation, http)), voice_delay_s=0.02, settings=settings) as stage,
    ):
        await stage.sound(1.9)
        await stage.says("a table")
        await stage.sound(1.6)
    await runner.cleanup()
    assert said(stage) == ["Hello! What can I do for you?", "You said a table"]

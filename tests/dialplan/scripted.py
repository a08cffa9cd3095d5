"""A receiver of webhooks that answers in virtual time, and a wire that can transfer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json
from standardwebhooks.webhooks import Webhook as Verifier
from typing_extensions import override

from media_server.call.events import AgentSaid, CallEndedEvent, WebhookAsked
from media_server.call.recorder import Recording
from media_server.dialplan import Call, Webhook
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest
from media_server.transports.port import TransferOrder, TransferOutcome
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage
from tests.hooks.receivers import SECRET

URL = "https://hook.example/calls"
SORRY = [{"verb": "say", "text": "Sorry.", "barge_in": False}]


class Desk:
    """Who transfers go to, and keys: a network in two seconds."""

    def __init__(self, *outcomes: str) -> None:
        self.outcomes = list(outcomes)
        self.orders: list[TransferOrder] = []
        self.keys: list[str] = []

    async def transfer(self, order: TransferOrder) -> TransferOutcome:
        self.orders.append(order)
        await asyncio.sleep(2.0)
        outcome = self.outcomes.pop(0)
        return TransferOutcome(outcome == "completed", outcome)

    async def send_digits(self, digits: str) -> None:
        self.keys.append(digits)


class ScriptedReceiver(HookHttp):
    """Takes requests in place of the network; `decide` gives verbs, None for nothing, or how long to hang."""

    def __init__(self, decide: Callable[[str, dict[str, Any]], Any], takes_s: float = 0.05) -> None:
        super().__init__(Guard(["named.example"]))
        self.decide = decide
        self.takes_s = takes_s
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.urls: list[str] = []
        self.under_way = 0
        self.most_under_way = 0

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.requests]

    @override
    async def fetch(self, request: HttpRequest) -> HttpAnswer:
        assert request.body is not None
        Verifier(SECRET).verify(request.body, dict(request.headers))
        body = from_json(request.body)
        self.urls.append(str(request.url))
        self.requests.append((body["type"], body["data"]))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            decided = self.decide(body["type"], body["data"])
            await asyncio.sleep(decided if isinstance(decided, float) else self.takes_s)
        finally:
            self.under_way -= 1
        if decided is None or isinstance(decided, float):
            return HttpAnswer(204, "", "utf-8", b"")
        if isinstance(decided, bytes):
            return HttpAnswer(200, "text/xml", "utf-8", decided)
        return HttpAnswer(200, "application/json", "utf-8", to_json(decided))


@asynccontextmanager
async def staged(
    plan: Callable[[Call], Any], desk: Desk | None = None, folder: Path | None = None
) -> AsyncIterator[Stage]:
    """A call on a wire that transfers to +1555..., whose messages go to a folder."""
    recording = Recording(folder, InlineFiles(), calls=False) if folder is not None else None

    async def begin(call: Call) -> None:
        conversation = call.conversation
        conversation.speech = replace(conversation.speech, allowed_destinations=("+1555*",))
        await plan(call)

    async with on_stage(begin, recording=recording) as stage:
        stage.port.control = desk
        yield stage


@asynccontextmanager
async def driven(
    receiver: ScriptedReceiver, *, desk: Desk | None = None, folder: Path | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    """A call that the receiver drives."""
    hook = Webhook(URL, SECRET, **{"fallback": SORRY, **settings})
    async with staged(lambda call: hook.drive(Call(call.conversation, receiver)), desk, folder) as stage:
        await stage.sound(0.1)
        yield stage
    await receiver.aclose()


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"verb": "say", "text": text, **more}


def said(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, AgentSaid)]


def asked(stage: Stage) -> list[str]:
    return [event.reason or "ok" for event in stage.events if isinstance(event, WebhookAsked)]


def ended(stage: Stage) -> str:
    return next(event.reason for event in stage.events if isinstance(event, CallEndedEvent))

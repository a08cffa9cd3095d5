"""A call with every verb, and a receiver that answers in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json
from standardwebhooks.webhooks import Webhook as Verifier
from typing_extensions import override

from media_server.dialplan import Call, Said
from media_server.dialplan.slots.slot import Slot
from media_server.errors import NoAnswer, NotFound
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest
from tests.hooks.receivers import SECRET


@dataclass(frozen=True, slots=True)
class Transferred:
    """As a transfer gives it."""

    reason: str

    def __bool__(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class Recorded:
    """As a recording gives it."""

    path: str = "message.wav"
    seconds: float = 3.0
    text: str = "Call me back."
    reason: str = "silence"


class ScriptedCall(Call):
    """A call whose answers and transfers are scripted; speech, turns and hang-up are the real ones."""

    def __init__(self, call: Call, client: HookHttp | None = None) -> None:
        super().__init__(call.conversation, client)
        self.answers: list[Any] = []
        self.transfers: list[str] = []
        self.did: list[tuple[Any, ...]] = []
        self.works = 0

    @asynccontextmanager
    async def working(self, text: Any = None) -> AsyncIterator[None]:  # noqa: ARG002
        self.works += 1
        yield

    async def ask(self, question: str, slot: Slot[Any], **more: Any) -> Any:
        self.did.append(("ask", question, type(slot).__name__, more["retries"]))
        answer = self.answers.pop(0)
        if answer is None:
            raise NoAnswer(question, "silence")
        return answer

    async def gather(self, slot: Slot[Any], **more: Any) -> Any:
        self.did.append(("gather", more["question"], type(slot).__name__))
        return self.answers.pop(0)

    async def play(self, source: str, *, barge_in: Any = True) -> Any:
        if source == "missing.wav":
            raise NotFound
        self.did.append(("play", source, barge_in))
        return Said("", complete=True)

    async def record(self, **more: Any) -> Recorded:
        self.did.append(("record", more["max_s"]))
        return Recorded()

    async def voicemail(self, greeting: str, **more: Any) -> Recorded:
        self.did.append(("voicemail", greeting, more["transcribe"]))
        return Recorded()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def transfer(self, to: str, **more: Any) -> Transferred:
        self.did.append(("transfer", to, more["whisper"]))
        return Transferred(self.transfers.pop(0))

    async def send_dtmf(self, digits: str) -> None:
        self.did.append(("send_dtmf", digits))


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

"""Twilio, as far as we use it: its REST API, and calls that obey TwiML, as a real server and real WebSockets.

What it asks of us it signs; what it is asked it answers as Twilio does, unless a fault is in `faults`. How a call that
is dialled goes is in `dials`, how one that was begun by REST goes in `answers`.
"""

import asyncio
import json
import secrets
import socket
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web

from media_server.audio.g711 import decode_mulaw
from media_server.protocol.twilio import payload_of
from media_server.protocol.twilio_far_end import FarEnd
from media_server.protocol.twilio_signature import sign

SILENCE = b"\xff" * 160


@dataclass(frozen=True, slots=True)
class Dial:
    """How a dialled call goes. `talk_s`: after the answer, where the status is completed."""

    status: str
    ring_s: float = 0.05
    talk_s: float = 0.05
    says_answered: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call that was begun goes: `status` busy, no-answer, ... or answered, and then by whom."""

    status: str = "answered"
    by: str = ""
    after_s: float = 0.02


class HungUp(Exception):
    """The caller, or we, have hung up."""


class Redirected(Exception):
    """New TwiML came by REST."""

    def __init__(self, twiml: str) -> None:
        super().__init__()
        self.twiml = twiml


@dataclass(eq=False, slots=True)
class EmulatedCall:
    """A call on its way through TwiML, and what was heard of us."""

    twilio: "Twilio"
    sid: str
    caller: str
    called: str
    status_url: str = ""
    heard: bytearray = field(default_factory=bytearray)
    said: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    whispers: list[str] = field(default_factory=list)
    dialled: list[dict[str, str]] = field(default_factory=list)
    actions: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    streams: int = 0
    close_codes: list[int | None] = field(default_factory=list)
    talking: asyncio.Event = field(default_factory=asyncio.Event)
    dialling: asyncio.Event = field(default_factory=asyncio.Event)
    streaming: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    live: bool = True
    speaks: bool = True
    """Sends sound, be it silence."""
    spoil_token: bool = False
    tells_status: bool = True
    connects: bool = True
    """Its stream comes when TwiML says so."""
    _orders: "asyncio.Queue[Exception]" = field(default_factory=asyncio.Queue)

    def hang_up(self) -> None:
        """The caller does."""
        self._orders.put_nowait(HungUp())

    def redirect(self, twiml: str) -> None:
        self._orders.put_nowait(Redirected(twiml))

    @property
    def audible(self) -> bool:
        """Something was heard of us."""
        return any(decode_mulaw(bytes(self.heard)))

    async def run(self, twiml: str) -> None:
        following: str | None = twiml
        try:
            while following is not None:
                try:
                    following = await self._document(ET.fromstring(following))
                except Redirected as order:
                    following = order.twiml
        except HungUp:
            pass
        finally:
            self.live = False
            if self.status_url and self.tells_status:
                await self._post(self.status_url, CallStatus="completed")
            self.over.set()

    async def _document(self, response: ET.Element) -> str | None:
        for verb in response:
            following: str | None = None
            match verb.tag:
                case "Say":
                    self.said.append(verb.text or "")
                case "Play":
                    self.keys.append(verb.get("digits", ""))
                    await self._until_order(asyncio.sleep(0.02))
                case "Connect":
                    following = await self._connect(verb)
                case "Dial":
                    following = await self._dial(verb)
                case "Hangup":
                    return None
                case _:
                    raise AssertionError(f"no verb: {verb.tag}")
            if following is not None:
                return following
        return None

    async def _until_order(self, awaitable: Awaitable[Any]) -> None:
        """Do something until it is done, or an order comes, which is raised."""
        task = asyncio.ensure_future(awaitable)
        order = asyncio.ensure_future(self._orders.get())
        try:
            await asyncio.wait({task, order}, return_when=asyncio.FIRST_COMPLETED)
            if order.done():
                raise order.result()
            task.result()
        finally:
            for each in (task, order):
                each.cancel()
            await asyncio.gather(task, order, return_exceptions=True)

    # --- streams -------------------------------------------------------------------------------------------------

    async def _connect(self, verb: ET.Element) -> str | None:
        stream = verb.find("Stream")
        assert stream is not None
        if not self.connects:
            await self._until_order(asyncio.Event().wait())
        url = stream.get("url", "")
        parameters = {each.get("name", ""): each.get("value", "") for each in stream.findall("Parameter")}
        if self.spoil_token:
            parameters = {}
        far_end = FarEnd("MZ" + secrets.token_hex(16), self.sid, self.twilio.account)
        headers = {"X-Twilio-Signature": sign(self.twilio.token, url)}
        async with self.twilio.http.ws_connect(url, headers=headers) as ws:
            self.streams += 1
            await ws.send_str(far_end.connected())
            await ws.send_str(far_end.start(parameters))
            self.streaming.set()
            sending = asyncio.ensure_future(self._send(ws, far_end))
            try:
                await self._until_order(self._receive(ws, far_end))
            except (HungUp, Redirected):
                with suppress(ConnectionError):
                    await ws.send_str(far_end.stop())
                raise
            finally:
                self.streaming.clear()
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        self.close_codes.append(ws.close_code)
        return await self._action(verb.get("action", ""))

    async def _send(self, ws: aiohttp.ClientWebSocketResponse, far_end: FarEnd) -> None:
        for number in range(100_000):
            if self.speaks:
                await ws.send_str(far_end.media(SILENCE, 20 * number))
            await asyncio.sleep(0.02)

    async def _receive(self, ws: aiohttp.ClientWebSocketResponse, far_end: FarEnd) -> None:
        async for message in ws:
            frame = json.loads(message.data)
            if frame["event"] == "media":
                self.heard += payload_of(frame["media"])
            elif frame["event"] == "mark":
                await ws.send_str(far_end.mark(frame["mark"]["name"]))

    # --- dialling ------------------------------------------------------------------------------------------------

    async def _dial(self, verb: ET.Element) -> str | None:
        (callee,) = verb
        self.dialled.append({**verb.attrib, "kind": callee.tag, "to": callee.text or "", **callee.attrib})
        script = self.twilio.dials.popleft()
        answered = False
        self.dialling.set()
        try:
            await self._until_order(asyncio.sleep(script.ring_s))
            answered = script.status == "completed"
            if answered:
                await self._answer(callee, script)
                self.talking.set()
                await self._until_order(asyncio.sleep(script.talk_s))
        except HungUp:
            status = "completed" if answered else "canceled"
            await self._action(verb.get("action", ""), DialCallStatus=status, CallStatus="completed")
            raise
        finally:
            self.dialling.clear()
        bridged = "true" if answered else "false"
        return await self._action(verb.get("action", ""), DialCallStatus=script.status, DialBridged=bridged)

    async def _answer(self, callee: ET.Element, script: Dial) -> None:
        if script.says_answered and callee.get("statusCallback"):
            await self._post(callee.get("statusCallback", ""), CallSid="CA" + "9" * 32, CallStatus="in-progress")
        if callee.get("url"):
            document = ET.fromstring(await self._post(callee.get("url", ""), CallSid="CA" + "9" * 32))
            assert [each.tag for each in document] == ["Say"]
            self.whispers.append(document[0].text or "")

    async def _action(self, url: str, **fields: str) -> str | None:
        return (await self._post(url, **fields)) if url else None

    async def _post(self, url: str, **fields: str) -> str:
        form = {
            "CallSid": self.sid,
            "AccountSid": self.twilio.account,
            "From": self.caller,
            "To": self.called,
            "CallStatus": "in-progress",
            **fields,
        }
        status, body = await self.twilio.post(url, form)
        self.actions.append((url, form))
        assert status < 300, (url, status, body)
        return body


@dataclass(eq=False, slots=True)
class Twilio:
    """The account, its API and its calls."""

    http: aiohttp.ClientSession
    url: str = ""
    account: str = "AC" + "0" * 32
    token: str = "12345"
    dials: deque[Dial] = field(default_factory=deque)
    answers: deque[Answer] = field(default_factory=deque)
    faults: deque[int | str] = field(default_factory=deque)
    """What the next REST requests get instead: a status, `garbage`, `stall`, or `drop`."""
    requests: list[tuple[float, str, str, dict[str, str]]] = field(default_factory=list)
    calls: dict[str, EmulatedCall] = field(default_factory=dict)
    numbers: dict[str, dict[str, str]] = field(default_factory=dict)
    prepare: Any = None
    """Called with each new call."""
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    # --- what a test does ----------------------------------------------------------------------------------------

    async def ring(self, public: str, caller: str = "+15550111", called: str = "+15550100") -> EmulatedCall:
        """Somebody calls a number whose voice URL is the server's."""
        call = self._new(caller, called, status_url=public + "/twilio/status")
        twiml = await call._post(public + "/twilio/voice", CallStatus="ringing")
        self._tasks.append(asyncio.create_task(call.run(twiml)))
        return call

    async def post(self, url: str, form: dict[str, str], signature: str | None = None) -> tuple[int, str]:
        """A webhook, signed."""
        signed = sign(self.token, url, {name: [value] for name, value in form.items()})
        headers = {"X-Twilio-Signature": signed if signature is None else signature}
        async with self.http.post(url, data=form, headers=headers) as answer:
            return answer.status, await answer.text()

    async def aclose(self) -> None:
        for call in self.calls.values():
            call.hang_up()
        async with asyncio.timeout(5):
            await asyncio.gather(*self._tasks)

    def _new(self, caller: str, called: str, status_url: str) -> EmulatedCall:
        call = EmulatedCall(self, "CA" + secrets.token_hex(16), caller, called, status_url)
        self.calls[call.sid] = call
        if self.prepare is not None:
            self.prepare(call)
        return call

    async def _begin(self, call: EmulatedCall, answer: Answer, url: str) -> None:
        await asyncio.sleep(answer.after_s)
        if answer.status != "answered":
            call.live = False
            await call._post(call.status_url, CallStatus=answer.status)
            call.over.set()
            return
        by = {"AnsweredBy": answer.by} if answer.by else {}
        await call.run(await call._post(url, Direction="outbound-api", **by))

    # --- REST ----------------------------------------------------------------------------------------------------

    async def rest(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - one a request
        form = {name: str(value) for name, value in (await request.post()).items()}
        now = asyncio.get_running_loop().time()
        self.requests.append((now, request.method, request.match_info["rest"], {**request.query, **form}))
        if self.faults:
            fault = self.faults.popleft()
            if fault == "stall":
                await asyncio.sleep(60)
            if fault == "drop":
                assert request.transport is not None
                request.transport.abort()
            if isinstance(fault, int):
                return web.json_response({"code": 20000, "message": f"fault {fault}", "status": fault}, status=fault)
            return web.Response(text="<html>\x00garbage", status=200)
        expected = "Basic " + b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != expected or request.match_info["account"] != self.account:
            return web.json_response({"message": "Authenticate"}, status=401)
        match request.method, request.match_info["rest"].split("/"):
            case "POST", ["Calls.json"]:
                return self._create(form)
            case "POST", ["Calls", name]:
                return self._update(name.removesuffix(".json"), form)
            case "GET", ["IncomingPhoneNumbers.json"]:
                wanted = request.query["PhoneNumber"]
                found = [each for number, each in self.numbers.items() if number == wanted]
                return web.json_response({"incoming_phone_numbers": found})
            case "POST", ["IncomingPhoneNumbers", name]:
                (number,) = (each for each in self.numbers.values() if f"{each['sid']}.json" == name)
                fields = {"VoiceUrl": "voice_url", "VoiceMethod": "voice_method"}
                fields |= {"StatusCallback": "status_callback", "StatusCallbackMethod": "status_callback_method"}
                number.update({fields[key]: value for key, value in form.items()})
                return web.json_response(number)
            case _:
                return web.json_response({"message": "no such thing"}, status=404)

    def _create(self, form: dict[str, str]) -> web.Response:
        call = self._new(form["From"], form["To"], form["StatusCallback"])
        answer = self.answers.popleft() if self.answers else Answer()
        self._tasks.append(asyncio.create_task(self._begin(call, answer, form["Url"])))
        return web.json_response({"sid": call.sid, "status": "queued"}, status=201)

    def _update(self, sid: str, form: dict[str, str]) -> web.Response:
        call = self.calls.get(sid)
        if call is None or not call.live:
            message = "Call is not in-progress. Cannot redirect."
            return web.json_response({"code": 21220, "message": message, "status": 400}, status=400)
        if form.get("Status"):
            call.hang_up()
        else:
            call.redirect(form["Twiml"])
        return web.json_response({"sid": sid, "status": "in-progress"})


@asynccontextmanager
async def twilio() -> AsyncIterator[Twilio]:
    """Twilio on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with aiohttp.ClientSession() as http:
        emulated = Twilio(http, f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = web.Application()
        app.router.add_route("*", "/2010-04-01/Accounts/{account}/{rest:.+}", emulated.rest)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        try:
            yield emulated
            await emulated.aclose()
        finally:
            for task in emulated._tasks:
                task.cancel()
            await asyncio.gather(*emulated._tasks, return_exceptions=True)
            await runner.cleanup()

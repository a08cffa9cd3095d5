"""The nginx configuration that ships: what is let in, and what of it reaches us."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import WSServerHandshakeError, web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from media_server.config import Settings
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import TwilioPhone
from media_server.server import MAX_BODY
from media_server.services.app import MAX_MESSAGE
from tests import browser_rig
from tests.browser_rig import EchoGate as BrowserGate
from tests.peers.nginx import TALK, Doors, free_port, nginx, trusting
from tests.twilio_rig import EchoGate, serve

TONE = b"\x00\x20\x00\xe0" * 4000


async def test_a_call_comes_in_through_nginx(tmp_path: Path) -> None:
    port = free_port()
    public = f"https://127.0.0.1:{port}"
    gate = EchoGate()
    async with (
        serve(gate, token="12345", public=public) as server,
        nginx(tmp_path, port, media=[server.url.removeprefix("http://")]) as doors,
    ):
        assert doors.calls == public
        phone = TwilioPhone(doors.http, base_url=public, auth_token="12345")
        call = await phone.call(CallerScript([TONE], greeting_timeout_s=0.2, answer_timeout_s=0.5))
        reason = await gate.ended.get()
    assert call.hung_up_by == "caller"
    assert call.violations == ()
    assert any(call.agent), "the echo was heard"
    assert reason == "caller_hangup"


async def test_a_page_has_its_call_through_nginx(tmp_path: Path) -> None:
    gate = BrowserGate()
    async with (
        browser_rig.serve(gate) as server,
        nginx(tmp_path, free_port(), media=[server.url.removeprefix("http://")]) as doors,
    ):
        url, named = doors.talk
        through = browser_rig.Server(url, doors.http)
        async with browser_rig.page(through, headers={"Origin": f"https://{TALK}", **named}) as me:
            await me.say()
            assert await me.hear() == browser_rig.PIECE
        assert await gate.over() == "caller_hangup"
        with pytest.raises(WSServerHandshakeError) as refused:
            async with browser_rig.page(through, headers={"Origin": doors.calls, **named}):
                pass
        assert refused.value.status == 403


@dataclass(slots=True)
class Behind:
    """What reached the servers behind nginx."""

    doors: Doors
    reached: list[tuple[str, str]] = field(default_factory=list)
    headers: list[CIMultiDict[str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.reached.append((request.method, request.raw_path))
        self.headers.append(CIMultiDict(request.headers))
        await request.read()
        return web.Response(text="taken")

    async def raw(self, data: bytes, most: int = -1) -> bytes:
        """What nginx answers on one connection to it: all, or the beginning."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.doors.port, ssl=trusting(), server_hostname="localhost"
        )
        writer.write(data)
        async with asyncio.timeout(5):
            answer = await reader.read(most)
        writer.close()
        return answer


@pytest_asyncio.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    made: list[Behind] = []

    async def take(request: web.Request) -> web.Response:
        return await made[0].take(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app) as server:
        here = [f"127.0.0.1:{server.port}"]
        async with nginx(tmp_path, free_port(), media=here, asr=here, tts=here) as doors:
            made.append(Behind(doors))
            yield made[0]


ASR = ("/v1/stream/asr", "/v1/listen", "/v1/transcribe", "/v1/audio/transcriptions", "/v1/models")
TTS = ("/v1/stream/tts", "/v1/synthesize", "/v1/audio/speech", "/v1/voices", "/v1/voices/v1")


@pytest.mark.parametrize("path", [*ASR, *TTS])
async def test_the_speech_services_are_behind_their_door_and_no_other(behind: Behind, path: str) -> None:
    async with behind.doors.http.get(behind.doors.speech + path) as answer:
        assert answer.status == 200
    async with behind.doors.http.get(behind.doors.calls + path) as answer:
        assert answer.status == 404
    assert behind.reached == [("GET", path)]


PAGE = (
    *(
        "/",
        "/web/app.js",
        "/web/views/talk.js",
        "/healthz",
        "/v1/page",
        "/v1/tickets",
        "/v1/webrtc",
        "/v1/webrtc/a-b_1",
    ),
    *(
        "/v1/talk?ticket=x",
        "/v1/calls",
        "/v1/calls/1",
        "/v1/calls/events",
        "/v1/calls/1/recording",
        "/v1/calls/1/hangup",
    ),
    *(*(path for path in ASR if path != "/v1/listen"), *TTS),
)


async def test_the_page_and_what_it_asks_for_are_behind_their_door(behind: Behind) -> None:
    url, named = behind.doors.talk
    for path in PAGE:
        async with behind.doors.http.get(url + path, headers=named) as answer:
            assert answer.status == 200, path
    assert behind.reached == [("GET", path) for path in PAGE]
    for headers in behind.headers:
        assert headers.getall("Host") == [TALK]
        assert headers.getall("X-Forwarded-For") == ["127.0.0.1"]


async def test_nothing_else_is_behind_the_door_of_the_page(behind: Behind) -> None:
    for path in (
        *("/metrics", "/readyz", "/healthz/", "/index.html", "/web", "/web/", "/webx/a.js", "/v1", "/v1/listen"),
        *("/web/../metrics", "/web/%2e%2e/metrics", "/web/..%2fmetrics", "/v1/page/../../metrics", "/v1/talkx"),
        *("/v1/webrtc/", "/v1/webrtc/a/b", "/v1/calls/1/x", "/v1/calls/1/recording/x", "/v1/stream", "/v1/stream/x"),
        *("/twilio/voice", "//metrics", "/web/%00.js", "/v1/tickets%00", "/v1/schema/verbs.json", "/..", "/%"),
    ):
        answer = await behind.raw(f"GET {path} HTTP/1.1\r\nHost: {TALK}\r\nConnection: close\r\n\r\n".encode())
        assert answer.split()[1] in (b"400", b"404"), path
    assert behind.reached == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/readyz", "/healthz", "/v1/calls", "/v1/calls/1", "/", "//metrics", "/v1", "/admin", "//admin"),
        *("/twilio/../metrics", "/v1/models/../../metrics", "/twilio/%2e%2e/metrics", "/twilio/..%2fmetrics"),
        *(
            "/v1/synthesize/%2e%2e/%2e%2e/metrics",
            "/v1/models%2f..%2f..%2fmetrics",
            "/v1/models/",
            "/v1/stream/asrx",
            "/v1/voices/../../metrics",
            "/v1/voices/a/b",
        ),
        *("/twilio/..%00/metrics", "/v1/models%00", "/metrics%00/twilio/", "/..", "/../../etc/passwd", "/%"),
    ],
)
async def test_no_spelling_of_a_path_leads_anywhere_else(behind: Behind, host: str, path: str) -> None:
    answer = await behind.raw(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.split()[1] in (b"400", b"404")
    assert behind.reached == []


@pytest.mark.parametrize(
    ("host", "path", "most"),
    [
        ("localhost", "/v1/transcribe", Settings().asr.max_file_bytes),
        ("localhost", "/v1/synthesize", MAX_MESSAGE),
        ("127.0.0.1", "/twilio/voice", MAX_BODY),
        (TALK, "/v1/webrtc", MAX_BODY),
        (TALK, "/v1/transcribe", Settings().asr.max_file_bytes),
    ],
)
async def test_a_body_beyond_our_limit_is_refused_before_it_comes(
    behind: Behind, host: str, path: str, most: int
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {most + 1}\r\n\r\n"
    assert (await behind.raw(head.encode(), most=12)) == b"HTTP/1.1 413"  # it waits for the body for a while
    assert behind.reached == []


async def test_who_asks_is_said_by_nginx_and_the_key_is_the_clients(behind: Behind) -> None:
    spoofed = {
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "ftp",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=192.0.2.1",
        "Authorization": "Bearer k",
    }
    for url in (f"{behind.doors.speech}/v1/models", f"{behind.doors.calls}/twilio/voice"):
        async with behind.doors.http.get(url, headers=spoofed) as answer:
            assert answer.status == 200
    for headers in behind.headers:
        assert headers.getall("X-Forwarded-For") == ["127.0.0.1"]
        assert headers.getall("X-Forwarded-Proto") == ["https"]
        assert not {"X-Forwarded-Host", "Forwarded"} & set(headers)
        assert headers.getall("Authorization") == ["Bearer k"]


SECOND = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"POST /v1/synthesize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND, b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SECOND, b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + SECOND, b"400"),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND, b"501"),
        (HEAD + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + SECOND, b"400"),
        (HEAD + b"Content-Length: +3\r\n\r\nabc" + SECOND, b"400"),
        (HEAD + b"Content-Length : 3\r\n\r\nabc" + SECOND, b"400"),
        (HEAD + b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc" + SECOND, b"400"),
        (HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 3\n\nabc" + SECOND, b"200"),
    ],
    ids=["cl-te", "te-cl", "te-te", "te-x", "cl-cl", "cl-plus", "cl-space", "folded", "bare-lf"],
)
async def test_no_second_request_is_smuggled_in(behind: Behind, request_: bytes, status: bytes) -> None:
    answer = await behind.raw(request_)
    assert answer.split()[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1
    assert behind.reached in ([], [("POST", "/v1/synthesize")])

"""The nginx configuration that ships, in front of Twilio's routes: TLS, the upgrade, and nothing else let through."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import TwilioPhone
from tests.conftest import require_peer
from tests.twilio_rig import EchoGate, serve

SHIPPED = Path(__file__).parents[2] / "nginx" / "media-server.conf"
TONE = b"\x00\x20\x00\xe0" * 4000


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def certificate(folder: Path) -> None:
    openssl = require_peer("openssl")
    command = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout key.pem -out cert.pem"
    process = await asyncio.create_subprocess_exec(
        *command.split(), cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


def shipped(folder: Path, upstream: str, port: int) -> str:
    """The shipped file with this test's addresses, in the frame that a distribution gives it."""
    text = SHIPPED.read_text()
    for theirs, ours in {
        "server 127.0.0.1:8000;": f"server {upstream};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/letsencrypt/live/calls.example.com/fullchain.pem": f"{folder}/cert.pem",
        "/etc/letsencrypt/live/calls.example.com/privkey.pem": f"{folder}/key.pem",
    }.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return (
        f"pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; {temporary}\n{text}\n}}"
    )


@asynccontextmanager
async def nginx(folder: Path, upstream: str, port: int) -> AsyncIterator[None]:
    program = require_peer("nginx")
    await certificate(folder)
    (folder / "nginx.conf").write_text(shipped(folder, upstream, port))
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off; master_process off;"
    )
    try:
        async with asyncio.timeout(10):
            while not await answers(port):
                assert process.returncode is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_a_call_comes_in_through_nginx(tmp_path: Path) -> None:
    port = free_port()
    public = f"https://127.0.0.1:{port}"
    gate = EchoGate()
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with (
        serve(gate, token="12345", public=public) as server,
        nginx(tmp_path, server.url.removeprefix("http://"), port),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http,
    ):
        phone = TwilioPhone(http, base_url=public, auth_token="12345")
        call = await phone.call(CallerScript([TONE], greeting_timeout_s=0.2, answer_timeout_s=0.5))
        async with http.get(f"{public}/v1/calls") as answer:
            assert answer.status == 404
        reason = await gate.ended.get()
    assert call.hung_up_by == "caller"
    assert call.violations == ()
    assert any(call.agent), "the echo was heard"
    assert reason == "caller_hangup"

"""Debian's nginx with the configuration that ships, on a free port of this machine."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.conftest import require_peer

SHIPPED = Path(__file__).parents[2] / "nginx" / "media-server.conf"
TALK = "talk.example.com"
NOBODY = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Doors:
    """The public addresses, and a client that takes their certificate."""

    port: int
    http: aiohttp.ClientSession

    @property
    def calls(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def speech(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def talk(self) -> tuple[str, dict[str, str]]:
        """Its address, and what to say that it is the one that is wanted."""
        return self.calls, {"Host": TALK}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


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


def shipped(folder: Path, upstreams: Mapping[str, Sequence[str]], port: int) -> str:
    """The shipped file with this test's addresses, in the frame that a distribution gives it."""
    text = SHIPPED.read_text()
    servers = {
        "server 127.0.0.1:8000": upstreams.get("media", [NOBODY])[0],
        "server 127.0.0.1:8001 ": upstreams.get("asr", [NOBODY])[0] + " ",
        "server 127.0.0.1:8011 ": upstreams.get("asr", [NOBODY])[-1] + " ",
        "server 127.0.0.1:8002 ": upstreams.get("tts", [NOBODY])[0] + " ",
        "server 127.0.0.1:8012 ": upstreams.get("tts", [NOBODY])[-1] + " ",
    }
    for theirs, ours in {
        **{theirs: f"server {ours}" for theirs, ours in servers.items()},
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "server_name speech.example.com;": "server_name localhost;",
        **{
            f"/etc/letsencrypt/live/{name}.example.com/{theirs}.pem": f"{folder}/{ours}.pem"
            for name in ("calls", "speech", "talk")
            for theirs, ours in (("fullchain", "cert"), ("privkey", "key"))
        },
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return (
        f"pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; {temporary}\n{text}\n}}"
    )


@asynccontextmanager
async def nginx(folder: Path, port: int, **upstreams: Sequence[str]) -> AsyncIterator[Doors]:
    """It runs, in front of these `host:port`s."""
    program = require_peer("nginx")
    await certificate(folder)
    (folder / "nginx.conf").write_text(shipped(folder, upstreams, port))
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off; master_process off;"
    )
    try:
        async with asyncio.timeout(10):
            while not await answers(port):
                assert process.returncode is None, (folder / "error.log").read_text()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting())) as http:
            yield Doors(port, http)
    finally:
        process.terminate()
        await process.wait()

"""Whether a phone can reach this server: what tunnel runs here, and a proof of the whole public path.

The proof makes no call. It asks, signed as Twilio signs, `GET <public>/twilio/proof`, whose answer only a server with
the same token can give, and then upgrades a WebSocket at `<public>/twilio/stream` and closes it. What fails is named
with its remedy.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from media_server.api.twilio import proof_of
from media_server.errors import PeerError
from media_server.protocol.json_fields import load_object
from media_server.protocol.twilio_signature import sign, websocket_url

NGROK_PORTS = (4040,)
"""Where ngrok's agent answers, on this machine."""
CLOUDFLARED_PORTS = tuple(range(20241, 20246))
"""Where cloudflared's metrics are, one port an instance."""
ASK_S = 1.0
PROVE_S = 10.0
_MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel that runs here: of which program, and the public address that it has."""

    program: str
    url: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of the proof. `remedy`: what to do where it is not ok."""

    ok: bool
    step: str
    message: str
    remedy: str = ""


async def find_tunnel(
    http: aiohttp.ClientSession,
    port: int,
    *,
    ngrok_ports: Sequence[int] = NGROK_PORTS,
    cloudflared_ports: Sequence[int] = CLOUDFLARED_PORTS,
) -> Tunnel | None:
    """The tunnel that leads to `port` of this machine; where cloudflared's quick tunnels lead is not known."""
    answers = await asyncio.gather(
        *(_ask(http, f"http://127.0.0.1:{each}/api/tunnels") for each in ngrok_ports),
        *(_ask(http, f"http://127.0.0.1:{each}/quicktunnel") for each in cloudflared_ports),
    )
    for answer in answers[: len(ngrok_ports)]:
        url = _ngrok_url(answer, port)
        if url is not None:
            return Tunnel("ngrok", url)
    for answer in answers[len(ngrok_ports) :]:
        hostname = answer.get("hostname")
        if isinstance(hostname, str) and hostname:
            return Tunnel("cloudflared", f"https://{hostname}")
    return None


async def prove_public_path(
    http: aiohttp.ClientSession, public_url: str, auth_token: str, *, timeout_s: float = PROVE_S
) -> list[Finding]:
    """The steps of the proof, up to the first that fails."""
    public = public_url.rstrip("/")
    findings: list[Finding] = []
    for step in (_prove_webhook, _prove_stream):
        try:
            async with asyncio.timeout(timeout_s):
                finding = await step(http, public, auth_token)
        except TimeoutError:
            name, remedy = "public path", "does the tunnel or proxy run, and lead to the port of this server?"
            finding = Finding(False, name, f"{public} has not answered within {timeout_s:g} s", remedy)
        except (aiohttp.ClientError, OSError) as error:
            remedy = "does the tunnel or proxy run, is the name right, is its certificate valid?"
            finding = Finding(False, "public path", f"{public} cannot be reached: {_reason(error)}", remedy)
        findings.append(finding)
        if not finding.ok:
            break
    return findings


async def _prove_webhook(http: aiohttp.ClientSession, public: str, token: str) -> Finding:
    nonce = secrets.token_hex(16)
    url = f"{public}/twilio/proof?nonce={nonce}"
    headers = {"X-Twilio-Signature": sign(token, url)}
    async with http.get(url, headers=headers, allow_redirects=False) as answer:
        body, status = await answer.content.read(_MAX_ANSWER), answer.status
    if status == HTTPStatus.FORBIDDEN:
        remedy = f"start the server with --public-url {public}, and the same TWILIO_AUTH_TOKEN as here"
        return Finding(False, "webhook", f"{public} leads to a server that does not take our signature", remedy)
    try:
        proof = load_object(body.decode()).get("proof")
    except (PeerError, UnicodeDecodeError):
        proof = None
    if status != HTTPStatus.OK or not isinstance(proof, str):
        remedy = "does it run, and does the tunnel lead to its port?"
        return Finding(
            False, "webhook", f"{public} leads somewhere, but not to this server (it answers {status})", remedy
        )
    if not secrets.compare_digest(proof.encode(), proof_of(token, nonce).encode()):
        remedy = "the same TWILIO_AUTH_TOKEN is wanted there and here"
        return Finding(False, "webhook", f"{public} leads to a server with another token", remedy)
    return Finding(True, "webhook", f"a signed request to {public} came to this server")


async def _prove_stream(http: aiohttp.ClientSession, public: str, token: str) -> Finding:
    url = websocket_url(public) + "/twilio/stream"
    try:
        async with http.ws_connect(url, headers={"X-Twilio-Signature": sign(token, url)}):
            pass
    except aiohttp.WSServerHandshakeError as error:
        remedy = "the proxy must let WebSockets through (Upgrade and Connection headers, HTTP/1.1)"
        return Finding(False, "stream", f"{url} does not become a WebSocket: {error.status}", remedy)
    if not url.startswith("wss:"):
        remedy = "Twilio opens wss:// only: the public address must be https://"
        return Finding(_is_local(public), "stream", f"{url} is a WebSocket, but without TLS", remedy)
    return Finding(True, "stream", f"a WebSocket to {url} came to this server")


async def _ask(http: aiohttp.ClientSession, url: str) -> dict[str, object]:
    try:
        async with asyncio.timeout(ASK_S), http.get(url, allow_redirects=False) as answer:
            return dict(load_object((await answer.content.read(_MAX_ANSWER)).decode()))
    except (aiohttp.ClientError, OSError, TimeoutError, PeerError, UnicodeDecodeError):
        return {}


def _ngrok_url(answer: dict[str, object], port: int) -> str | None:
    tunnels = answer.get("tunnels")
    found: Iterable[object] = tunnels if isinstance(tunnels, list) else ()
    for each in found:
        config = each.get("config") if isinstance(each, dict) else None
        url = each.get("public_url") if isinstance(each, dict) else None
        address = config.get("addr") if isinstance(config, dict) else None
        if isinstance(url, str) and url.startswith("https://") and _port_of(str(address)) == port:
            return url
    return None


def _port_of(address: str) -> int | None:
    """Of `http://localhost:8000`, `localhost:8000` or `8000`."""
    digits = address.rstrip("/").rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 5 else None  # noqa: PLR2004 - 65535


def _is_local(public: str) -> bool:
    return (urlsplit(public).hostname or "") in ("127.0.0.1", "::1", "localhost")


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__

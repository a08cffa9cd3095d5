"""Whether a phone reaches us: the address that is set, the tunnel that runs here, and the proof of the whole path."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from media_server.cli.doctor.finding import Finding, Patient

if TYPE_CHECKING:
    from media_server.phone.public_path import Tunnel


def public(patient: Patient) -> Iterator[Finding]:
    """Whether an address is set by which a phone's network reaches us."""
    url = patient.settings.public_url
    if url is not None and not url.startswith("https://"):
        yield Finding("FAIL", "public", f"{url}: Twilio streams to wss:// only → a public_url with https://")
    elif url is not None:
        yield Finding("ok", "public", f"{url} is what calls are told")


def tunnel(patient: Patient) -> Iterator[Finding]:
    """What tunnel runs here, and whether it is the one of the address that is set."""
    port, url = patient.settings.port, patient.settings.public_url
    found = asyncio.run(_tunnel(patient, port))
    if url is None:
        text = "a phone cannot reach you: no public_url is set"
        if found is None:
            start = (
                f"ngrok http {port}, or cloudflared tunnel --url http://localhost:{port}; then --public-url https://…"
            )
            yield Finding("FAIL", "public", f"{text}, and no tunnel runs here → {start}")
        elif found.program == "ngrok":
            yield Finding("FAIL", "public", f"{text}. ngrok runs here for :{port} → add --public-url {found.url}")
        else:  # where it leads is not known
            yield Finding(
                "FAIL", "public", f"{text}. {found.program} runs here → if it is for :{port}, --public-url {found.url}"
            )
    elif found is not None and _host(found.url) == _host(url):
        yield Finding("ok", "tunnel", f"{found.program} runs here, at that address")
    elif found is not None and found.program == "ngrok":
        yield Finding(
            "FAIL", "tunnel", f"ngrok runs here for :{port}, but as {found.url}, not {url} → --public-url {found.url}"
        )


def path(patient: Patient) -> Iterator[Finding]:
    """The proof: a signed request and a WebSocket, from here over the public address to this server."""
    settings = patient.settings
    url, token = settings.public_url, settings.twilio.auth_token
    if url is None:
        return
    if token is None:
        yield Finding("note", "public", "the way from there to here is not proven: that wants TWILIO_AUTH_TOKEN")
    elif "media" not in patient.serving:
        yield Finding("note", "public", "the way from there to here is not proven: nothing serves → serve, then again")
    elif patient.quick:
        yield Finding("note", "public", "the way from there to here is not proven → again, without --quick")
    else:
        yield from asyncio.run(_proof(url, token.get_secret_value()))


async def _tunnel(patient: Patient, port: int) -> "Tunnel | None":
    from media_server.phone import public_path  # noqa: PLC0415 - only when it is its turn: it takes a while

    ngrok, cloudflared = patient.ngrok_ports, patient.cloudflared_ports
    async with aiohttp.ClientSession() as http:
        return await public_path.find_tunnel(
            http,
            port,
            ngrok_ports=public_path.NGROK_PORTS if ngrok is None else ngrok,
            cloudflared_ports=public_path.CLOUDFLARED_PORTS if cloudflared is None else cloudflared,
        )


async def _proof(url: str, token: str) -> list[Finding]:
    from media_server.phone.public_path import prove_public_path  # noqa: PLC0415

    async with aiohttp.ClientSession() as http:
        steps = await prove_public_path(http, url, token)
    return [
        Finding("ok" if step.ok else "FAIL", "public", step.message if step.ok else f"{step.message} → {step.remedy}")
        for step in steps
    ]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()

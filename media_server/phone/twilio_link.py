"""`media-server twilio link` and `unlink`: point a number at this server, and back.

The public path is proven first: a number that works elsewhere is not turned to an address that does not. What the
number was set to before is printed, and kept in the data folder (`twilio-numbers.json`), so that `unlink` puts it back.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from media_server.config import Settings
from media_server.errors import MediaServerError, NotConfigured, NotFound
from media_server.phone.public_path import CLOUDFLARED_PORTS, NGROK_PORTS, find_tunnel, prove_public_path
from media_server.protocol.destination import normalised
from media_server.transports.twilio_rest import IncomingNumber, TwilioAccount, TwilioRest

KEPT = "twilio-numbers.json"

Print = Callable[[str], None]


def run_link(
    settings: Settings,
    number: str,
    *,
    say: Print,
    ngrok_ports: tuple[int, ...] = NGROK_PORTS,
    cloudflared_ports: tuple[int, ...] = CLOUDFLARED_PORTS,
) -> int:
    """Point a number here; returns the exit code: 0, or 1 with a line that says what failed and what to do."""
    return _told(_link(settings, number, say, ngrok_ports, cloudflared_ports), say)


def run_unlink(settings: Settings, number: str, *, say: Print) -> int:
    """Put back what a number was set to; returns the exit code."""
    return _told(_unlink(settings, number, say), say)


def _told(work: Coroutine[Any, Any, bool], say: Print) -> int:
    try:
        return 0 if asyncio.run(work) else 1
    except (MediaServerError, OSError) as error:
        say(f"FAIL  {error}")
        return 1


async def _link(
    settings: Settings, number: str, say: Print, ngrok_ports: tuple[int, ...], cloudflared_ports: tuple[int, ...]
) -> bool:
    number, rest, token = normalised(number), _rest(settings), settings.twilio.auth_token
    if token is None:
        raise NotConfigured(
            "TWILIO_AUTH_TOKEN is not set: without it nothing that Twilio asks can be known for its own"
        )
    async with aiohttp.ClientSession() as http, rest:
        public = settings.public_url
        if public is None:
            tunnel = await find_tunnel(
                http, settings.port, ngrok_ports=ngrok_ports, cloudflared_ports=cloudflared_ports
            )
            if tunnel is None:
                say("FAIL  a phone cannot reach this server: there is no public_url, and no tunnel runs here")
                say(f"      → start one (ngrok http {settings.port}), then serve with --public-url and its address")
                return False
            public = tunnel.url
            say(f"ok    {tunnel.program} runs here for :{settings.port}: {public}")
        public = public.rstrip("/")
        for finding in await prove_public_path(http, public, token.get_secret_value()):
            say(f"{'ok   ' if finding.ok else 'FAIL '} {finding.message}")
            if not finding.ok:
                say(f"      → {finding.remedy}")
                return False
        found = await _number(rest, number)
        wanted = ours(public)
        _show(say, found.settings)
        if any(found.settings[name] != value for name, value in wanted.items()):
            await asyncio.to_thread(_keep, settings.data_dir, found, public)
            await rest.set_number(found.sid, wanted)
        say(f"ok    {number} rings here now: {wanted['VoiceUrl']}")
    return True


async def _unlink(settings: Settings, number: str, say: Print) -> bool:
    number, rest = normalised(number), _rest(settings)
    async with rest:
        found = await _number(rest, number)
        kept = await asyncio.to_thread(_kept, settings.data_dir)
        entry = kept.get(number, {})
        if entry and found.settings["VoiceUrl"] != entry["linked"].get("VoiceUrl"):
            say(f"FAIL  {number} does not ring here: somebody has set it to {found.settings['VoiceUrl'] or 'nothing'}")
            say("      → it is left as it is")
            return False
        before: Mapping[str, str] = entry.get("before", dict.fromkeys(found.settings, ""))
        if not entry and not found.settings["VoiceUrl"].endswith("/twilio/voice"):
            say(f"FAIL  {number} was not linked from here, and rings at {found.settings['VoiceUrl'] or 'nothing'}")
            say("      → it is left as it is")
            return False
        await rest.set_number(found.sid, {name: value or _EMPTY.get(name, "") for name, value in before.items()})
        await asyncio.to_thread(_forget, settings.data_dir, number)
        _show(say, before, "set back to")
        say(f"ok    {number} rings here no more")
    return True


_EMPTY = {"VoiceMethod": "POST", "StatusCallbackMethod": "POST"}
"""A method cannot be set to nothing."""


def ours(public: str) -> Mapping[str, str]:
    """What a number is set to so that it rings here."""
    return {
        "VoiceUrl": f"{public}/twilio/voice",
        "VoiceMethod": "POST",
        "StatusCallback": f"{public}/twilio/status",
        "StatusCallbackMethod": "POST",
    }


def _rest(settings: Settings) -> TwilioRest:
    login = settings.twilio.login
    if login is None:
        raise NotConfigured("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or an API key) are wanted: twilio.com/console")
    return TwilioRest(TwilioAccount(*login, settings.twilio.api_url))


async def _number(rest: TwilioRest, number: str) -> IncomingNumber:
    found = await rest.find_number(number)
    if found is None:
        raise NotFound(f"{number} is none of this account's numbers")
    return found


def _show(say: Print, settings: Mapping[str, str], what: str = "it was") -> None:
    for name, value in settings.items():
        say(f"      {name:<20} {what} {value or 'not set'}")


def _kept(data_dir: Path) -> dict[str, dict[str, dict[str, str]]]:
    try:
        kept = json.loads((data_dir / KEPT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise NotFound(f"{data_dir / KEPT} is broken: {error}") from error
    return kept if isinstance(kept, dict) else {}


def _keep(data_dir: Path, found: IncomingNumber, public: str) -> None:
    """Remember what a number was set to; linked again, it is still what it was before the first time."""
    kept = _kept(data_dir)
    before = kept.get(found.number, {}).get("before", dict(found.settings))
    if found.settings["VoiceUrl"] != kept.get(found.number, {}).get("linked", {}).get("VoiceUrl"):
        before = dict(found.settings)
    _write(data_dir, {**kept, found.number: {"before": before, "linked": dict(ours(public))}})


def _forget(data_dir: Path, number: str) -> None:
    kept = _kept(data_dir)
    if kept.pop(number, None) is not None:
        _write(data_dir, kept)


def _write(data_dir: Path, kept: Mapping[str, object]) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = data_dir / f"{KEPT}.new"
    fresh.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    fresh.chmod(0o600)
    os.replace(fresh, data_dir / KEPT)  # noqa: PTH105 - one step, or none

"""`media-server route-test NUMBER`: which route a call would take, and why not the ones before it."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretBytes, SecretStr

from media_server.cli.screen import complain, shortened
from media_server.config import Settings, load
from media_server.control import EXIT_UNUSABLE
from media_server.dialplan.folders import dialplan_folders
from media_server.dialplan.loading import load_within
from media_server.dialplan.router import DEFAULT, LoadedRoute, Router
from media_server.dialplan.routes import Incoming
from media_server.errors import ConfigError

_SECRET = re.compile(r"secret|token|password|passwd|key|auth|credential", re.IGNORECASE)
_MASKED = "***"
OURS = " (the server's)"


def run(incoming: Incoming, config: Path | None, said: Mapping[str, object]) -> int:
    """Show it; returns the exit code."""
    try:
        settings = load(config, **said)
        folders = dialplan_folders(settings.dialplans)
        router = load_within(lambda: Router.load(folders, settings.dialplan), folders)
    except ConfigError as error:
        complain(error.message)
        return EXIT_UNUSABLE
    for line in lines(router, incoming, settings):
        typer.echo(line)
    return 0


def moment(text: str | None) -> datetime:
    """A time as ISO 8601 has it, this machine's if it names no other zone; now, without one.

    Raises:
        ValueError: It is none.
    """
    return (datetime.fromisoformat(text) if text else datetime.now()).astimezone()  # noqa: DTZ005 - made aware


def lines(router: Router, incoming: Incoming, settings: Settings) -> Iterable[str]:
    """What is shown."""
    caller = incoming.caller or "a withheld number"
    yield f"a call to {incoming.called} from {caller}, {incoming.direction}, {incoming.at:%a %Y-%m-%d %H:%M %Z}"
    for tried in router.tried(incoming):
        route = tried.route
        if tried.mismatch:
            yield f"  no   {_named(route)}   {tried.mismatch}"
        elif route.name == DEFAULT:
            yield f"  yes  {_named(route)}   no route fits, so the default answers"
        else:
            yield f"  yes  {_named(route)}"
        if not tried.mismatch:
            yield from _details(route, settings)


def masked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings to be shown: what is a secret by its type or its name is not."""
    return {key: _masked(key, value) for key, value in settings.items()}


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes) or (_SECRET.search(key) and not isinstance(value, bool)):
        return _MASKED
    return masked(value) if isinstance(value, Mapping) else value


def _named(route: LoadedRoute) -> str:
    path, _, line = route.place.rpartition(":")
    return f"{route.name:<16} {shortened(Path(path))}:{line}"


def _details(route: LoadedRoute, settings: Settings) -> Iterable[str]:
    path = f"   {shortened(route.plan.path)}" if route.plan.path is not None else ""
    yield f"dialplan  {route.plan.name}{path}"
    yield f"language  {route.language or settings.media.language + OURS}"
    yield f"voice     {route.voice or settings.tts.voice + OURS}"
    for key, value in masked(route.settings).items():
        yield f"setting   {key} = {value!r}"

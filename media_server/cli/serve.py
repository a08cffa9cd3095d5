"""`media-server serve`: settings, models, then the roles under the supervisor, and what the operator sees of it."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from engines.errors import ModelError
from media_server.capacity import calls_at_once
from media_server.cli.models import ensure
from media_server.cli.screen import complain, console, cores, header, next_steps
from media_server.config import Settings, authority, exposed_secrets, load, serialize
from media_server.control import EXIT_UNUSABLE, Bound
from media_server.errors import ConfigError, StartFailed
from media_server.supervisor import Addresses, Down, Drains, News, Role, Supervisor
from media_server.telemetry.loopback import is_loopback

RoleName = Literal["media", "asr", "tts"]
MEDIA_SILENT_S = 10.0
GOODBYES_S = 15.0

_ADDRESS = {"media": "http://{}", "asr": "ws://{}/v1/stream/asr", "tts": "ws://{}/v1/stream/tts"}


def run(choice: str, config: Path | None, said: Mapping[str, object]) -> int:
    """Serve until a signal ends it; returns the exit code."""
    out = console()
    try:
        settings = load(config, **said)
        names = chosen(choice, settings)
        if config is not None and (warning := exposed_secrets(config)) is not None:
            complain(f"warning: {warning}")
        out.print(header(version("media-server"), settings.data_dir))
        ensure(settings, names)
        reporter = Reporter(settings, names, config, out.print)
        asyncio.run(_supervise(settings, names, reporter))
    except (ConfigError, ModelError, StartFailed) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def chosen(choice: str, settings: Settings) -> list[RoleName]:
    """The roles to run here, in the order of their start; engines that are elsewhere are not started.

    Raises:
        ConfigError: An engine would be reachable from elsewhere without a key.
    """
    match choice:
        case "asr" | "tts":
            if settings.api_key is None and not is_loopback(settings.host):
                raise ConfigError(f"host: the {choice} role answers others than this machine only with an api_key")
            return ["asr"] if choice == "asr" else ["tts"]
        case "media":
            return ["media"]
        case _:
            names: list[RoleName] = []
            if not settings.media.asr_urls:
                names.append("asr")
            if not settings.media.tts_urls:
                names.append("tts")
            return [*names, "media"]


async def _supervise(settings: Settings, names: Sequence[RoleName], reporter: "Reporter") -> None:
    supervisor = Supervisor(roles(settings, names), reporter.tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()


def roles(settings: Settings, names: Sequence[RoleName]) -> list[Role]:
    """What the supervisor is to keep running."""
    engines = tuple(name for name in names if name != "media")
    return [_role(name, settings, engines if name == "media" else ()) for name in names]


def _role(name: RoleName, settings: Settings, needs: tuple[str, ...]) -> Role:
    def command(fd: int) -> Sequence[str]:
        # -P: a file in the working folder must not stand in for a module.
        return (sys.executable, "-P", "-m", "media_server.role", name, str(fd))

    def first_line(addresses: Addresses) -> str:
        update: dict[str, object] = {}
        if name in addresses:
            update["port" if name == "media" else f"{name}_port"] = addresses[name].port
        if name == "media":
            urls = {
                f"{engine}_urls": (f"http://{authority(addresses[engine].host, addresses[engine].port)}",)
                for engine in needs
            }
            update["media"] = settings.media.model_copy(update=urls)
        return serialize(settings.model_copy(update=update))

    if name != "media":
        return Role(name, command, first_line, needs)
    # Its calls hang with it, so it is given more time; and the goodbyes have theirs.
    drain_s = settings.media.drain_timeout_s + GOODBYES_S
    return Role(name, command, first_line, needs, silent_s=MEDIA_SILENT_S, drain_s=drain_s)


class Reporter:
    """Turns what the supervisor tells into lines."""

    def __init__(
        self, settings: Settings, names: Sequence[RoleName], config: Path | None, write: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._names = names
        self._config = config
        self._write = write
        self._decode_ms: float | None = None
        self._addresses: dict[str, Bound] = {}

    def tell(self, news: News) -> None:
        """Show it."""
        if isinstance(news, Down):
            often = " again and again" if news.broken else ""
            self._write(f"{news.name:<6} {news.reason}{often}; starts again in {news.seconds:.1f} s")
            return
        if isinstance(news, Drains):
            calls = f"{news.calls} call{'s'[: news.calls != 1]}"
            self._write(f"\nending: no new calls, {calls} to finish; once more to end now")
            return
        address = authority(news.address.host, news.address.port)
        decode_ms = news.details.get("decode_ms")
        if isinstance(decode_ms, int | float):
            self._decode_ms = decode_ms
        capacity = self._capacity() if news.name == "media" else ""
        self._write(f"{news.name:<6} ready {news.seconds:.1f} s   {_ADDRESS[news.name].format(address)}{capacity}")
        again = news.name in self._addresses
        self._addresses[news.name] = news.address
        if not again and len(self._addresses) == len(self._names):
            self._write("\n" + "\n".join(self._next_steps()))

    def _next_steps(self) -> list[str]:
        media = self._addresses.get("media")
        if media is None:
            return next_steps(self._settings, "", None)
        base_url = self._settings.public_url or f"http://{authority(media.host, media.port)}"
        return next_steps(self._settings, base_url.rstrip("/"), self._try_options())

    def _try_options(self) -> list[str]:
        """What `try` must be told, besides what it takes for granted, to find this server."""
        options = [] if self._config is None else ["--config", str(self._config)]
        for name, option, usual in (("media", "--port", 8000), ("tts", "--tts-port", 8002)):
            if name in self._addresses and self._addresses[name].port != usual:
                options += [option, str(self._addresses[name].port)]
        return options

    def _capacity(self) -> str:
        # Only for a recogniser on this machine: of another one's cores nothing is known here.
        if self._decode_ms is None:
            return ""
        calls = min(calls_at_once(self._decode_ms / 1000, cores()), self._settings.media.max_calls)
        return f"   this machine: about {calls} call{'s'[: calls != 1]} at once (decode {self._decode_ms:.0f} ms)"

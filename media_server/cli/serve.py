"""`media-server serve`: settings, models, then the roles under the supervisor, and what the operator sees of it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from engines.errors import ModelError
from media_server.capacity import calls_at_once, shared
from media_server.cli.models import ensure
from media_server.cli.screen import complain, console, cores, header, next_steps
from media_server.cli.service_manager import READY, STOPPING, ServiceManager
from media_server.config import Settings, authority, exposed_secrets, load, serialize
from media_server.control import EXIT_UNUSABLE, Bound
from media_server.errors import ConfigError, StartFailed
from media_server.instances import EngineName, Instance, instances_of, port_of
from media_server.supervisor import Addresses, Down, Drains, News, Role, Supervisor
from media_server.telemetry.loopback import is_loopback

MEDIA_SILENT_S = 10.0
GOODBYES_S = 15.0

_ADDRESS = {"media": "http://{}", "asr": "ws://{}/v1/stream/asr", "tts": "ws://{}/v1/stream/tts"}


def run(choice: str, only: int | None, config: Path | None, said: Mapping[str, object]) -> int:
    """Serve until a signal ends it; returns the exit code. `only`: this instance of a role, and no other."""
    out = console()
    try:
        settings = load(config, **said)
        instances = chosen(choice, settings, only)
        if config is not None and (warning := exposed_secrets(config)) is not None:
            complain(f"warning: {warning}")
        out.print(header(version("media-server"), settings.data_dir))
        ensure(settings, [each.role for each in instances])
        reporter = Reporter(settings, instances, config, out.print)
        asyncio.run(_supervise(settings, instances, reporter))
    except (ConfigError, ModelError, StartFailed) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def chosen(choice: str, settings: Settings, only: int | None = None) -> list[Instance]:
    """What to run here, in the order of the start; engines that are elsewhere are not started.

    Raises:
        ConfigError: An engine would be reachable from elsewhere without a key, or there is no such instance.
    """
    match choice:
        case "asr" | "tts":
            if settings.api_key is None and not is_loopback(settings.host):
                raise ConfigError(f"host: the {choice} role answers others than this machine only with an api_key")
            instances = instances_of(choice, getattr(settings.instances, choice))
            if only is not None and only > len(instances):
                raise ConfigError(
                    f"--instance: there is no {choice}-{only}, since instances.{choice} is {len(instances)}"
                )
            return instances if only is None else [instances[only - 1]]
        case _ if only is not None:
            raise ConfigError("--instance: it wants --role asr or --role tts")
        case "media":
            return instances_of("media")
        case _:
            return [*_engines("asr", settings), *_engines("tts", settings), *instances_of("media")]


def _engines(role: EngineName, settings: Settings) -> list[Instance]:
    count: int = getattr(settings.instances, role)
    if not getattr(settings.media, f"{role}_urls"):
        return instances_of(role, count)
    if count > 1:
        raise ConfigError(f"instances.{role}: media.{role}_urls names some elsewhere, so none is started here")
    return []


async def _supervise(settings: Settings, instances: Sequence[Instance], reporter: "Reporter") -> None:
    manager = ServiceManager.of(os.environ)

    def tell(news: News) -> None:
        before = reporter.complete
        reporter.tell(news)
        if reporter.complete and not before:
            manager.tell(READY)

    def stop() -> None:
        manager.tell(STOPPING)
        supervisor.stop()

    supervisor = Supervisor(roles(settings, instances), tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    life = asyncio.create_task(manager.show_life())
    try:
        await supervisor.run()
    finally:
        life.cancel()


def roles(settings: Settings, instances: Sequence[Instance]) -> list[Role]:
    """What the supervisor is to keep running."""
    engines = [instance for instance in instances if instance.role != "media"]
    return [_role(instance, settings, engines if instance.role == "media" else ()) for instance in instances]


def _role(instance: Instance, settings: Settings, engines: Sequence[Instance]) -> Role:
    setting = "port" if instance.role == "media" else f"{instance.role}_port"
    interpreter = _tts_python(settings) if instance.role == "tts" else sys.executable

    def command(fd: int) -> Sequence[str]:
        # -P: a file in the working folder must not stand in for a module.
        return (interpreter, "-P", "-m", "media_server.role", instance.role, instance.name, str(fd))

    def first_line(addresses: Addresses) -> str:
        known = addresses.get(instance.name)
        port = known.port if known is not None else port_of(getattr(settings, setting), instance.number)
        urls: dict[str, tuple[str, ...]] = {}
        for engine in engines:
            address = addresses[engine.name]
            urls[f"{engine.role}_urls"] = (
                *urls.get(f"{engine.role}_urls", ()),
                f"http://{authority(address.host, address.port)}",
            )
        return serialize(settings.model_copy(update={setting: port, "media": settings.media.model_copy(update=urls)}))

    if instance.role != "media":
        return Role(instance.name, command, first_line)
    # Its calls hang with it, so it is given more time; and the goodbyes have theirs.
    drain_s = settings.media.drain_timeout_s + GOODBYES_S
    needs = tuple(engine.name for engine in engines)
    return Role(instance.name, command, first_line, needs, silent_s=MEDIA_SILENT_S, drain_s=drain_s)


def _tts_python(settings: Settings) -> str:
    """What runs the tts role.

    Raises:
        ConfigError: It is no program.
    """
    if settings.tts.python is None:
        return sys.executable
    if (found := shutil.which(settings.tts.python)) is None:
        raise ConfigError(f"tts.python: {settings.tts.python} is no program that can be run")
    return str(Path(found).absolute())  # not resolved: an environment is known by the link's place


class Reporter:
    """Turns what the supervisor tells into lines."""

    def __init__(
        self, settings: Settings, instances: Sequence[Instance], config: Path | None, write: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._roles = {instance.name: instance.role for instance in instances}
        self._width = max(map(len, ("media", *self._roles))) + 2
        self._config = config
        self._write = write
        self._decode_ms: float | None = None
        self._addresses: dict[str, Bound] = {}

    @property
    def complete(self) -> bool:
        """Everything was ready once."""
        return len(self._addresses) == len(self._roles)

    def tell(self, news: News) -> None:
        """Show it."""
        name = f"{news.name:<{self._width}}"
        if isinstance(news, Down):
            often = " again and again" if news.broken else ""
            self._write(f"{name}{news.reason}{often}; starts again in {news.seconds:.1f} s")
            return
        if isinstance(news, Drains):
            calls = f"{news.calls} call{'s'[: news.calls != 1]}"
            self._write(f"\nending: no new calls, {calls} to finish; once more to end now")
            return
        role = self._roles[news.name]
        address = authority(news.address.host, news.address.port)
        decode_ms = news.details.get("decode_ms")
        if isinstance(decode_ms, int | float):
            self._decode_ms = decode_ms
        capacity = self._capacity() if role == "media" else ""
        self._write(f"{name}ready {news.seconds:.1f} s   {_ADDRESS[role].format(address)}{capacity}")
        again = self.complete
        self._addresses[news.name] = news.address
        if self.complete and not again:
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
        for role, option, usual in (("media", "--port", 8000), ("tts", "--tts-port", 8002)):
            first = next((name for name, each in self._roles.items() if each == role), "")
            if first in self._addresses and self._addresses[first].port != usual:
                options += [option, str(self._addresses[first].port)]
        return options

    def _capacity(self) -> str:
        # Only for a recogniser on this machine: of another one's cores nothing is known here.
        if self._decode_ms is None:
            return ""
        count = self._settings.instances.asr
        carried = shared(calls_at_once(self._decode_ms / 1000, cores()), count) * count
        calls = min(carried, self._settings.media.max_calls)
        return f"   this machine: about {calls} call{'s'[: calls != 1]} at once (decode {self._decode_ms:.0f} ms)"

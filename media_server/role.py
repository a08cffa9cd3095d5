"""One role in a process of its own, the child's side of `media_server.supervisor`.

It takes its settings from the control pipe, binds its address, builds its application, says when `/readyz` says so, and
that it is alive from then on. It drains when it is told to, and ends in order when the pipe closes. Engines step back
behind the media role, so that the pacing of calls wins the processor.
"""

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping

import aiohttp
import structlog
from aiohttp import web

from engines.errors import ModelError
from media_server import config, control
from media_server.config import Settings, authority
from media_server.data_folder import owned
from media_server.errors import ConfigError
from media_server.instances import RoleName
from media_server.telemetry import log
from media_server.telemetry.health import DRAIN, STUCK_FOR
from media_server.telemetry.loop_blocks import WatchedSelector

_NICE = {"tts": 3, "asr": 7}
"""Pacing goes first, then what must be there before the sound made last has played, then what somebody waits for."""

_SHUTDOWN_S = 2.0
"""How long open requests may take to end."""

_LAST_S = 8.0
"""After this a role that was told to end is gone, whatever it hangs in."""

_POLL_S = 0.05
_LAST_PORT = 65535

_logger = structlog.get_logger()


class ControlPipe:
    """The child's end."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._file = self._socket.makefile("rb")

    def settings(self) -> Settings:
        """The supervisor's first line. Blocks.

        Raises:
            ConfigError: It is not that.
        """
        return config.parse(self._file.readline().decode())

    def say(self, event: control.RoleEvent) -> None:
        """Tell the supervisor; if it is gone, nobody needs to know."""
        try:
            self._socket.sendall(control.serialize(event))
        except OSError:
            _logger.debug("the supervisor is gone")

    def watch(self, *, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        """Call these on a thread when the supervisor says so; an event loop that hangs would not notice."""

        def watch() -> None:
            with contextlib.suppress(OSError):  # a pipe that was torn is closed
                while line := self._file.readline():
                    if line == control.DRAIN:
                        on_drain()
            on_close()

        threading.Thread(target=watch, name="control", daemon=True).start()


def main(role: RoleName, name: str, fd: int) -> int:
    """The whole life of a role's process; returns its exit code. `name`: which of its instances, for the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE.get(role, 0))
    pipe = ControlPipe(fd)
    selector = WatchedSelector()

    def on_ready() -> None:
        # What is there now stays: a full collection over all of it keeps the loop waiting 80 ms.
        gc.collect()
        gc.freeze()
        selector.count()

    try:
        settings = pipe.settings()
        log.configure(settings.log_level, name)
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
            runner.run(_until_released(role, settings, pipe, on_ready))
    except (ConfigError, ModelError) as error:
        pipe.say(control.Failed(str(error)))
        return control.EXIT_UNUSABLE
    except Exception as error:
        _logger.exception("role failed")
        pipe.say(control.Failed(f"{type(error).__name__}: {error}".splitlines()[0]))
        return 1
    return 0


async def _until_released(role: RoleName, settings: Settings, pipe: ControlPipe, on_ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    released, drained = asyncio.Event(), asyncio.Event()

    def drain() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(drained.set)

    def release() -> None:
        last = threading.Timer(_LAST_S, os._exit, (1,))
        last.daemon = True
        last.start()
        with contextlib.suppress(RuntimeError):  # the loop may have ended already
            loop.call_soon_threadsafe(released.set)

    pipe.watch(on_drain=drain, on_close=release)
    loop.add_signal_handler(signal.SIGTERM, released.set)
    serving = asyncio.create_task(run_role(role, settings, pipe, drained, on_ready))
    waiting = asyncio.create_task(released.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    serving.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        if not released.is_set():
            raise


async def run_role(
    role: RoleName, settings: Settings, pipe: ControlPipe, drained: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Serve a role until cancelled, or told to drain and done with it.

    Raises:
        ConfigError: Its address or folder cannot be had, or its settings do not fit.
        ModelError: A model is missing or corrupt.
    """
    host, port = _address(role, settings)
    with owned(settings.data_dir) if role == "media" else contextlib.nullcontext(), _bind(host, port) as listener:
        # The port is real from here on, also when 0 was asked for.
        port = listener.getsockname()[1]
        pipe.say(control.Bound(host, port))
        app = _application(role, settings.model_copy(update={_port_setting(role): port}))
        # What an engine does for a client that has left is for nobody. The media role's requests end what they began.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handler_cancellation=role != "media")
        try:
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
            except OSError as error:  # somebody who had bound it at the same time has begun to listen before us
                raise _not_had(host, port, error) from error
            pipe.say(control.Ready(await _readiness(f"http://{authority(host, port)}/readyz")))
            on_ready()
            live = asyncio.create_task(_say_alive(app, pipe))
            try:
                await drained.wait()
                if DRAIN in app:
                    await app[DRAIN](lambda calls: pipe.say(control.Draining(calls)))
            finally:
                live.cancel()
        finally:
            await runner.cleanup()


async def _say_alive(app: web.Application, pipe: ControlPipe) -> None:
    while True:
        await asyncio.sleep(control.ALIVE_EVERY_S)
        pipe.say(control.Alive(round(app[STUCK_FOR](), 1) if STUCK_FOR in app else 0.0))


def _application(role: RoleName, settings: Settings) -> web.Application:
    # Imported here: a role loads only what it runs.
    match role:
        case "asr":
            from media_server.services.asr import create_app  # noqa: PLC0415
        case "tts":
            from media_server.services.tts import create_app  # noqa: PLC0415
        case "media":
            from media_server.server import create_app  # noqa: PLC0415
    return create_app(settings)


def _port_setting(role: RoleName) -> str:
    return "port" if role == "media" else f"{role}_port"


def _address(role: RoleName, settings: Settings) -> tuple[str, int]:
    match role:
        case "media":
            return settings.host, settings.port
        case "asr":
            return settings.engine_host, settings.asr_port
        case "tts":
            return settings.engine_host, settings.tts_port


def _bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet: who comes too early is refused and comes again."""
    if port > _LAST_PORT:  # of so many instances; getaddrinfo would take it modulo 2^16
        raise ConfigError(f"{host} port {port}: there is no such port")
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise _not_had(host, port, error) from error
    return listener


def _not_had(host: str, port: int, error: OSError) -> ConfigError:
    reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror or error}"
    return ConfigError(f"{host} port {port} {reason}")


async def _readiness(url: str) -> Mapping[str, object]:
    """Ask our own `/readyz` until it says yes; returns its details."""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(url) as answer:
                if answer.ok:
                    details: dict[str, object] = await answer.json()
                    details.pop("ready", None)
                    return details
            await asyncio.sleep(_POLL_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))  # type: ignore[arg-type]

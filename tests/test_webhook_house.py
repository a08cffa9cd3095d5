"""A route's calls, driven by a receiver: the whole application, with doubles for the engines and the network."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from media_server.audio.wav import write_wav
from media_server.config import load
from media_server.server import create_app
from tests.engine_apps import EngineApps, engine_apps
from tests.hooks.receivers import SECRET, GoodReceiver, good_receiver
from tests.peers.twilio_emulation import EmulatedCall, Twilio, twilio

ROUTES = """
default = "echo"

[[route]]
called = "+15550100"
dialplan = "webhook"

[route.settings]
url = "{url}"
secret = "{secret}"
deadline_s = 1
fallback = [{{ verb = "say", text = "Sorry." }}]
shop = "north"
"""


@asynccontextmanager
async def house(folder: Path, engines: EngineApps, network: Twilio, **environ: str) -> AsyncIterator[str]:
    """The application with the dialplans in a folder; gives its address once it takes calls."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = {
            "MEDIA_SERVER_PORT": str(listener.getsockname()[1]),
            "MEDIA_SERVER_DATA_DIR": str(folder / "data"),
            "MEDIA_SERVER_DIALPLANS": str(folder),
            "MEDIA_SERVER_MEDIA__ASR_URLS": engines.ears.url,
            "MEDIA_SERVER_MEDIA__TTS_URLS": engines.voice.url,
            "TWILIO_AUTH_TOKEN": network.token,
        }
        app = await asyncio.to_thread(create_app, load(None, settings | environ))
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with asyncio.timeout(10):
                while not await _is_ready(network, url):  # noqa: ASYNC110 - of another server
                    await asyncio.sleep(0.02)
            yield url
        finally:
            await network.aclose()
            await runner.cleanup()


async def _is_ready(network: Twilio, url: str) -> bool:
    async with network.http.get(f"{url}/readyz") as answer:
        return answer.ok


async def until(receiver: GoodReceiver, kind: str) -> dict[str, Any]:
    """What a receiver was told of this kind, once it was."""
    async with asyncio.timeout(5):
        while kind not in receiver.types:  # noqa: ASYNC110 - of another server
            await asyncio.sleep(0.02)
    found: dict[str, Any] = receiver.bodies[receiver.types.index(kind)]["data"]
    return found


async def ring(network: Twilio, url: str) -> EmulatedCall:
    """A call that is taken; a machine that is late just now refuses one, and takes the next."""
    async with asyncio.timeout(20):
        while True:
            call = await network.ring(url)
            waits = [asyncio.ensure_future(each.wait()) for each in (call.streaming, call.over)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
            if call.streams:
                return call
            await asyncio.sleep(0.2)


async def over(call: EmulatedCall) -> None:
    async with asyncio.timeout(5):
        await call.over.wait()


async def test_a_receiver_drives_a_call_of_its_route_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    def decide(body: dict[str, Any]) -> Any:
        match body["type"]:
            case "call.started":
                return [
                    {"verb": "say", "text": "Hi."},
                    {"verb": "play", "source": "sounds/ring.wav"},
                    {"verb": "transfer", "to": "+442079460000"},
                ]
            case "turn":
                return [{"verb": "say", "text": "Bye."}, {"verb": "hangup", "reason": "done"}]
        return None

    write_wav_below(tmp_path)
    async with engine_apps() as engines, twilio() as network, good_receiver(decide) as receiver:
        (tmp_path / "routes.toml").write_text(ROUTES.format(url=receiver.url, secret=SECRET))
        host = receiver.url.removeprefix("http://").partition("/")[0]
        async with house(tmp_path, engines, network, MEDIA_SERVER_HOOKS__ALLOW_HOSTS=host) as url:
            call = await ring(network, url)
            started = await until(receiver, "call.started")
            transfer = await until(receiver, "transfer")
            engines.hear("that is all")
            turn = await until(receiver, "turn")
            await over(call)
            ended = await until(receiver, "call.ended")
    assert started["settings"] == {"shop": "north"}
    assert (started["call"]["caller"], started["call"]["called"]) == ("+15550111", "+15550100")
    assert (transfer["ok"], transfer["reason"]) == (False, "refused")
    assert (turn["text"], turn["heard"]) == ("that is all", "Hi.")
    assert ended["reason"] == "done"
    assert receiver.types == ["call.started", "transfer", "turn", "call.ended"]
    assert [text for voice in engines.voice.sockets for text in voice.said][-2:] == ["Hi.", "Bye."]
    assert call.audible


def write_wav_below(folder: Path) -> None:
    (folder / "sounds").mkdir()
    write_wav(folder / "sounds" / "ring.wav", b"\0\x20" * 800, sample_rate=8000)


async def test_a_receiver_in_the_own_network_is_not_asked_unless_the_operator_says_so(tmp_path: Path) -> None:
    async with engine_apps() as engines, twilio() as network, good_receiver(lambda _: None) as receiver:
        (tmp_path / "routes.toml").write_text(ROUTES.format(url=receiver.url, secret=SECRET))
        async with house(tmp_path, engines, network) as url:
            call = await ring(network, url)
            async with asyncio.timeout(5):
                while "Sorry." not in [text for voice in engines.voice.sockets for text in voice.said]:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            call.hang_up()
            await over(call)
    assert receiver.bodies == []

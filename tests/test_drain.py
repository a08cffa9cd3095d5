"""How the whole server ends while people talk."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from media_server.phone.bench_echo import ECHO_NUMBER, Hiss
from media_server.phone.caller_script import CallerScript
from media_server.phone.twilio_phone import LineBusy, TwilioPhone
from tests.house import House, house

pytestmark = [pytest.mark.models, pytest.mark.timing]
CALLS = 10


async def live(server: House, calls: int) -> None:
    """Until there are so many."""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{server.url}/readyz") as answer:
                if (await answer.json())["calls"] == calls:
                    return
            await asyncio.sleep(0.05)


async def test_live_calls_finish_and_new_ones_are_refused(tmp_path: Path, models_dir: Path) -> None:
    many = {"MEDIA_SERVER_ASR__MAX_SESSIONS": "64"}
    async with (
        house(tmp_path, "--models-dir", str(models_dir), environment=many) as server,
        aiohttp.ClientSession() as http,
    ):
        phones = [TwilioPhone(http, base_url=server.url, called=ECHO_NUMBER) for _ in range(CALLS + 1)]
        calls = [asyncio.create_task(phone.call(Hiss(4.0, seed))) for seed, phone in enumerate(phones[1:])]
        await live(server, CALLS)
        server.process.send_signal(signal.SIGTERM)
        await server.printed("no new calls")
        with pytest.raises(LineBusy, match="busy"):
            await phones[0].call(CallerScript([]))
        async with http.get(f"{server.url}/readyz") as answer:
            assert answer.status == 503
        assert [call.hung_up_by for call in await asyncio.gather(*calls)] == ["caller"] * CALLS
        assert await server.process.wait() == 0


async def test_a_call_that_does_not_end_is_told_goodbye(tmp_path: Path, models_dir: Path) -> None:
    soon = {"MEDIA_SERVER_MEDIA__DRAIN_TIMEOUT_S": "0.5"}
    async with (
        house(tmp_path, "--models-dir", str(models_dir), environment=soon) as server,
        aiohttp.ClientSession() as http,
    ):
        phone = TwilioPhone(http, base_url=server.url)
        call = asyncio.create_task(phone.call(CallerScript([], quiet_s=30.0)))
        await live(server, 1)
        await asyncio.sleep(4.0)  # the greeting
        server.process.send_signal(signal.SIGTERM)
        ended = await call
        assert ended.hung_up_by == "server"
        assert ended.measured().gaps == ()
        assert any(frame != b"\xff" * 160 for at, frame in ended.media if at > 4.2), "the goodbye"
        assert await server.process.wait() == 0

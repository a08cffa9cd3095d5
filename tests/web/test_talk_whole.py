"""The view Talk against the media role as it is, whose engines are arithmetic: over WebRTC, and where UDP is shut."""

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from media_server.config import Settings
from media_server.server import create_app
from media_server.settings_sections import MediaSettings
from tests.api.relay_house import MediaServer
from tests.conftest import require_peer
from tests.speech_apps import speech_apps
from tests.web.conftest import FLAGS, MAY_LISTEN
from tests.web.talking import press_talk, says

RATE = 48000
NO_UDP = """
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
};
"""
"""Through relays alone, of which there is none: nothing passes, as behind `ssh -L`."""


def write_speech(path: Path) -> None:
    """Something that a browser takes for speech: a buzz that swells and fades four times a second, and silence."""
    at = np.arange(int(1.6 * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * n * at) / n for n in range(1, 20))
    loud = buzz * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * at)) * 9000
    sound = np.concatenate([np.zeros(2 * RATE), loud, np.zeros(6 * RATE)]).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())


@asynccontextmanager
async def media_role(folder: Path) -> AsyncIterator[str]:
    """Its address, once it takes calls."""
    async with speech_apps(folder) as engines:
        settings = Settings(data_dir=folder / "media", media=MediaSettings(**engines.urls))
        async with MediaServer(create_app(settings), shutdown_timeout=1.0) as server, aiohttp.ClientSession() as client:
            async with asyncio.timeout(10):
                while True:
                    async with client.get(server.make_url("/readyz")) as answer:
                        if answer.status == 200:
                            break
                    await asyncio.sleep(0.05)
            yield str(server.make_url("/"))


async def live_calls(url: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{url}v1/calls?state=live") as answer:
        return len((await answer.json())["calls"])


async def no_live_calls(url: str) -> None:
    async with asyncio.timeout(5):
        while True:
            if not await live_calls(url):
                return
            await asyncio.sleep(0.05)


async def converse(page: Page) -> None:
    """The parrot greets, hears, answers; a typed line is a turn too; a key is known."""
    await press_talk(page)
    await expect(page.locator(".line.agent .heard").first).not_to_be_empty()
    await expect(page.locator(".line.caller:not(.open) .bubble").first).to_contain_text("one")
    await expect(page.locator(".receipt-bar").first).to_contain_text("ms")
    await page.get_by_role("textbox", name="Type instead of speaking").fill("good morning")
    await page.keyboard.press("Enter")
    await says(page, "good morning")
    await page.keyboard.press("Tab")
    await page.keyboard.press("5")
    await says(page, "Key 5")


@pytest.mark.parametrize(("wire", "before"), [("WebRTC", ""), ("WebSocket", NO_UDP)])
async def test_a_call_is_made_heard_answered_and_ended(tmp_path: Path, wire: str, before: str) -> None:
    write_speech(tmp_path / "speech.wav")
    flags = [*FLAGS, MAY_LISTEN, f"--use-file-for-fake-audio-capture={tmp_path / 'speech.wav'}"]
    async with media_role(tmp_path) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=require_peer("chromium"), args=flags)
        page = await browser.new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.add_init_script(before)
        await page.goto(url)
        await converse(page)
        await expect(page.locator(".connection")).to_contain_text(wire)
        await expect(page.locator(".connection")).to_contain_text("round trip")
        assert await live_calls(url) == 1
        await page.get_by_role("button", name="End", exact=True).click()
        await no_live_calls(url)
        assert complaints == []
        await browser.close()

"""The browser that the page is tested in: Debian's Chromium, whose microphone is a recording or a beep."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.conftest import require_peer

FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-gpu",
]
MAY_LISTEN = "--use-fake-ui-for-media-stream"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A browser whose visitor allows the microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=require_peer("chromium"), args=[*FLAGS, MAY_LISTEN])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor who was never here before."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(8000)
    yield context
    await context.close()

"""How the views Transcribe and Speak look, and whether all can use them: axe-core's rules, and a screenshot of each."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.speech_apps import tone_wav
from tests.web.engines_house import EnginesHouse, engines_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
MEETING = FilePayload(name="meeting.wav", mimeType="audio/wav", buffer=tone_wav(9.0))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EnginesHouse]:
    async with engines_house(tmp_path_factory.mktemp("engines")) as house:
        yield house


async def faults(page: Page) -> list[str]:
    """What is serious of what axe-core finds, and whether the page can be pushed sideways."""
    found: list[dict[str, Any]] = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"
    )
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    told = [f"{each['id']}: {node['html']}" for each in serious for node in each["nodes"]]
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*told, "wider than the screen"] if wide else told


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 1280), (False, 390), (True, 320)])
async def test_both_views_have_no_serious_fault(
    browser: Browser, house: EnginesHouse, tmp_path: Path, dark: bool, width: int
) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS_FOLDER", tmp_path))
    name = f"{'dark' if dark else 'light'}-{width}"
    context = await browser.new_context(
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
        bypass_csp=True,  # for axe, which is evaluated in the page
    )
    page = await context.new_page()
    await page.goto(f"{house.url}#/transcribe")
    await page.add_script_tag(path=AXE)
    assert await faults(page) == []
    await page.set_input_files("input[type=file]", MEETING)
    await expect(page.locator(".word").first).to_be_visible()
    await page.locator(".word").nth(3).focus()
    assert await faults(page) == []
    await page.screenshot(path=pictures / f"transcribe-{name}.png", full_page=True)

    await page.get_by_role("link", name="Speak").click()
    await page.get_by_role("button", name="Speak", exact=True).click()
    await expect(page.get_by_role("button", name="Play again")).to_be_visible()
    assert await faults(page) == []
    await page.screenshot(path=pictures / f"speak-{name}.png", full_page=True)
    await page.get_by_role("button", name="New voice").click()
    assert await faults(page) == []
    await page.screenshot(path=pictures / f"speak-voice-{name}.png")
    await context.close()

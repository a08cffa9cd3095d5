"""How the page looks, and whether all can use it: axe-core's rules, and a screenshot of each state."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.web.house import Line, open_house
from tests.web.talking import AXE, opened, press_talk, says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def conversation(line: Line) -> None:
    """A little of everything that a call may show."""
    receipt = {"waited": 290, "words": 45, "think": 12, "voice": 96, "wire": 31, "speculated": True}
    await line.said("Mario's, good evening. I can book you a table.")
    await line.tell("caller_said", turn=1, text="A table for four on Friday, please.", reason="complete")
    await line.tell("answered", turn=1, receipt=receipt)
    text = "Four people on Friday. At what time would you like to come? We are open from five in the evening."
    await line.says("u2", text, turn=1)
    await line.said(text, heard=text[:59], turn=1)
    await line.tell("caller_said", turn=2, text="Half past seven.", reason="slot")
    await line.tell("answered", turn=2, receipt={**receipt, "think": 260})
    await line.tell("webhook", ok=True, ms=182)
    await line.tell("fault", code="engine", message="The voice came back after 2 s")
    await line.tell("digit", digit="5")
    await line.tell("caller_said", turn=3, text="my name is Rossi", reason="typed")
    await line.says("u3", "Thank you, Mr Rossi. Your table is booked for half past seven.", heard=34, turn=3)
    await line.tell("floor", move="pause")
    await line.tell("caller_partial", turn=4, text="And can we sit outside if the weather", stable=22)
    await line.stays()


async def axe(page: object) -> list[str]:
    """What is serious of what axe-core finds."""
    found = await page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")  # type: ignore[attr-defined]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(
    ("scheme", "width", "height"), [("light", 1280, 800), ("dark", 1280, 800), ("light", 390, 844), ("dark", 320, 640)]
)
async def test_the_talk_view_has_no_serious_fault_and_no_sideways_scrolling(
    browser: Browser, tmp_path: Path, scheme: str, width: int, height: int
) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS_FOLDER", tmp_path))
    name = f"talk-{scheme}-{width}"
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        bypass_csp=True,  # for axe, which is evaluated in the page
    )
    async with open_house(conversation) as house:
        page = await opened(context, house)
        await page.add_script_tag(path=AXE)
        assert await axe(page) == []
        await page.screenshot(path=pictures / f"{name}-idle.png")
        await press_talk(page)
        await says(page, "sit outside")
        await page.get_by_role("button", name="Keypad").click()
        await page.locator(".receipt-bar").first.focus()
        assert await axe(page) == []
        await page.screenshot(path=pictures / f"{name}-live.png")
        await expect(page.locator(".line.aside.danger")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await context.close()

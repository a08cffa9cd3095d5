"""What tests do on the page: open it, press Talk, wait for words."""

from playwright.async_api import BrowserContext, Page, expect

from tests.web.house import House, Line

AXE = "tests/web/vendor/axe.min.js"


async def opened(context: BrowserContext, house: House, *, fresh: bool = True) -> Page:
    """The page, at rest."""
    page = await context.new_page()
    await page.goto(house.url)
    if fresh:
        await expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    return page


async def press_talk(page: Page) -> None:
    await page.get_by_role("button", name="Talk", exact=True).click()


async def talking(context: BrowserContext, house: House) -> tuple[Page, Line]:
    """The page in a call, and the server's end of it."""
    page = await opened(context, house)
    await press_talk(page)
    await expect(page.locator(".connection")).to_contain_text("WebSocket")
    return page, house.lines[-1]


async def says(page: Page, text: str) -> None:
    """These words stand in the transcript."""
    await expect(page.get_by_role("log")).to_contain_text(text)

"""The view Talk on a bad day: no microphone, a busy server, a lost connection, a wrong key."""

import asyncio

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.conftest import require_peer
from tests.web.conftest import FLAGS
from tests.web.house import Line, open_house, until
from tests.web.talking import opened, press_talk, says, talking

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_refused_a_missing_and_an_insecure_microphone_are_told_apart() -> None:
    async with open_house() as house, async_playwright() as playwright:
        chromium = require_peer("chromium")
        flags = [*FLAGS, "--host-resolver-rules=MAP talk.test 127.0.0.1"]
        shy = await playwright.chromium.launch(executable_path=chromium, args=flags)
        page = await opened(await shy.new_context(), house)
        await press_talk(page)
        await expect(page.get_by_text("The microphone is blocked")).to_be_visible()
        assert not house.lines
        await expect(page.get_by_role("button", name="Talk", exact=True)).to_be_enabled()

        far = await shy.new_page()
        await far.goto(house.url.replace("127.0.0.1", "talk.test"))
        await expect(far.get_by_text("The microphone needs https or localhost")).to_be_visible()
        await expect(far.locator("code").first).to_contain_text(":127.0.0.1:")
        await expect(far.locator("code").first).to_contain_text("talk.test")
        await expect(far.get_by_role("button", name="Talk", exact=True)).to_be_disabled()
        await shy.close()


async def test_a_busy_server_is_called_again_after_a_countdown(context: BrowserContext) -> None:
    async with open_house() as house:
        house.webrtc_busy = 1
        house.busy = 1
        page = await opened(context, house)
        await press_talk(page)
        await expect(page.get_by_role("heading", name="The server is busy")).to_be_visible()
        await expect(page.get_by_text("Calling again in 1 s (1 of 5)")).to_be_visible()
        await expect(page.get_by_text("Calling again in 1 s (2 of 5)")).to_be_visible()
        await expect(page.locator(".connection")).to_contain_text("WebSocket")
        assert len(house.lines) == 1


async def test_a_countdown_can_be_ended(context: BrowserContext) -> None:
    async with open_house() as house:
        house.busy = 2
        page = await opened(context, house)
        await press_talk(page)
        await expect(page.get_by_role("heading", name="The server is busy")).to_be_visible()
        await page.get_by_role("button", name="End", exact=True).click()
        await expect(page.get_by_role("heading", name="You ended the call")).to_be_visible()
        await asyncio.sleep(1.2)
        assert not house.lines


async def test_a_lost_connection_becomes_a_new_call_and_says_so(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await line.says("u1", "Good evening. What can I do?", heard=13)
        await expect(page.locator(".line.agent .coming")).to_be_visible()
        assert line.socket._writer is not None
        line.socket._writer.transport.abort()
        await expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
        await says(page, "This is a new call")
        await expect(page.locator(".connection")).to_contain_text("WebSocket")
        assert len(house.lines) == 2
        assert house.open_calls() == 1
        await house.lines[1].said("Hello again.")
        await says(page, "Hello again.")
        await says(page, "Good evening.")


async def test_what_cannot_be_reached_again_is_given_up_after_five_attempts(context: BrowserContext) -> None:
    async with open_house() as house:
        page = await context.new_page()
        await page.clock.install()
        await page.goto(house.url)
        await press_talk(page)
        await expect(page.get_by_role("heading", name="Listening")).to_be_visible()

        async def gone(_line: Line) -> None:
            await _line.socket.close()

        house.script = gone
        await house.lines[0].socket.close()
        given_up = page.get_by_text("Calling again did not work")
        async with asyncio.timeout(20):
            while not await given_up.is_visible():
                if await page.get_by_role("heading", name="Connection lost").is_visible():
                    await page.clock.run_for(1000)
        assert len(house.lines) == 6


async def test_a_call_that_the_server_ends_says_why_and_gives_the_microphone_back(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await line.tell("call_ended", reason="dialplan_error", turns=0, balances=True)
        await line.socket.close()
        await expect(page.locator(".stage").get_by_text("The dialplan has a fault")).to_be_visible()
        await expect(page.get_by_role("button", name="Talk", exact=True)).to_be_visible()
        await asyncio.sleep(0.5)
        assert len(house.lines) == 1


async def test_a_key_is_asked_for_once_and_again_when_it_is_wrong(context: BrowserContext) -> None:
    async with open_house() as house:
        house.key = "right"
        page = await opened(context, house)
        await press_talk(page)
        dialog = page.get_by_role("dialog", name="This server wants a key")
        await dialog.get_by_label("API key").fill("wrong")
        await dialog.get_by_role("button", name="Continue").click()
        await expect(dialog).to_contain_text("not the server's")
        await dialog.get_by_label("API key").fill("right")
        await page.keyboard.press("Enter")
        await expect(page.locator(".connection")).to_contain_text("WebSocket")
        assert house.tickets == 1
        assert house.offers == 1, "who may not call yet is told of no TURN server, so nothing is offered before"
        await page.get_by_role("button", name="End", exact=True).click()
        await expect(page.get_by_label("Dialplan")).to_have_value("parrot")


async def test_without_the_key_there_is_no_call(context: BrowserContext) -> None:
    async with open_house() as house:
        house.key = "right"
        page = await opened(context, house)
        await press_talk(page)
        await expect(page.get_by_role("textbox", name="API key")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_text("Without it, nothing is answered")).to_be_visible()
        assert not house.lines


async def test_two_presses_are_no_two_calls_and_a_page_that_goes_ends_its_call(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await page.evaluate("for (let i = 0; i < 3; i++) document.querySelector('.talk-button').click()")
        await asyncio.sleep(0.5)
        assert house.open_calls() <= 1
        await page.goto("about:blank")
        await until(lambda: not house.open_calls())
        assert line.over


async def test_another_view_ends_the_call_and_what_does_not_load_says_so(browser: Browser) -> None:
    context = await browser.new_context()
    async with open_house() as house:
        page = await context.new_page()
        await page.route("**/views/talk.js", lambda route: route.abort())
        await page.goto(house.url)
        await expect(page.get_by_role("heading", name="This view could not be loaded")).to_be_visible()
    await context.close()

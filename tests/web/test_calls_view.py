"""The views Calls and the call inspector, in a browser, before a real registry and archive."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from media_server.call.events import CallerSaid
from tests.web.call_page import CallPage, call_page
from tests.web.held_call import ATTACK, CALL

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallPage]:
    async with call_page(tmp_path_factory.mktemp("archive")) as running:
        await running.keep_held(tmp_path_factory.mktemp("held"))
        for number in range(40):
            await running.keep(number)
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page that has met no error when the test is over."""
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert errors == []


async def opened(page: Page, server: CallPage, path: str = "calls") -> None:
    await page.goto(f"{server.url}#/{path}")
    await page.locator("tr.link, .timed li, .empty h2").first.wait_for()


async def playhead(page: Page) -> float:
    return float(await page.get_by_role("slider").get_attribute("aria-valuenow") or "nan")


async def reaches(page: Page, seconds: float) -> None:
    async with asyncio.timeout(8):
        while True:
            if await playhead(page) >= seconds:
                return
            await asyncio.sleep(0.05)


async def test_calls_are_listed_filtered_and_more_of_them_come_when_asked_for(page: Page, server: CallPage) -> None:
    await opened(page, server)
    rows = page.locator("tr.link")
    await expect(rows).to_have_count(25)
    await expect(rows.first).to_contain_text("+15550001 → +15550002")
    await expect(rows.first).to_contain_text("0:24")
    await expect(rows.first).to_contain_text(re.compile(r"\d+ ms"))
    await expect(rows.first).to_contain_text("Completed")
    await page.get_by_role("button", name="Show more").click()
    await expect(rows).to_have_count(41)
    await expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    await page.get_by_label("Dialplan").select_option("booking")
    await expect(rows).to_have_count(14)
    await page.get_by_label("State").select_option("live")
    await expect(page.get_by_text("No such calls")).to_be_visible()


async def test_a_live_call_stands_first_with_what_was_said_last(page: Page, server: CallPage) -> None:
    await opened(page, server)
    await expect(page.get_by_text("None live")).to_be_visible()
    async with server.live() as conversation:
        first = page.locator("tr.link").first
        await expect(first).to_contain_text("Live")
        await expect(page.get_by_text("1 live")).to_be_visible()
        conversation.chronicle.tell(CallerSaid, turn=1, text=f"hello {ATTACK}", reason="complete")
        await expect(first).to_contain_text(f"Caller: hello {ATTACK}")
        length = await first.locator(".call-length").inner_text()
        await expect(first.locator(".call-length")).not_to_have_text(length)
    await expect(page.get_by_text("None live")).to_be_visible()
    await expect(page.locator("tr.link").first).to_contain_text("Caller hung up")


async def test_a_live_call_is_hung_up_once_that_is_confirmed(page: Page, server: CallPage) -> None:
    async with server.live() as conversation:
        await page.goto(f"{server.url}#/calls/{conversation.facts.id}")
        await page.get_by_role("button", name="Hang up").click()
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        assert not conversation.over.is_set()
        await page.get_by_role("button", name="Hang up").click()
        await page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
        await expect(page.locator(".inspector-title")).to_contain_text("Hung up by operator")
        assert conversation.over_reason == "hung_up_by_operator"
    await expect(page.get_by_role("button", name="Delete")).to_be_visible()


async def test_what_happens_on_a_live_call_is_drawn_while_it_happens(page: Page, server: CallPage) -> None:
    async with server.live() as conversation:
        await opened(page, server, f"calls/{conversation.facts.id}")
        conversation.chronicle.tell(CallerSaid, turn=1, text="are you there", reason="complete")
        await expect(page.locator(".timed-line.caller")).to_contain_text("are you there")


async def test_a_call_is_found_with_the_keyboard_and_stepped_through(page: Page, server: CallPage) -> None:
    await opened(page, server)
    link = page.locator(f"tr[data-call='{CALL}'] a")
    for _ in range(30):
        if await link.evaluate("(element) => element === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.locator(".timed-line").first.wait_for()
    chart = page.get_by_role("slider")
    await chart.focus()
    tip = page.locator(".tip")
    titles = []
    for _ in range(16):
        await page.keyboard.press("ArrowDown")
        titles.append(await tip.locator("strong").inner_text())
    assert titles[0] == "Recording on"
    assert titles[1].startswith("Agent: Mario's, good evening")
    assert any(title.startswith("Caller: Good evening") for title in titles)
    assert any(title.startswith("Answered in") for title in titles)
    assert any("we paused" in title for title in titles)
    at = await playhead(page)
    assert at > 3
    assert "we " in str(await chart.get_attribute("aria-valuetext")) or titles[-1] in str(
        await chart.get_attribute("aria-valuetext")
    )
    async with page.expect_response(re.compile(r"/peaks\?per_s=\d+&from=")):
        for _ in range(6):
            await page.keyboard.press("+")
    await page.keyboard.press("End")
    assert await playhead(page) == pytest.approx(22.0, abs=0.3)
    await page.keyboard.press("Home")
    assert await playhead(page) == 0


async def test_said_and_heard_stand_beside_each_other_and_all_of_it_is_text(page: Page, server: CallPage) -> None:
    await opened(page, server, f"calls/{CALL}")
    lines = page.locator(".timed-line")
    cut = lines.filter(has=page.locator("s.unheard")).first
    await expect(cut).to_contain_text("Cut off")
    await expect(cut.locator("s.unheard")).to_contain_text("For how many people?")
    await expect(lines.filter(has_text=f"please {ATTACK}").first).to_be_visible()
    assert await page.locator("main img").count() == 0
    await expect(lines.filter(has_text="Tool find_table · 240 ms")).to_be_visible()
    await expect(lines.filter(has_text="Keys 4#")).to_be_visible()
    await expect(page.locator(".facts.notes")).to_contain_text(ATTACK)
    await expect(page.locator(".receipt").first).to_contain_text("Silence waited for 300 ms")
    await page.get_by_role("link", name="Export").wait_for()


async def test_one_hears_it_from_where_one_presses(page: Page, server: CallPage) -> None:
    await opened(page, server, f"calls/{CALL}")
    await page.get_by_role("button", name="Hear from 0:07.1").click()
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    await reaches(page, 7.3)
    await expect(page.locator(".timed-line[aria-current]")).to_contain_text("four people")
    await page.get_by_label("What to hear").select_option("caller")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    box = await page.locator("canvas.chart").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 60)
    await reaches(page, 16.4)
    assert await playhead(page) < 21
    await page.get_by_role("button", name="Pause").click()


async def test_the_mouse_zooms_drags_and_points(page: Page, server: CallPage) -> None:
    await opened(page, server, f"calls/{CALL}")
    box = await page.locator("canvas.chart").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.5, box["y"] + 26 + 136 + 22 + 32 + 10
    await page.mouse.move(x, y)
    await expect(page.locator(".tip strong")).to_contain_text("Agent: Four people")
    await page.keyboard.down("Control")
    for _ in range(5):
        await page.mouse.wheel(0, -200)
    await page.keyboard.up("Control")
    await page.mouse.move(x, y + 1)
    # What was pointed at stays there.
    await expect(page.locator(".tip strong")).to_contain_text("Agent: Four people")
    await page.mouse.move(x, box["y"] + 60)
    async with page.expect_response(re.compile(r"/peaks\?per_s=\d+&from=")):
        await page.mouse.down()
        await page.mouse.move(x - 400, box["y"] + 60, steps=4)
        await page.mouse.up()
    assert await playhead(page) == 0, "a drag is no click"
    await page.mouse.move(x, box["y"] - 40)
    await expect(page.locator(".tip")).to_be_hidden()


async def test_a_call_is_deleted_once_that_is_confirmed(page: Page, server: CallPage) -> None:
    await server.keep(77, started_at="2026-11-20T00:00:00.000+00:00", caller="+1999")
    await opened(page, server, f"calls/{77:032x}")
    await expect(page.get_by_text("No recording is kept of this call")).to_be_visible()
    await expect(page.get_by_role("button", name="Play", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_role("heading", name="Calls").wait_for()
    await expect(page.locator("tr.link").first).to_be_visible()
    await expect(page.get_by_text("+1999")).to_have_count(0)
    await page.goto(f"{server.url}#/calls/{77:032x}")
    await expect(page.get_by_text("No such call")).to_be_visible()


async def test_with_a_key_calls_are_seen_and_heard(
    page: Page, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with call_page(tmp_path, key="secret") as server:
        await server.keep_held(tmp_path_factory.mktemp("held"))
        await page.goto(f"{server.url}#/calls")
        await page.get_by_label("API key").fill("secret")
        await page.get_by_role("button", name="Continue").click()
        await page.locator("tr.link a").first.click()
        await page.get_by_role("button", name="Hear from 0:07.1").click()
        await reaches(page, 7.3)
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export").click()
        assert (await download.value).suggested_filename == f"{CALL}.call.zip"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_stands_in_the_way_of_anybody(page: Page, server: CallPage, scheme: str, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("SCREENSHOTS_FOLDER", tmp_path))
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name, path, there in (("calls", "calls", "tr.link"), ("inspector", f"calls/{CALL}", "canvas")):
        await opened(page, server, path)
        await expect(page.locator(there).first).to_be_visible()
        await page.screenshot(path=pictures / f"{name}-{scheme}.png", full_page=True)
        await page.evaluate(AXE.read_text())
        found = await page.evaluate("axe.run().then((result) => result.violations)")
        serious = [each["id"] for each in found if each["impact"] in ("serious", "critical")]
        assert serious == [], found


@pytest.mark.parametrize("width", [320, 390, 1024])
async def test_nothing_is_wider_than_the_screen(page: Page, server: CallPage, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for path, there in (("calls", "tr.link"), (f"calls/{CALL}", "canvas")):
        await opened(page, server, path)
        await expect(page.locator(there).first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width

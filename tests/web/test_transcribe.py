"""The view Transcribe in a real browser, before the real service with a recogniser that is an arithmetic."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, FilePayload, Page, expect

from media_server.speech.room import POLL_S
from tests.speech_apps import tone_wav
from tests.web.engines_house import EnginesHouse, engines_house, kept

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEETING = FilePayload(name="meeting.wav", mimeType="audio/wav", buffer=tone_wav(1.2))
WATCH_LIT = """
window.lit = [];
const told = (changes) => changes.forEach(({target}) => target.matches(".sounds") && lit.push(target.textContent));
new MutationObserver(told).observe(document, {subtree: true, attributeFilter: ["class"]});
"""
REFUSED = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EnginesHouse]:
    async with engines_house(tmp_path_factory.mktemp("engines")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, house: EnginesHouse) -> AsyncIterator[Page]:
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{house.url}#/transcribe")
    yield page
    assert faults == []


async def transcribed(page: Page) -> None:
    await page.set_input_files("input[type=file]", MEETING)
    await expect(page.locator(".word")).to_have_text(["one", "two", "three"])


async def lit(page: Page, words: int) -> list[str]:
    """Those that were lit since `WATCH_LIT`, once there are so many."""
    async with asyncio.timeout(10):
        while True:
            found: list[str] = await page.evaluate("lit")
            if len(found) >= words:
                return found
            await asyncio.sleep(0.05)


async def test_a_recording_becomes_words_with_their_times(page: Page) -> None:
    await transcribed(page)
    await expect(page.locator(".about")).to_have_text("English0:023 words")
    await page.locator(".word").nth(1).hover()
    await expect(page.locator(".pointed")).to_have_text("0:00.9 to 0:01.3 · 90 % sure")


async def test_a_word_that_is_pressed_is_heard_and_lit(page: Page) -> None:
    await transcribed(page)
    await page.evaluate(WATCH_LIT)
    await page.locator(".word").nth(1).click()
    assert await lit(page, 2) == ["two", "three"]


async def test_words_are_reached_with_the_keys_alone(page: Page) -> None:
    await transcribed(page)
    await page.locator(".word").first.focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("End")
    await expect(page.locator(".word:focus")).to_have_text("three")
    await expect(page.locator(".word[tabindex='0']")).to_have_count(1)
    await page.evaluate(WATCH_LIT)
    await page.keyboard.press("Enter")
    assert await lit(page, 1) == ["three"]


async def test_it_can_be_taken_home_in_four_shapes(page: Page) -> None:
    await transcribed(page)
    files = {}
    for label in ("Text", "SubRip", "WebVTT", "JSON"):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=label, exact=True).click()
        name, content = await kept(await download.value)
        files[name] = content.decode()
    assert files["meeting.txt"] == "one two three\n"
    assert files["meeting.srt"].startswith("1\n00:00:00,500 --> 00:00:01,")
    assert files["meeting.srt"].endswith("\none two three\n")
    assert files["meeting.vtt"].startswith("WEBVTT\n\n00:00:00.500 --> 00:00:01.")
    document = json.loads(files["meeting.json"])
    assert [word["text"] for word in document["segments"][0]["words"]] == ["one", "two", "three"]


async def test_what_is_no_recording_is_said_in_clear_words(page: Page) -> None:
    words = FilePayload(name="a.mp3", mimeType="audio/mpeg", buffer=b"words" * 99)
    await page.set_input_files("input[type=file]", words)
    await expect(page.get_by_role("alert")).to_contain_text("That is no recording we know")
    await expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    await transcribed(page)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_where_nobody_speaks_it_is_said(page: Page) -> None:
    silence = FilePayload(name="quiet.wav", mimeType="audio/wav", buffer=tone_wav(0))
    await page.set_input_files("input[type=file]", silence)
    await expect(page.locator(".banner")).to_contain_text("No speech was found")


async def test_what_is_said_into_the_microphone_appears_while_it_is_said_and_can_be_heard_again(page: Page) -> None:
    await page.get_by_role("button", name="Use the microphone").click()
    await expect(page.locator(".about")).to_contain_text("Listening")
    await expect(page.locator(".word").first).to_have_text("one")
    await page.get_by_role("button", name="Stop listening").click()
    await expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()
    await expect(page.locator(".about")).not_to_contain_text("Listening")
    assert await page.evaluate("document.querySelector('audio').src.startsWith('blob:')")


async def test_leaving_the_view_lets_the_microphone_go(page: Page, house: EnginesHouse) -> None:
    await page.get_by_role("button", name="Use the microphone").click()
    await expect(page.locator(".word").first).to_be_visible()
    await page.get_by_role("link", name="Speak").click()
    await expect(page.get_by_role("heading", name="Speak")).to_be_visible()
    async with asyncio.timeout(5):
        while house.streams:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_refused_microphone_is_said_in_clear_words(context: BrowserContext, house: EnginesHouse) -> None:
    page = await context.new_page()
    await page.add_init_script(REFUSED)
    await page.goto(f"{house.url}#/transcribe")
    await page.get_by_role("button", name="Use the microphone").click()
    await expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked")


async def test_without_room_for_a_stream_it_may_be_tried_again(page: Page, house: EnginesHouse) -> None:
    house.fill(full=True)
    await page.get_by_role("button", name="Use the microphone").click()
    await expect(page.get_by_role("alert")).to_contain_text("The recogniser took no stream")
    house.fill(full=False)
    await asyncio.sleep(2 * POLL_S)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".about")).to_contain_text("Listening")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_where_a_key_is_wanted_it_is_asked_for_once_and_streams_are_opened_with_tickets(
    context: BrowserContext, tmp_path: Path
) -> None:
    async with engines_house(tmp_path, key="the key") as house:
        page = await context.new_page()
        addresses: list[str] = []
        page.on("websocket", lambda socket: addresses.append(socket.url))
        await page.goto(f"{house.url}#/transcribe")
        await page.set_input_files("input[type=file]", MEETING)
        await page.get_by_role("dialog").get_by_label("API key").fill("the key")
        await page.keyboard.press("Enter")
        await expect(page.locator(".word")).to_have_text(["one", "two", "three"])
        await page.get_by_role("button", name="Use the microphone").click()
        await expect(page.locator(".about")).to_contain_text("Listening")
        await expect(page.locator(".word").first).to_have_text("one")
        assert [("ticket=" in address, "key" in address.replace("keyterm", "")) for address in addresses] == [
            (True, False)
        ]

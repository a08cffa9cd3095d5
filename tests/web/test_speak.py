"""The view Speak in a real browser, before the real service with a voice that is a tone."""

import io
import wave
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, FilePayload, Page, Route, expect

from tests.speech_apps import tone_wav
from tests.web.engines_house import EnginesHouse, engines_house, kept

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEAKER = FilePayload(name="zoe.wav", mimeType="audio/wav", buffer=tone_wav(6.0))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EnginesHouse]:
    async with engines_house(tmp_path_factory.mktemp("engines")) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, house: EnginesHouse) -> AsyncIterator[Page]:
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{house.url}#/speak")
    yield page
    assert faults == []


async def speak(page: Page, text: str) -> None:
    await page.get_by_label("Text").fill(text)
    await page.get_by_role("button", name="Speak", exact=True).click()


async def taken(page: Page, label: str) -> bytes:
    async with page.expect_download(timeout=30_000) as download:
        await page.get_by_role("button", name=label, exact=True).click()
    _, content = await kept(await download.value)
    return content


async def test_a_text_is_heard_and_taken_home(page: Page) -> None:
    await speak(page, "Good evening, and welcome.")
    await expect(page.locator(".playing")).to_contain_text("First sound after")
    await expect(page.get_by_role("button", name="Play again")).to_be_visible()
    with wave.open(io.BytesIO(await taken(page, "WAV"))) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 24000)
        assert reader.getnframes() / 24000 == pytest.approx(26 * 0.05, abs=0.1)
    assert (await taken(page, "MP3"))[:3] in (b"ID3", b"\xff\xfb\x94", b"\xff\xf3\x84")
    await page.get_by_role("button", name="Play again").click()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await expect(page.get_by_role("button", name="Play again")).to_be_visible()


async def test_it_can_be_stopped_and_asked_for_by_keys(page: Page) -> None:
    await page.get_by_label("Text").fill("A long text. " * 50)
    await page.get_by_label("Text").press("Control+Enter")
    await expect(page.locator(".playing")).to_contain_text("First sound after")
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_visible()


async def test_speed_and_an_empty_text(page: Page) -> None:
    await page.get_by_label("Speed").fill("2")
    await speak(page, "a" * 40)
    await expect(page.locator(".playing")).to_contain_text("0:01.0 of 0:01.0")
    await page.get_by_label("Text").fill("  ")
    await expect(page.get_by_role("button", name="Speak", exact=True)).to_be_disabled()


async def test_a_voice_is_made_of_a_recording_speaks_and_is_deleted(page: Page) -> None:
    await page.get_by_role("button", name="New voice").click()
    dialog = page.get_by_role("dialog", name="New voice")
    await dialog.get_by_label("Name").fill("Zoë <b>Müller</b>")
    await dialog.locator("input[type=file]").set_input_files(SPEAKER)
    await dialog.get_by_role("button", name="Make the voice").click()
    await expect(dialog).to_be_visible()  # nobody said yet that the speaker agrees
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Make the voice").click()
    await expect(page.get_by_role("listitem")).to_contain_text("Zoë <b>Müller</b>")
    await expect(page.get_by_label("Voice", exact=True).locator("option:checked")).to_have_text("Zoë <b>Müller</b>")
    await speak(page, "Hello.")
    await expect(page.get_by_role("button", name="Play again")).to_be_visible()
    await page.get_by_role("button", name="Delete Zoë").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("listitem")).to_have_text("None yet.")


async def test_a_recording_that_does_not_do_is_refused_in_clear_words(page: Page) -> None:
    await page.get_by_role("button", name="New voice").click()
    dialog = page.get_by_role("dialog", name="New voice")
    await dialog.get_by_label("Name").fill("Zoë")
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.locator(".hint, .small").first).to_contain_text("Read aloud")
    await page.wait_for_timeout(400)
    await dialog.get_by_role("button", name="Stop").click()
    await dialog.get_by_role("button", name="Make the voice").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("speech")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_where_the_engine_cannot_clone_no_voice_is_offered_to_be_made(page: Page, house: EnginesHouse) -> None:
    async def cannot(route: Route) -> None:
        joe = {"id": "joe", "name": "joe", "kind": "built-in"}
        await route.fulfill(json={"default": "joe", "can_clone": False, "voices": [joe]})

    await page.route("**/v1/voices", cannot)
    await page.goto("about:blank")
    await page.goto(f"{house.url}#/speak")
    await expect(page.get_by_label("Voice", exact=True)).to_have_value("joe")
    await expect(page.get_by_role("button", name="New voice")).to_have_count(0)


async def test_without_an_engine_it_is_said_and_may_be_tried_again(page: Page) -> None:
    async def gone(route: Route) -> None:
        problem = {"code": "engine_unavailable", "title": "Service Unavailable", "detail": "", "retryable": True}
        await route.fulfill(status=503, json=problem, content_type="application/problem+json")

    await page.route("**/v1/synthesize", gone)
    await speak(page, "Hello.")
    await expect(page.get_by_role("alert")).to_contain_text("The speech engine does not answer")
    await page.unroute("**/v1/synthesize")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("button", name="Play again")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)

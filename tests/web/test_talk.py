"""The view Talk in a real browser: a call over the WebSocket, where WebRTC does not pass."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, expect

from tests.web.house import Line, open_house, until
from tests.web.talking import opened, press_talk, says, talking

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECEIPT = {"waited": 290, "words": 45, "think": 12, "voice": 96, "wire": 31, "speculated": True}


async def test_where_webrtc_is_refused_the_call_goes_by_websocket_and_the_microphone_is_heard(
    context: BrowserContext,
) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await until(lambda: line.heard >= 16000)
        assert line.pieces == {640}
        assert line.loudest > 1000
        assert line.dialplan == "parrot"
        await page.get_by_role("button", name="End", exact=True).click()
        await press_talk(page)
        await expect(page.locator(".connection")).to_contain_text("WebSocket")
        assert house.offers == 1, "what does not pass once is not tried again in this tab"
        assert house.open_calls() == 1


async def test_what_the_caller_says_is_seen_as_it_is_said_and_then_as_it_was_understood(
    context: BrowserContext,
) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await line.tell("caller_speaking", speaking=True)
        await expect(page.locator(".line.dots")).to_be_visible()
        await line.tell("caller_partial", turn=1, text="a table for for", stable=11)
        await expect(page.locator(".line.caller.open .unsure")).to_have_text(" for")
        await line.tell("caller_said", turn=1, text="A table for four.", reason="complete")
        await expect(page.locator(".line.caller .bubble").first).to_have_text("You: A table for four.")
        await expect(page.locator(".unsure")).to_have_count(0)
        await expect(page.locator("#polite")).to_contain_text("You: A table for four.")
        await expect(page.locator("#polite")).not_to_contain_text("for for")


async def test_the_agents_words_are_lit_as_they_are_heard_and_what_was_cut_off_is_struck(
    context: BrowserContext,
) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await line.says("u1", "Good evening. What can I do?", heard=13)
        await expect(page.locator(".line.agent .coming")).to_have_text("What can I do?")
        await line.tell("floor", move="pause")
        await expect(page.locator(".line.agent")).to_contain_text("Paused: you are speaking")
        await expect(page.get_by_role("heading", name="Paused for you")).to_be_visible()
        await line.tell("floor", move="resume")
        await expect(page.get_by_text("Paused: you are speaking")).to_have_count(0)
        await line.said("Good evening. What can I do?", heard="Good evening. What")
        await expect(page.locator(".line.agent .unheard")).to_have_text("can I do?")
        await expect(page.locator(".line.agent")).to_contain_text("Cut off")


async def test_a_turns_wait_is_told_with_its_parts_and_the_reason_of_its_end(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await line.tell("caller_said", turn=1, text="Hello.", reason="silence")
        await line.tell("answered", turn=1, receipt=RECEIPT)
        receipt = page.get_by_role("button", name="Answered in 474 ms")
        await expect(page.get_by_role("tooltip")).to_be_hidden()
        await receipt.focus()
        await expect(page.get_by_role("tooltip")).to_contain_text("Words decoded 45 ms")
        await expect(page.get_by_role("tooltip")).to_contain_text("over because the silence was long enough")


async def test_marks_come_back_when_all_before_was_played_or_cleared(context: BrowserContext) -> None:
    async def script(line: Line) -> None:
        await line.sound(0.6)
        await line.mark("played")
        await line.stays()

    async with open_house(script) as house:
        _, line = await talking(context, house)
        loop = asyncio.get_running_loop()
        assert await asyncio.wait_for(line.messages.get(), 3) == {"type": "mark", "name": "played"}
        began = loop.time()
        await line.sound(5)
        await line.mark("cleared")
        await asyncio.sleep(0.1)
        assert line.messages.empty()
        await line.clear()
        assert await asyncio.wait_for(line.messages.get(), 3) == {"type": "mark", "name": "cleared"}
        assert loop.time() - began < 2


async def test_keys_are_pressed_on_the_screen_and_on_the_keyboard_but_not_while_typing(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await page.get_by_role("button", name="Keypad").click()
        await page.get_by_role("button", name="5", exact=True).click()
        await page.get_by_role("button", name="hash").click()
        await page.keyboard.press("7")
        await page.get_by_role("textbox", name="Type instead of speaking").fill("at 8")
        await page.keyboard.press("9")
        await page.keyboard.press("Enter")
        got = [await asyncio.wait_for(line.messages.get(), 3) for _ in range(4)]
        assert got == [
            {"type": "digit", "digit": "5"},
            {"type": "digit", "digit": "#"},
            {"type": "digit", "digit": "7"},
            {"type": "text", "text": "at 89"},
        ]
        await line.tell("digit", digit="5")
        await line.tell("digit", digit="#")
        await says(page, "Key 5 #")
        await line.tell("caller_said", turn=1, text="at 89", reason="typed")
        await expect(page.locator(".line.caller").first).to_contain_text("Typed")


async def test_a_muted_microphone_sends_silence(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        await page.get_by_role("button", name="Mute").click()
        await expect(page.get_by_role("button", name="Muted")).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("heading", name="Muted")).to_be_visible()
        await asyncio.sleep(0.3)
        line.loudest = line.heard = 0
        await until(lambda: line.heard >= 16000)
        assert line.loudest < 10


async def test_the_dialplan_that_is_chosen_is_called(context: BrowserContext) -> None:
    async with open_house() as house:
        page = await opened(context, house)
        await page.get_by_label("Dialplan").select_option("booking")
        await press_talk(page)
        await expect(page.locator(".connection")).to_contain_text("WebSocket")
        assert house.lines[0].dialplan == "booking"


async def test_whatever_is_said_is_text(context: BrowserContext) -> None:
    async with open_house() as house:
        page, line = await talking(context, house)
        bad = "<img src=x onerror=alert(1)><script>alert(2)</script>"
        await line.tell("caller_partial", turn=1, text=bad, stable=0)
        await line.says("u1", bad)
        await line.tell("fault", code="x", message=bad)
        await line.socket.send_str("no json")
        await line.socket.send_str("[]")
        await line.socket.send_str('{"type": "constructor"}')
        await line.socket.send_str('{"type": "agent_said", "text": 7, "heard": null}')
        await line.tell("caller_said", turn=1, text="after all that", reason="complete")
        await says(page, "after all that")
        await says(page, bad)
        assert await page.locator("#view img, #view script").count() == 0

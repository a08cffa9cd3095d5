"""The view Talk over WebRTC, where the other side is gone or refuses: the peer connection is a double."""

import asyncio

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.web.house import House, open_house, until
from tests.web.talking import opened, press_talk

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEER = """
globalThis.peers = [];
globalThis.RTCPeerConnection = class {
  constructor() {
    Object.assign(this, { connectionState: "new", iceGatheringState: "complete", localDescription: { sdp: "v=0" } });
    peers.push(this);
  }
  addTransceiver() { return { sender: { replaceTrack: async () => { throw new Error("no such track"); } } }; }
  createDataChannel() { return (this.channel = { readyState: "connecting", send() {} }); }
  async setLocalDescription() {}
  async setRemoteDescription() {
    setTimeout(() => {
      const { stream } = new AudioContext().createMediaStreamDestination();
      this.ontrack({ streams: [stream], track: stream.getAudioTracks()[0] });
      this.connectionState = "connected";
      this.channel.readyState = "open";
      this.channel.onopen();
      if (globalThis.brief) this.channel.readyState = "closed";
    }, 20);
  }
  async getStats() { return new Map(); }
  close() { this.connectionState = "closed"; }
};
"""


async def talking(context: BrowserContext, house: House) -> Page:
    house.webrtc = True
    await context.add_init_script(PEER)
    page = await opened(context, house)
    await press_talk(page)
    await expect(page.locator(".connection")).to_contain_text("WebRTC")
    return page


async def test_a_network_that_is_gone_does_not_hold_up_the_next_call(context: BrowserContext) -> None:
    async with open_house() as house:
        page = await talking(context, house)
        house.delete_s = 20
        await page.evaluate("peers[0].channel.onclose()")
        await expect(page.get_by_role("heading", name="Connection lost")).to_be_visible(timeout=5000)
        house.delete_s = 0
        await page.get_by_role("button", name="End", exact=True).click()


async def test_a_call_that_was_ended_stays_so_when_its_wire_is_closed_later(context: BrowserContext) -> None:
    async with open_house() as house:
        page = await talking(context, house)
        house.delete_s = 1.5
        await page.evaluate("peers[0].channel.onclose()")
        await until(lambda: bool(house.deleted))
        await asyncio.sleep(0.4)
        await page.get_by_role("button", name="End", exact=True).click()
        await asyncio.sleep(2)
        await expect(page.get_by_role("heading", name="You ended the call")).to_be_visible()
        assert (house.offers, house.deleted) == (1, ["1"])


async def test_what_the_server_says_of_a_call_that_failed_is_read_and_it_is_not_made_again(
    context: BrowserContext,
) -> None:
    async with open_house() as house:
        page = await talking(context, house)
        await page.evaluate("""() => {
          const said = { type: "error", code: "call_failed", title: "Something went wrong here", retryable: false };
          peers[0].channel.onmessage({ data: JSON.stringify(said) });
          peers[0].channel.onclose();
        }""")
        await expect(page.get_by_text("Something went wrong here")).to_be_visible()
        await asyncio.sleep(1.2)
        assert house.offers == 1


async def test_a_channel_that_closes_while_the_sound_is_set_up_is_a_loss(context: BrowserContext) -> None:
    async with open_house() as house:
        house.webrtc = True
        await context.add_init_script(PEER + "globalThis.brief = true;")
        page = await opened(context, house)
        await press_talk(page)
        await expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
        await page.get_by_role("button", name="End", exact=True).click()


async def test_a_microphone_that_cannot_be_changed_leaves_none_open(context: BrowserContext) -> None:
    async with open_house() as house:
        await context.add_init_script("""
          globalThis.tracks = [];
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await open(wanted);
            tracks.push(...stream.getTracks());
            return stream;
          };
        """)
        page = await talking(context, house)
        await page.get_by_label("Microphone").select_option(index=1)
        await expect(page.get_by_text("That device could not be used")).to_be_visible()
        await page.get_by_role("button", name="End", exact=True).click()
        assert await page.evaluate("tracks.map((track) => track.readyState)") == ["ended", "ended"]

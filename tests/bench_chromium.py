"""The page in Chromium, whose microphone is a recording: what is heard there, and when.

In the page both sounds, the microphone's and the call's, go into one audio context beside what the page does with them,
and of each 10 ms the loudness is kept. So the times hold Chromium's own buffers on both ways, all on one clock.
"""

import asyncio
import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from playwright.async_api import async_playwright

from media_server.audio.resample import resample
from media_server.phone.bench_figures import Spread
from media_server.phone.understood import understood
from tests.speech_data import Prompt

RATE = 48_000
SENTENCES = 10
FIRST_S, EVERY_S = 6.0, 9.0
"""Silence before the first sentence, in which there is a greeting; from one sentence to the next."""
STAGES = ("waited", "words", "think", "voice", "wire")
VOICED = 200 / 32768
PAUSE_S = 1.0
"""Within a sentence."""
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
)

TAP = """
(() => {
  const context = new AudioContext({sampleRate: 48000});
  const merger = context.createChannelMerger(2), processor = context.createScriptProcessor(1024, 2, 1);
  const loud = (window.loud = [[], []]), rest = [[], []];
  processor.onaudioprocess = ({inputBuffer}) => {
    for (const side of [0, 1]) {
      rest[side].push(...inputBuffer.getChannelData(side));
      while (rest[side].length >= 480) {
        const window = rest[side].splice(0, 480);
        loud[side].push(Math.sqrt(window.reduce((sum, each) => sum + each * each, 0) / 480));
      }
    }
  };
  merger.connect(processor).connect(context.destination);
  const tap = (stream, side) => {
    void context.resume();
    context.createMediaStreamSource(stream).connect(merger, 0, side);
  };
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    tap(stream, 0);
    return stream;
  };
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      window.peer = this;
      this.addEventListener("track", ({track}) => tap(new MediaStream([track]), 1));
    }
  };
})();
"""


BUFFERED = """
async () => {
  if (!window.peer || window.peer.connectionState !== "connected") return null;
  for (const each of (await window.peer.getStats()).values()) {
    if (each.type === "inbound-rtp") return Math.round(1000 * each.jitterBufferDelay / each.jitterBufferEmittedCount);
  }
  return null;
}
"""
"""How long sound waits in the browser's own buffer, in ms; in the middle of a call."""


def write_microphone(path: Path, prompts: Sequence[Prompt]) -> float:
    """The sentences, one every few seconds; how long it takes."""
    sound = np.zeros(int((FIRST_S + EVERY_S * len(prompts)) * RATE), dtype="<i2")
    for number, prompt in enumerate(prompts):
        samples = np.frombuffer(resample(prompt.pcm, prompt.sample_rate, RATE), dtype="<i2")
        begin = int((FIRST_S + EVERY_S * number) * RATE)
        sound[begin : begin + len(samples)] = samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return len(sound) / RATE


def answered_ms(microphone: Sequence[float], call: Sequence[float]) -> list[int | None]:
    """Of each utterance: how long after its last voiced 10 ms the first voiced ones of the answer are."""
    spoken = [number for number, loud in enumerate(microphone) if loud > VOICED]
    ends = [at for at, following in pairwise([*spoken, 10**9]) if following - at > 100 * PAUSE_S]
    begins = [following for at, following in pairwise([-(10**9), *spoken]) if following - at > 100 * PAUSE_S]
    waits: list[int | None] = []
    for end, until in zip(ends, [*begins[1:], len(call)], strict=True):
        first = next((number for number in range(end + 1, min(until, len(call))) if call[number] > VOICED), None)
        waits.append(None if first is None else 10 * (first - end - 1))
    return waits


@dataclass(frozen=True, slots=True)
class PageCall:
    """A call of the page's.

    Attributes:
        connection: How the page says that it is connected.
        waits: Of each sentence, how long its audible answer took, in ms; None: there was none. Over WebRTC only.
        caller: The caller's words as they stand on the page, a turn each; `agent`: ours that were heard.
        heard: The caller's turns, as the call's record has them.
        receipts: How long each answer took by the server's own account, in ms.
        buffered_ms: How long sound waited in the browser's own buffer, on average; over WebRTC only.
    """

    connection: str
    waits: list[int | None]
    caller: list[str]
    agent: list[str]
    heard: list[str]
    receipts: list[int]
    buffered_ms: int | None


async def page_call(url: str, said: Sequence[Prompt], folder: Path, before: str = "") -> PageCall:
    """Open the page, press Talk, let the microphone say these, and hang up. `before`: a script that is run first."""
    lasts_s = write_microphone(folder / "microphone.wav", said)
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={folder / 'microphone.wav'}%noloop"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = await browser.new_page()
        await page.add_init_script(before + TAP)
        await page.goto(url)
        await page.get_by_role("button", name="Talk", exact=True).click()
        await asyncio.sleep(lasts_s)
        connection = await page.locator(".connection").inner_text()
        buffered_ms = await page.evaluate(BUFFERED)
        microphone, call = await page.evaluate("window.loud")
        caller = await page.locator(".line.caller .bubble").all_inner_texts()
        agent = await page.locator(".line.agent .heard").all_inner_texts()
        await page.get_by_role("button", name="End", exact=True).click()
        await browser.close()
    turns = await _turns(url)
    heard = [turn["text"] for turn in turns]
    receipts = [sum(turn["receipt"][stage] for stage in STAGES) for turn in turns if turn["receipt"]]
    return PageCall(connection, answered_ms(microphone, call), caller, agent, heard, receipts, buffered_ms)


async def in_chromium(url: str, prompts: Sequence[Prompt], folder: Path) -> list[str]:
    """One call; its figures as lines."""
    whole = [prompt for prompt in prompts if prompt.text.endswith((".", "?"))]
    said = random.Random(2).sample(whole, SENTENCES)
    call = await page_call(url, said, folder)
    known = [wait for wait in call.waits if wait is not None]
    spread = Spread.of(known)
    right = understood([prompt.text for prompt in said], call.heard)
    return [
        f"\nChromium, {call.connection.splitlines()[0]}",
        f"turns            {len(call.waits)}, {len(known)} answered, {right} of {len(said)} understood",
        f"answered after   p50 {spread.p50} ms   p95 {spread.p95}   worst {spread.worst}",
        f"of it the server {Spread.of(call.receipts).p50} ms by its own receipts",
        f"of it buffered   {call.buffered_ms} ms by the browser, on average",
    ]


async def _turns(url: str) -> list[dict[str, Any]]:
    """The turns of the newest call, as its record has them."""
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/v1/calls", raise_for_status=True) as answer:
            newest = (await answer.json())["calls"][0]
        async with http.get(f"{url}/v1/calls/{newest['id']}", raise_for_status=True) as answer:
            turns: list[dict[str, Any]] = (await answer.json())["turns"]
    return turns

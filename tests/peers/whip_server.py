"""A WHIP server of stock aiortc on a free port, with a small callee behind it: our phone and relay are tested on it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from media_server.audio.frame import silence
from media_server.audio.levels import rms
from media_server.phone.caller_script import FRAME_BYTES
from media_server.phone.webrtc_phone import _gather_on_loopback, _Said, _tap
from media_server.phone.webrtc_sound import MulawSound, OpusSound, Sound
from tests.phone.tones import tone

PTIME_S = 0.02
ANSWERS_AFTER = 15
"""Frames without voice."""


@dataclass(slots=True)
class Callee:
    """Greets with a tone, and answers 300 ms after the last voiced packet with another.

    Attributes:
        greeting: What it says first, linear PCM at 8 kHz.
        ends_after: After so many answers it hangs up.
        heard: What it got, linear PCM at 8 kHz.
        posted: The offers.
        deleted: The sessions that were deleted.
    """

    greeting: bytes = field(default_factory=lambda: tone(0.2))
    ends_after: int | None = None
    heard: bytearray = field(default_factory=bytearray)
    posted: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)


class _Session:
    def __init__(self, callee: Callee) -> None:
        self.callee = callee
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.connection.on("datachannel", self._opened)
        self._track = _Said()
        self._sound: Sound = OpusSound()
        self._to_say = bytearray(callee.greeting)
        self._quiet: int | None = None
        self._answers = 0
        self._ticker: asyncio.Task[None] | None = None

    async def answer(self, offer: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._sound = MulawSound() if "opus" not in offer else OpusSound()
        transceiver = self.connection.getTransceivers()[0]
        self.connection.addTrack(self._track)
        _tap(transceiver.receiver, self._receive)
        _gather_on_loopback(transceiver)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        self._ticker = asyncio.create_task(self._run())
        return self.connection.localDescription.sdp

    async def aclose(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait({self._ticker})
        self._track.stop()
        await self.connection.close()

    async def _run(self) -> None:
        connected = asyncio.Event()
        self.connection.on("connectionstatechange", connected.set)
        while self.connection.connectionState != "connected":
            connected.clear()
            await connected.wait()
        clock = asyncio.get_running_loop().time
        start = clock()
        for number in range(100_000):
            await asyncio.sleep(max(0.0, start + number * PTIME_S - clock()))
            if self._quiet == ANSWERS_AFTER:
                self._quiet = None
                self._answers += 1
                if self._answers == self.callee.ends_after:
                    await self.connection.close()
                    return
                self._to_say += tone(0.3)
            elif self._quiet is not None:
                self._quiet += 1
            frame = bytes(self._to_say[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
            del self._to_say[:FRAME_BYTES]
            self._track.put(self._sound.encode(frame or silence(160)), number * 160)

    def _receive(self, packet: RtpPacket) -> None:
        pcm = self._sound.decode(packet.payload)
        self.callee.heard += pcm
        if rms(pcm) > 200:
            self._quiet = 0

    def _opened(self, channel: RTCDataChannel) -> None:
        channel.on("message", self.callee.digits.append)
        channel.send('{"type": "call_started", "call": "call-1", "at": 0.0}')


@dataclass(frozen=True, slots=True)
class Answerer:
    """Where it is."""

    url: str
    http: aiohttp.ClientSession


@asynccontextmanager
async def whip_server(callee: Callee, *, refuse: int | None = None) -> AsyncIterator[Answerer]:
    """`refuse`: the status that every offer gets."""
    sessions: dict[str, _Session] = {}

    async def post(request: web.Request) -> web.Response:
        if refuse is not None:
            return web.Response(status=refuse, text="no")
        callee.posted.append(await request.text())
        name = secrets.token_hex(8)
        sessions[name] = _Session(callee)
        answer = await sessions[name].answer(callee.posted[-1])
        headers = {"Location": f"/v1/webrtc/{name}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def delete(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        callee.deleted.append(name)
        await sessions.pop(name).aclose()
        return web.Response(status=200)

    app = web.Application()
    app.router.add_post("/v1/webrtc", post)
    app.router.add_delete("/v1/webrtc/{name}", delete)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as http:
            yield Answerer(f"http://127.0.0.1:{port}", http)
    finally:
        for session in sessions.values():
            await session.aclose()
        await runner.cleanup()

"""A phone that calls as a browser does: a WHIP offer, ICE, DTLS, 20 ms of Opus or mu-law in real time. Asyncio shell.

aiortc makes the connection. Its jitter buffer is left out: each packet is taken where it comes out of SRTP, so that a
`RtpPlayout` of known depth decides what is heard, and its figures are the wire's. The caller's frame n holds the sound
of ``[n * 20, n * 20 + 20)`` ms and is sent at ``start + (n + 1) * 20`` ms on an absolute clock, as by the other phones.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias
from urllib.parse import urlencode

import aiohttp
import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket
from av.stream import Stream
from typing_extensions import override

from media_server.audio.frame import PTIME_MS, TELEPHONE_RATE
from media_server.phone.caller_script import CallerScript
from media_server.phone.measure import CallMeasure, measure
from media_server.phone.playout_buffer import Span
from media_server.phone.rtp_playout import DEPTH_S, RtpPlayout
from media_server.phone.twilio_phone import CallRefused
from media_server.phone.webrtc_sound import MulawSound, OpusSound, Sound
from media_server.phone.whip import Whip

CONNECT_S = 10.0
"""For ICE and DTLS."""
MAX_EVENTS = 10_000
MAX_PACKETS = 200_000
"""An hour of them, and more."""
_WAITING_FRAMES = 50
_LOOPBACK = "127.0.0.1"
_PTIME_S = PTIME_MS / 1000
_Packet: TypeAlias = "av.Packet[Stream]"
_SOUNDS: dict[str, Callable[[], Sound]] = {"opus": OpusSound, "pcmu": MulawSound}

Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Wire:
    """How the phone is connected.

    Attributes:
        codec: "opus" or "pcmu": the only one that it offers.
        depth_s: How long it keeps a packet before it is played.
        offered: What is done to its own SDP on the way out; `answered`: to the server's on the way in. So the packets
            can be led through something in between.
    """

    codec: str = "opus"
    depth_s: float = DEPTH_S
    offered: Rewrite = str
    answered: Rewrite = str


@dataclass(frozen=True, slots=True)
class WebrtcCall:
    """A call that is over, with both sides' linear PCM at 8 kHz from `start` on.

    Attributes:
        session: The id in the session's URL.
        call_id: As the events named it; `session` where there were none.
        caller: What was sent.
        agent: What was played, silence included.
        spoken: Where the caller's utterances lie.
        interjected: Where what was said into the agent's answers lies.
        underruns: Where there was nothing to play.
        hung_up_by: "caller" or "server".
        events: What the server told on the data channel, and when, in seconds since `start`.
        arrivals: Of each packet, in seconds since `start`.
        lost: Packets of the server's that were not played.
        lag_s: The most by which our own clock was late; with more than a few milliseconds trust no figure.
        deleted: What the server answered when the caller hung up; None where it was not asked.
    """

    session: str
    call_id: str
    caller: bytes
    agent: bytes
    spoken: tuple[Span, ...]
    interjected: tuple[Span, ...]
    underruns: tuple[Span, ...]
    hung_up_by: str
    events: tuple[tuple[float, dict[str, Any]], ...]
    arrivals: tuple[float, ...]
    lost: int
    lag_s: float
    deleted: int | None

    def measured(self) -> CallMeasure:
        """What the caller noticed."""
        return measure(self.caller, self.agent, self.spoken, self.underruns)

    @property
    def stalls_ms(self) -> list[int]:
        """The holes inside answers, in ms; what a phone conceals is none."""
        return [(gap.end - gap.begin) * 1000 // TELEPHONE_RATE for gap in self.measured().gaps]


class WebrtcPhone:
    """A browser that can call a server."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        base_url: str,
        api_key: str | None = None,
        dialplan: str | None = None,
        wire: Wire | None = None,
    ) -> None:
        query = f"?{urlencode({'dialplan': dialplan})}" if dialplan else ""
        self._whip = Whip(http, f"{base_url.rstrip('/')}/v1/webrtc{query}", api_key=api_key)
        self._wire = wire or Wire()

    async def call(self, script: CallerScript, *, max_s: float = 600.0) -> WebrtcCall:
        """Make one call and say what the script says.

        Raises:
            CallRefused: The server does not answer or does not take the call, or no connection comes about.
        """
        local = self._whip.url.host in {_LOOPBACK, "localhost"}
        line = WebrtcLine(self._wire, local=local)
        try:
            answer = await self._whip.offer(self._wire.offered(await line.offer()))
            deleted = None
            try:
                await line.connect(self._wire.answered(answer.sdp))
                hung_up_by = await line.run(script, max_s)
            finally:
                if not line.over:
                    deleted = await self._whip.end(answer)
        finally:
            await line.aclose()
        return line.result(answer.session, hung_up_by, script, deleted)


class WebrtcLine:
    """One peer connection of the phone's: offers, connects, speaks, listens.

    Attributes:
        connection: aiortc's.
        channel: The data channel `events`.
        events: What was told on it so far.
    """

    def __init__(self, wire: Wire, *, local: bool) -> None:
        self._wire = wire
        self._local = local
        self._sound = _SOUNDS[wire.codec]()
        self._now = asyncio.get_running_loop().time
        self._track = _Said()
        self._start = self._now()
        self._playout: RtpPlayout | None = None
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._sent = bytearray()
        self._lag_s = 0.0
        self._arrivals: list[float] = []
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.connection.on("connectionstatechange", self._changed)
        # Sound first: what is bundled with the first one, aiortc would stop the transport of otherwise.
        self._transceiver: RTCRtpTransceiver = self.connection.addTransceiver(self._track, direction="sendrecv")
        self.channel = self.connection.createDataChannel("events")
        self.channel.on("message", self._told)
        known = RTCRtpReceiver.getCapabilities("audio")
        assert known is not None
        self._transceiver.setCodecPreferences([each for each in known.codecs if each.mimeType == self._sound.mime_type])
        _tap(self._transceiver.receiver, self._receive)
        if local:
            _gather_on_loopback(self._transceiver)

    @property
    def over(self) -> bool:
        """Whether the connection is gone: the server's doing, as long as nobody here has closed it."""
        return self._ended.is_set()

    async def offer(self) -> str:
        """The phone's own description, with all of its candidates."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def connect(self, answer: str) -> None:
        """Take the server's description; returns when sound can go both ways.

        Raises:
            CallRefused: It is none that fits, or nothing came of it.
        """
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(_for_all_media(answer), "answer"))
        except (ValueError, LookupError, AssertionError, AttributeError, InvalidStateError) as error:
            # aiortc's parser knows no error of its own.
            raise CallRefused(f"the answer cannot be used: {error!r}") from error
        waits = {asyncio.create_task(each.wait()) for each in (self._connected, self._ended)}
        _, pending = await asyncio.wait(waits, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        if not self._connected.is_set() or self._ended.is_set():
            raise CallRefused(f"no connection: {self.connection.connectionState}")
        self._start = self._now()
        self._playout = RtpPlayout(self._start, self._sound, depth_s=self._wire.depth_s)

    async def run(self, script: CallerScript, max_s: float) -> str:
        """Speak and listen until one side hangs up; returns which."""
        playout = self._playout
        assert playout is not None, "connect comes first"
        for number in range(int(max_s / _PTIME_S)):
            due = self._start + (number + 1) * _PTIME_S
            await asyncio.sleep(max(0.0, due - self._now()))
            self._lag_s = max(self._lag_s, self._now() - due)
            if self._ended.is_set():
                return "server"
            playout.advance(self._now())
            # The wire is in real time, so what is sent is soon played: the quiet that a script waits for is enough.
            frame = script.next_frame(agent_voiced=playout.voiced, agent_drained=True)
            if frame is None:
                break
            self.say(frame)
        return "caller"

    def say(self, frame: bytes) -> None:
        """Send 20 ms of linear PCM at 8 kHz, now."""
        self._track.put(self._sound.encode(frame), len(self._sent) // 2)
        self._sent += frame

    def heard(self) -> bytes:
        """What was played up to now: linear PCM at 8 kHz."""
        assert self._playout is not None, "connect comes first"
        self._playout.advance(self._now())
        return bytes(self._playout.played)

    async def aclose(self) -> None:
        """Close the connection. Idempotent."""
        self._track.stop()
        await self.connection.close()

    def result(self, session: str, hung_up_by: str, script: CallerScript, deleted: int | None) -> WebrtcCall:
        """The call, now that it is over."""
        assert self._playout is not None, "connect comes first"
        self._playout.advance(self._now())
        return WebrtcCall(
            session=session,
            call_id=next((str(event["call"]) for _, event in self.events if "call" in event), session),
            caller=bytes(self._sent),
            agent=bytes(self._playout.played),
            spoken=tuple(script.spoken),
            interjected=tuple(script.interjected),
            underruns=tuple(self._playout.underruns),
            hung_up_by=hung_up_by,
            events=tuple(self.events),
            arrivals=tuple(self._arrivals),
            lost=self._playout.lost,
            lag_s=self._lag_s,
            deleted=deleted,
        )

    def _receive(self, packet: RtpPacket) -> None:
        if self._playout is None or len(self._arrivals) >= MAX_PACKETS:
            return
        self._arrivals.append(self._now() - self._start)
        self._playout.receive(packet.sequence_number, packet.timestamp, packet.payload, self._now())

    def _told(self, message: str | bytes) -> None:
        if isinstance(message, str) and len(self.events) < MAX_EVENTS:
            event = json.loads(message)
            self.events.append((self._now() - self._start, event))

    def _changed(self) -> None:
        if self.connection.connectionState == "connected":
            self._connected.set()
        elif self.connection.connectionState in {"failed", "closed"}:
            self._ended.set()


class _Said(MediaStreamTrack):
    """What the phone says, encoded already: a packet is sent when it is put."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames: asyncio.Queue[_Packet] = asyncio.Queue(_WAITING_FRAMES)

    def put(self, payload: bytes, position: int) -> None:
        """The next payload; where nobody takes them any more, nowhere."""
        packet = av.Packet(payload)
        packet.pts, packet.time_base = position, Fraction(1, TELEPHONE_RATE)
        if not self._frames.full():
            self._frames.put_nowait(packet)

    @override
    async def recv(self) -> "_Packet":
        """The next packet, once it is there."""
        if self.readyState != "live":
            raise MediaStreamError
        return await self._frames.get()


def _for_all_media(sdp: str) -> str:
    """The description with its candidates in every medium: of those in a bundle, aiortc takes the last one's."""
    head, *media = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
    lines = re.findall(r"^a=candidate:.*\r\n", media[0] if media else "", flags=re.MULTILINE)
    return head + "".join(each if "a=candidate:" in each else each + "".join(lines) for each in media)


def _tap(receiver: RTCRtpReceiver, receive: Callable[[RtpPacket], None]) -> None:
    """Have a receiver's packets, instead of its jitter buffer."""

    async def handle(packet: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG001 - aiortc's signature
        receive(packet)

    receiver._handle_rtp_packet = handle  # type: ignore[method-assign] # noqa: SLF001 - there is no other way to them


def _gather_on_loopback(transceiver: RTCRtpTransceiver) -> None:
    """Offer the loopback address, and no other: aioice leaves it out."""
    gatherer = transceiver.sender.transport.transport.iceGatherer
    connection = gatherer._connection  # noqa: SLF001 - as is its list of addresses
    gather = connection.get_component_candidates

    async def on_loopback(component: int, addresses: list[str], timeout: int = 5) -> Any:  # noqa: ARG001, ASYNC109
        return await gather(component=component, addresses=[_LOOPBACK], timeout=timeout)

    connection.get_component_candidates = on_loopback  # type: ignore[method-assign]

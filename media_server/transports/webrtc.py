"""A WebRTC peer as a `MediaPort`: ICE, DTLS-SRTP, one sound each way, and a data channel for what is no sound.

An offer becomes a port in three steps, each with an end: `answer` opens sockets and says where, `connect` waits until
the peer has found its way and proved who it is, then the port is a leg's. `aclose` ends the sound; what is still to be
told (how the call ended) may follow until `release` frees the sockets.

The wire has no marks and nothing to clear: what is sent is played some 50 ms later, and the clock says what was heard.
While nothing is said silence is sent, so that the peer's playout keeps its pace and NATs keep their path open.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from media_server.audio.codec import G711, Codec, Opus
from media_server.audio.frame import PTIME_MS, frame_bytes
from media_server.errors import Overloaded, PeerError
from media_server.protocol.rtcp import INTERVAL_S
from media_server.protocol.webrtc_sdp import Fragment, Local, Offer, serialize_answer
from media_server.transports.port import PortEvent
from media_server.transports.rtp_session import RtpSession
from media_server.transports.webrtc_channel import EventChannel
from media_server.transports.webrtc_data import DataTransport
from media_server.transports.webrtc_ice import IceConnection, IceSettings
from media_server.transports.webrtc_secure import Certificate, SecureTransport

LEAD_S: Final = 0.02
GOODBYE_S: Final = 2.0
"""So long after an RTCP goodbye the peer is gone. Who changes the microphone may send one, and goes on."""
MAX_EVENTS: Final = 3000
"""What came and is not read yet; a leg reads at once."""
_SILENT_AFTER_S = 0.05
_PTIME_S = PTIME_MS / 1000
_CLOSE_S = 2.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """How long to wait, in seconds: `setup_s` for a connection, `media_s` for anything that the peer sends."""

    setup_s: float = 15.0
    media_s: float = 15.0


class WebRtcPort:
    """One peer, both ways.

    Attributes:
        over: Set when the port has ended.
        session: Its RTP; `session.irregular` counts what was ignored.
    """

    step_ms = PTIME_MS
    marks = False
    control = None
    lead_s = LEAD_S

    def __init__(self, offer: Offer, ice: IceSettings, certificate: Certificate, limits: PeerLimits) -> None:
        self.over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._offer = offer
        self._limits = limits
        self._codec = _codec_of(offer)
        self.sample_rate = self._codec.sample_rate
        self._cname = secrets.token_hex(8)
        self.session = RtpSession(
            self._codec,
            payload_type=offer.codec.payload_type,
            keys=offer.keys,
            cname=self._cname,
            now=self._loop.time(),
            wall=time.time,
        )
        self._certificate = certificate
        self._ice = IceConnection(ice)
        self._secure = SecureTransport(self._ice, certificate, on_rtp=self._receive_rtp, on_rtcp=self._receive_rtcp)
        self._secure.on("statechange", self._state_changed)
        self._data = DataTransport(self._secure) if offer.data is not None else None
        self._channel = EventChannel(lambda event: self._tell([event]), self._end)
        self._events: deque[PortEvent] = deque()
        self._news = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._silence_due = 0.0
        self._reports: asyncio.Task[None] | None = None
        self._rest = b""
        self._ended: str | None = None
        self._closing: asyncio.Task[None] | None = None

    # --- setting up ----------------------------------------------------------------------------------------------

    async def answer(self) -> str:
        """Open our sockets, and say in SDP where they are.

        Raises:
            Overloaded: There are no sockets to be had.
        """
        try:
            await self._ice.gather_candidates()
        except OSError as error:
            raise Overloaded(f"no UDP socket: {error}", reason="sockets") from error
        local = Local(
            ufrag=self._ice.local_username,
            password=self._ice.local_password,
            fingerprint=self._certificate.fingerprint,
            candidates=tuple(each.to_sdp() for each in self._ice.local_candidates),
            ssrc=self.session.ssrc,
            cname=self._cname,
        )
        self._ice.remote_username, self._ice.remote_password = self._offer.ufrag, self._offer.password
        for candidate in self._offer.candidates:
            await self._ice.add(candidate)
        return serialize_answer(self._offer, local, session_id=secrets.randbits(62))

    async def trickle(self, fragment: Fragment) -> None:
        """More of where the peer may be reached."""
        for candidate in fragment.candidates:
            await self._ice.add(candidate)

    async def connect(self) -> None:
        """Until sound can go both ways.

        Raises:
            PeerError: It came to nothing, or not in time.
        """
        setting_up = asyncio.ensure_future(self._set_up())
        over = asyncio.ensure_future(self.over.wait())
        try:
            async with asyncio.timeout(self._limits.setup_s):
                await asyncio.wait({setting_up, over}, return_when=asyncio.FIRST_COMPLETED)
            if not setting_up.done():
                raise PeerError("the peer is gone")
            await setting_up
        except TimeoutError:
            raise PeerError(f"not connected within {self._limits.setup_s:g} s") from None
        except ConnectionError as error:
            raise PeerError("no path to the peer") from error
        finally:
            setting_up.cancel()
            over.cancel()
        self.session.alive_at = self._loop.time()
        self._reports = self._loop.create_task(self._report())
        self._rest_quiet(self._loop.time())

    async def _set_up(self) -> None:
        await self._ice.connect()
        if not await self._secure.shake_hands(self._offer):
            raise PeerError("the DTLS handshake failed")
        if self._data is not None:
            self._data.on("datachannel", self._channel.opened)
            await self._data.begin(self._offer)

    # --- MediaPort -----------------------------------------------------------------------------------------------

    @property
    def ended_reason(self) -> str:
        """Why `events` ended: `port.py`'s reasons, too_many_messages, reader_stalled."""
        return self._ended or "closed"

    async def events(self) -> AsyncIterator[PortEvent]:
        """What arrives, in order, until the far end is gone."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._ended is not None:
                return
            self._news.clear()
            await self._news.wait()

    async def send(self, pcm: bytes) -> None:
        """Send linear PCM; what is less than a packet waits for more."""
        pcm, size = self._rest + pcm, frame_bytes(self.sample_rate)
        whole = len(pcm) - len(pcm) % size
        self._rest = pcm[whole:]
        for begin in range(0, whole, size):
            now = self._loop.time()
            self._silence_due = now + _SILENT_AFTER_S
            self._transmit(self.session.speak(pcm[begin : begin + size], now))

    async def send_mark(self, name: str) -> None:
        """The wire has none."""

    async def clear(self) -> None:
        """What was sent is about to be heard: nothing is left to throw away but what waits for a whole packet."""
        self._rest = b""

    def hang_up(self) -> None:
        """The far end has said, elsewhere than on this wire, that it is gone."""
        self._end("caller_hangup")

    async def aclose(self) -> None:
        """Hang up: nothing is heard any more, and the peer is told so. Idempotent."""
        if self._ended is None:
            self._secure.send_rtcp(self.session.report(self._loop.time(), goodbye=True))
        self._end("closed")

    async def release(self) -> None:
        """Give all sockets back, once what waits to be told is sent. Idempotent."""
        await self.aclose()
        if self._closing is None:
            self._closing = self._loop.create_task(self._close())
        await asyncio.shield(self._closing)

    # --- what is no sound ----------------------------------------------------------------------------------------

    def send_text(self, text: str) -> None:
        """Send an event to the page. A peer without a data channel is not told; one that does not read is cut off."""
        if self._closing is None and self._data is not None:
            self._channel.send(text)

    # --- what comes ----------------------------------------------------------------------------------------------

    def _receive_rtp(self, data: bytes) -> None:
        self._tell(self.session.receive_rtp(data, self._loop.time()))
        self._set_deadline()

    def _receive_rtcp(self, data: bytes) -> None:
        self.session.receive_rtcp(data, self._loop.time())

    def _set_deadline(self) -> None:
        """Wake up in time for the buffer; a timer that is too early is let be."""
        due = self.session.next_deadline()
        if due is None or self._ended is not None:
            return
        if self._deadline is not None:
            if self._deadline.when() <= due:
                return
            self._deadline.cancel()
        self._deadline = self._loop.call_at(due, self._on_deadline)

    def _on_deadline(self) -> None:
        self._deadline = None
        now = self._loop.time()
        if self.session.left_at is not None and now - self.session.left_at > GOODBYE_S:
            self._end("caller_hangup")
            return
        if now - self.session.alive_at > self._limits.media_s:
            self._end("media_timeout")
            return
        self._tell(self.session.on_deadline(now))
        self._set_deadline()

    def _tell(self, events: list[PortEvent]) -> None:
        if self._ended is not None:
            return
        self._events += events
        if len(self._events) > MAX_EVENTS:
            self._end("reader_stalled")
        self._news.set()

    def _state_changed(self) -> None:
        if self._secure.state == "closed":
            self._end("caller_hangup" if self._ice.local_candidates else "connection_lost")

    # --- what goes -----------------------------------------------------------------------------------------------

    def _rest_quiet(self, due: float) -> None:
        self._silence_due = due
        self._silence = self._loop.call_at(due, self._keep_quiet)

    def _keep_quiet(self) -> None:
        """Send silence, if it is time; the clock of it is absolute."""
        if self._ended is not None:
            return
        now = self._loop.time()
        if now >= self._silence_due:
            self._silence_due = max(self._silence_due + _PTIME_S, now - _PTIME_S)
            self._transmit(self.session.be_silent(now))
        self._silence = self._loop.call_at(self._silence_due, self._keep_quiet)

    def _transmit(self, packet: bytes) -> None:
        if self._ended is not None:
            return
        try:
            self._secure.send_rtp(packet)
        except ConnectionError:
            self._end("connection_lost")

    async def _report(self) -> None:
        while self._ended is None:
            await asyncio.sleep(INTERVAL_S)
            now = self._loop.time()
            if now - self.session.alive_at > self._limits.media_s:
                self._end("media_timeout")
            else:
                self._secure.send_rtcp(self.session.report(now))

    # --- the end -------------------------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        if self._ended is not None:
            return
        self._ended = reason
        self.over.set()
        self._news.set()
        for timer in (self._deadline, self._silence):
            if timer is not None:
                timer.cancel()
        irregular = self.session.irregular + self._ice.irregular + self._channel.irregular
        if irregular:
            _log.info("webrtc.irregular", reason=reason, **irregular)

    async def _close(self) -> None:
        if self._reports is not None:
            self._reports.cancel()
        try:
            if self._secure.state == "connected" and self._data is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await self._data.flushed()
            if self._data is not None:
                await self._data.stop()  # also of who is gone: its timers would go on
            with suppress(ConnectionError):
                await self._secure.stop()
        finally:
            await self._ice.close()


def _codec_of(offer: Offer) -> Codec:
    if offer.codec.name == "opus":
        return Opus(fec=offer.codec.parameters.get("useinbandfec") == "1")
    return G711(alaw=offer.codec.name == "pcma")

"""WebRTC calls by WHIP (RFC 9725): an offer goes in, an answer comes out, and the call begins once the peer is there.

=================================  ================================================================================
`POST /v1/webrtc?dialplan=NAME`     `application/sdp` → 201, the answer, and `Location`: the call's session
`PATCH /v1/webrtc/{id}`             `application/trickle-ice-sdpfrag`: more of where the peer may be reached → 204
`DELETE /v1/webrtc/{id}`            hang up → 200
=================================  ================================================================================

Whoever has not connected yet costs sockets and a place among the calls, so there are only so many of them, in all and
from one address, and each has its time. The id of a session is a secret of who made it: 128 random bits.
"""

import asyncio
import secrets
from collections import Counter
from contextlib import suppress
from typing import Final, Protocol

import structlog
from aiohttp import hdrs, web

from media_server.api.browser_calls import BrowserGate, reserve
from media_server.call.events import CallEvent
from media_server.call.registry import Reservation
from media_server.errors import Conflict, MediaServerError, NotFound, PeerError, TooLarge, TooMany, UnsupportedMedia
from media_server.protocol.browser_socket import error_message
from media_server.protocol.sdp import MAX_BYTES
from media_server.protocol.webrtc_sdp import Offer, parse_fragment, parse_offer
from media_server.records.rows import dumped
from media_server.telemetry.loopback import is_loopback
from media_server.transports.webrtc import PeerLimits, WebRtcPort
from media_server.transports.webrtc_ice import IceSettings
from media_server.transports.webrtc_secure import Certificate

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
MAX_PENDING: Final = 32
MAX_PENDING_OF_ONE: Final = 8
MAX_TRICKLES: Final = 50
"""Of one session."""

_log = structlog.get_logger(__name__)


class WebRtcGate(BrowserGate, Protocol):
    """Who lets calls in that may never come about."""

    def give_up(self, reservation: Reservation, reason: str) -> None:
        """This one did not."""
        ...


class _Session:
    """One peer: on its way, or in its call."""

    def __init__(self, port: WebRtcPort, offer: Offer) -> None:
        self.id = secrets.token_urlsafe(16)
        self.tag = f'"{secrets.token_hex(8)}"'
        self.port = port
        self.offer = offer
        self.trickles = 0
        self.task: asyncio.Task[None] | None = None


class WebRtcCalls:
    """The sessions of now. `links`: what the answer says of STUN and TURN servers, as `Link` headers."""

    def __init__(self, gate: WebRtcGate, ice: IceSettings, limits: PeerLimits, links: tuple[str, ...] = ()) -> None:
        self._gate = gate
        self._ice = ice
        self._limits = limits
        self._links = links
        self._certificate: Certificate | None = None
        self._sessions: dict[str, _Session] = {}
        self._pending: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        """What can be asked."""
        return [
            web.post("/v1/webrtc", self._offer),
            web.patch("/v1/webrtc/{id}", self._trickle),
            web.delete("/v1/webrtc/{id}", self._hang_up),
        ]

    async def shut_down(self, _app: web.Application) -> None:
        """Every session ends."""
        tasks = [session.task for session in self._sessions.values() if session.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- routes --------------------------------------------------------------------------------------------------

    async def _offer(self, request: web.Request) -> web.Response:
        offer = parse_offer(await _body(request, SDP))
        address = _address_of(request)
        if self._pending.total() >= MAX_PENDING or self._pending[address] >= MAX_PENDING_OF_ONE:
            raise TooMany("too many are on their way already")
        self._pending[address] += 1
        try:
            session, answer = await self._accept(request, offer, address)
        except BaseException:
            self._arrived(address)
            raise
        headers = {
            "Location": f"/v1/webrtc/{session.id}",
            "ETag": session.tag,
            "Accept-Patch": FRAGMENT,
            "Cache-Control": "no-store",
        }
        response = web.Response(status=201, text=answer, content_type=SDP, headers=headers)
        for link in self._links:
            response.headers.add("Link", link)
        return response

    async def _accept(self, request: web.Request, offer: Offer, address: str) -> tuple[_Session, str]:
        place = reserve(self._gate, request, "webrtc")
        if self._certificate is None:
            self._certificate = Certificate.generateCertificate()
        port = WebRtcPort(offer, self._ice, self._certificate, self._limits)
        try:
            answer = await port.answer()
        except BaseException:
            self._gate.give_up(place, "failed")
            await port.release()
            raise
        session = _Session(port, offer)
        self._sessions[session.id] = session
        session.task = asyncio.create_task(self._run(session, place, address), name="webrtc")
        return session, answer

    async def _trickle(self, request: web.Request) -> web.Response:
        session = self._session(request)
        fragment = parse_fragment(await _body(request, FRAGMENT))
        if request.headers.get(hdrs.IF_MATCH, "*") not in ("*", session.tag):
            return web.Response(status=412)
        if (fragment.ufrag or session.offer.ufrag) != session.offer.ufrag:
            raise Conflict("ICE is not begun anew in a session; make a new one")
        session.trickles += 1
        if session.trickles > MAX_TRICKLES:
            raise TooMany(f"more than {MAX_TRICKLES} trickles")
        await session.port.trickle(fragment)
        return web.Response(status=204)

    async def _hang_up(self, request: web.Request) -> web.Response:
        session = self._session(request)
        session.port.hang_up()
        return web.Response()

    def _session(self, request: web.Request) -> _Session:
        session = self._sessions.get(request.match_info["id"])
        if session is None:
            raise NotFound("no session of this id")
        return session

    # --- a session -----------------------------------------------------------------------------------------------

    async def _run(self, session: _Session, place: Reservation, address: str) -> None:
        port = session.port
        connected = False
        try:
            try:
                await port.connect()
                connected = True
            except PeerError as error:
                _log.info("webrtc.not_connected", reason=error.message, call=place.facts.id)
                return
            finally:
                self._arrived(address)
                if not connected:  # whatever the reason: the place is another's
                    self._gate.give_up(place, "not_connected")

            def tell(event: CallEvent) -> None:
                port.send_text(dumped(event))

            await self._gate.connect(place, port, tell)
        except MediaServerError as error:
            _log.error("webrtc.call_failed", call=place.facts.id, code=error.code, reason=error.message)
            port.send_text(error_message(error, error.message))
        finally:
            self._sessions.pop(session.id, None)
            await port.release()

    def _arrived(self, address: str) -> None:
        """One of this address is not on its way any more."""
        self._pending[address] -= 1
        self._pending += Counter()  # those without any are forgotten


def _address_of(request: web.Request) -> str:
    """Who asks; where that is a proxy on this machine, whom it asks for."""
    remote = request.remote or ""
    if is_loopback(remote):
        # Some proxies add a header of their own below that of the one who asks.
        return request.headers.getall("X-Forwarded-For", [remote])[-1].rpartition(",")[2].strip()[:64]
    return remote


async def _body(request: web.Request, content_type: str) -> str:
    """The text of a request.

    Raises:
        UnsupportedMedia: It is of another type.
        TooLarge: It is too long.
        PeerError: It is no text.
    """
    if request.content_type != content_type:
        raise UnsupportedMedia(f"{content_type} is wanted")
    data = await request.content.read(MAX_BYTES + 1)
    while len(data) <= MAX_BYTES and (more := await request.content.read(MAX_BYTES + 1 - len(data))):
        data += more
    if len(data) > MAX_BYTES:
        raise TooLarge(f"more than {MAX_BYTES} bytes")
    with suppress(UnicodeDecodeError):
        return data.decode()
    raise PeerError("no UTF-8")

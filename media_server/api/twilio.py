"""Twilio's routes: the voice webhook, the media stream, what comes after it, and status callbacks.

========================  =========================================================================================
`POST /twilio/voice`      a call rings: TwiML that connects it to our stream, or says why not
`GET /twilio/stream`      the media stream (WebSocket)
`POST /twilio/ended`      the stream is closed (`<Connect action>`): hang up, or say an apology where we died
`POST /twilio/status`     how a call goes on; taken note of, 204
`POST /twilio/answered`   a call that we began is answered: TwiML that connects it to our stream
`POST /twilio/transferred`  a dial for us is over: back to our stream, or hang up
`POST /twilio/whisper`    what the one who is dialled hears first
`POST /twilio/callee`     the one who is dialled has answered; 204
`GET /twilio/proof`       whether the public address leads here (`media-server twilio link` asks)
========================  =========================================================================================

With an auth token all must carry a right `X-Twilio-Signature` over the *configured* public address, or get 403;
without one this server answers its own machine only (the guard of `telemetry/guard.py`). A stream is then a stranger
until its `start` brings the token of a call that waits, and is closed with 1008 where it does not.
"""

import hmac
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Generic

import structlog
from aiohttp import WSCloseCode, web

from media_server.api.stream_token import StreamTokens
from media_server.api.twilio_calls import CallState, Gate, IncomingCall, Phrases, R, TwilioCalls
from media_server.api.twilio_handovers import Handovers
from media_server.api.twilio_outgoing import Outgoing
from media_server.api.twilio_signed import SignedRequests, call_sid, printable
from media_server.errors import MediaServerError, PeerError, ProtocolViolation, Unauthorized
from media_server.protocol import twiml
from media_server.protocol.twilio_signature import websocket_url
from media_server.transports.twilio import StreamLimits, TwilioPort, new_socket
from media_server.transports.twilio_handover import HandoverLimits
from media_server.transports.twilio_rest import TwilioRest

ADMIT_TIMEOUT_S = 2.5
"""The webhook is answered in less than 3 s; Twilio waits longer, callers do not."""

_MAX_NONCE = 128
_log = structlog.get_logger(__name__)


def add_twilio(
    app: web.Application,
    gate: Gate[R],
    *,
    public_base: str,
    auth_token: str | None,
    token_ttl_s: float = 60.0,
    limits: StreamLimits | None = None,
    phrases: Phrases | None = None,
    admit_timeout_s: float = ADMIT_TIMEOUT_S,
    rest: TwilioRest | None = None,
    outgoing: Outgoing[R] | None = None,
    handover_limits: HandoverLimits | None = None,
) -> None:
    """Serve Twilio's routes. The application's middlewares turn `MediaServerError` into answers.

    Args:
        app: The media role's application.
        gate: Lets calls in and runs them.
        public_base: The http(s) address that Twilio knows us by, without a trailing slash.
        auth_token: Of the account that calls us.
        token_ttl_s: How long after the webhook the stream may come.
        limits: Of a stream.
        phrases: What Twilio's own voice says where ours cannot.
        admit_timeout_s: How long `gate.admit` may take.
        rest: The account's API, by which live calls are controlled; without it they are streams and nothing else.
        outgoing: Calls that we begin.
        handover_limits: How long a call may be away from us.
    """
    calls = TwilioCalls(
        gate,
        StreamTokens(token_ttl_s),
        stream_url=websocket_url(public_base) + "/twilio/stream",
        ended_url=public_base + "/twilio/ended",
        phrases=phrases or Phrases(),
        admit_timeout_s=admit_timeout_s,
    )
    handovers = Handovers(calls, rest, public_base=public_base, limits=handover_limits or HandoverLimits())
    signed = SignedRequests(public_base, auth_token)
    routes = _TwilioRoutes(gate, calls, handovers, outgoing=outgoing, signed=signed, limits=limits or StreamLimits())
    app.add_routes(
        [
            web.post("/twilio/voice", routes.voice),
            web.post("/twilio/ended", routes.ended),
            web.post("/twilio/status", routes.status),
            web.get("/twilio/stream", routes.stream, allow_head=False),
            web.post("/twilio/answered", routes.answered),
            web.post("/twilio/transferred", routes.transferred),
            web.post("/twilio/whisper", routes.whisper),
            web.post("/twilio/callee", routes.callee),
            web.get("/twilio/proof", _proof(signed, auth_token), allow_head=False),
        ]
    )


def proof_of(auth_token: str, nonce: str) -> str:
    """What a server with this token answers to a nonce."""
    return hmac.new(auth_token.encode(), f"media-server {nonce}".encode(), sha256).hexdigest()


class _TwilioRoutes(Generic[R]):
    def __init__(
        self,
        gate: Gate[R],
        calls: TwilioCalls[R],
        handovers: Handovers[R],
        *,
        outgoing: Outgoing[R] | None,
        signed: SignedRequests,
        limits: StreamLimits,
    ) -> None:
        self._gate = gate
        self._calls = calls
        self._handovers = handovers
        self._outgoing = outgoing
        self._signed = signed
        self._limits = limits

    async def voice(self, request: web.Request) -> web.Response:
        form = await self._signed.form(request)
        call = IncomingCall(
            call_sid=call_sid(form),
            caller=printable(form.first("From")),
            called=printable(form.first("To")),
            forwarded_from=printable(form.first("ForwardedFrom")),
            account_sid=printable(form.first("AccountSid")),
            parameters={printable(name): printable(form.first(name)) for name in form},
        )
        return _twiml(await self._calls.answer(call))

    async def ended(self, request: web.Request) -> web.Response:
        return _twiml(self._calls.farewell(call_sid(await self._signed.form(request))))

    async def status(self, request: web.Request) -> web.Response:
        form = await self._signed.form(request)
        sid, status = call_sid(form), printable(form.first("CallStatus"))
        _log.info("twilio.status", call_sid=sid, status=status)
        self._handovers.status(sid, status)
        if self._outgoing is not None and "call" in request.query:
            self._outgoing.status(request.query["call"], sid, status)
        return web.Response(status=204)

    async def answered(self, request: web.Request) -> web.Response:
        form = await self._signed.form(request)
        sid = call_sid(form)
        place = None
        if self._outgoing is not None:
            place = self._outgoing.answered(request.query.get("call", ""), sid, printable(form.first("AnsweredBy")))
        if place is None:
            _log.warning("twilio.answer_unexpected", call_sid=sid)
            return _twiml(twiml.hangup_twiml())
        return _twiml(self._calls.expect(sid, printable(form.first("AccountSid")), place))

    async def transferred(self, request: web.Request) -> web.Response:
        form = await self._signed.form(request)
        return _twiml(self._handovers.dialled(request.query.get("handover", ""), form))

    async def whisper(self, request: web.Request) -> web.Response:
        await self._signed.form(request)
        return _twiml(self._handovers.whisper(request.query.get("handover", "")))

    async def callee(self, request: web.Request) -> web.Response:
        await self._signed.form(request)
        self._handovers.answered(request.query.get("handover", ""))
        return web.Response(status=204)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self._signed.check(request, websocket=True)
        transport = request.transport
        socket = new_socket()
        await socket.prepare(request)
        if transport is None:  # gone before the upgrade was answered
            return socket
        try:
            port = await TwilioPort.accept(socket, limits=self._limits, abort=transport.abort)
            known = self._calls.claim(port.start)
        except (ProtocolViolation, Unauthorized) as error:
            _log.warning("twilio.stream_refused", reason=error.message)
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=error.message.encode()[:100])
            return socket
        if known.port is not None:  # the call comes back from a handover
            if await known.port.attach(port):
                await port.over.wait()
            await port.aclose()
            return socket
        assert known.reservation is not None, "a call that waits has its place"
        outcome = CallState.FAILED
        wire = self._handovers.controlled(port, known)
        try:
            await self._gate.connect(known.reservation, wire)
            outcome = CallState.OVER
        except MediaServerError as error:
            _log.error("twilio.call_failed", call_sid=port.start.call_id, code=error.code, reason=error.message)
        finally:
            known.state = outcome  # before the close, upon which Twilio asks what comes next
            await wire.aclose()
        return socket


def _proof(
    signed: SignedRequests, auth_token: str | None
) -> Callable[[web.Request], Coroutine[None, None, web.Response]]:
    async def proof(request: web.Request) -> web.Response:
        signed.check(request)
        nonce = request.query.get("nonce", "")
        if not 0 < len(nonce) <= _MAX_NONCE or auth_token is None:
            raise PeerError("there is nothing to prove without a nonce and a token")
        return web.json_response({"proof": proof_of(auth_token, nonce)})

    return proof


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type=twiml.CONTENT_TYPE)

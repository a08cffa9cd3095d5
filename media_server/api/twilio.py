"""Twilio's routes: the voice webhook, the media stream, what comes after it, and status callbacks.

========================  =========================================================================================
`POST /twilio/voice`      a call rings: TwiML that connects it to our stream, or says why not
`GET /twilio/stream`      the media stream (WebSocket)
`POST /twilio/ended`      the stream is closed (`<Connect action>`): hang up, or say an apology where we died
`POST /twilio/status`     how a call goes on; taken note of, 204
========================  =========================================================================================

With an auth token all four must carry a right `X-Twilio-Signature` over the *configured* public address, or get 403;
without one this server answers its own machine only (the guard of `telemetry/guard.py`). A stream is then a stranger
until its `start` brings the token of a call that waits, and is closed with 1008 where it does not.
"""

import json
from typing import Generic, NoReturn

import structlog
from aiohttp import WSCloseCode, web

from media_server.api.stream_token import StreamTokens
from media_server.api.twilio_calls import CallState, Gate, IncomingCall, Phrases, R, TwilioCalls
from media_server.errors import Forbidden, MediaServerError, ProtocolViolation, Unauthorized
from media_server.protocol import twiml
from media_server.protocol.twilio_signature import Form, is_body_signed, is_signed, parse_form, websocket_url
from media_server.transports.twilio import StreamLimits, TwilioPort, new_socket

MAX_BODY = 64 * 1024
ADMIT_TIMEOUT_S = 2.5
"""The webhook is answered in less than 3 s; Twilio waits longer, callers do not."""

_FORM = "application/x-www-form-urlencoded"
_MAX_TEXT = 256
_MAX_SID = 64

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
    """
    calls = TwilioCalls(
        gate,
        StreamTokens(token_ttl_s),
        stream_url=websocket_url(public_base) + "/twilio/stream",
        ended_url=public_base + "/twilio/ended",
        phrases=phrases or Phrases(),
        admit_timeout_s=admit_timeout_s,
    )
    routes = _TwilioRoutes(gate, calls, public_base, auth_token, limits or StreamLimits())
    app.add_routes(
        [
            web.post("/twilio/voice", routes.voice),
            web.post("/twilio/ended", routes.ended),
            web.post("/twilio/status", routes.status),
            web.get("/twilio/stream", routes.stream, allow_head=False),
        ]
    )


class _TwilioRoutes(Generic[R]):
    def __init__(
        self, gate: Gate[R], calls: TwilioCalls[R], public_base: str, auth_token: str | None, limits: StreamLimits
    ) -> None:
        self._gate = gate
        self._calls = calls
        self._public_base = public_base
        self._auth_token = auth_token
        self._limits = limits

    async def voice(self, request: web.Request) -> web.Response:
        form = await self._signed_form(request)
        call_sid = _call_sid(form)
        call = IncomingCall(
            call_sid=call_sid,
            caller=_printable(form.first("From")),
            called=_printable(form.first("To")),
            forwarded_from=_printable(form.first("ForwardedFrom")),
            account_sid=_printable(form.first("AccountSid")),
            parameters={_printable(name): _printable(form.first(name)) for name in form},
        )
        return _twiml(await self._calls.answer(call))

    async def ended(self, request: web.Request) -> web.Response:
        return _twiml(self._calls.farewell(_call_sid(await self._signed_form(request))))

    async def status(self, request: web.Request) -> web.Response:
        form = await self._signed_form(request)
        _log.info("twilio.status", call_sid=_call_sid(form), status=_printable(form.first("CallStatus")))
        return web.Response(status=204)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        url = websocket_url(self._asked_url(request))
        if self._auth_token is not None and not is_signed(self._auth_token, url, _signature(request)):
            _refuse(url)
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
        assert known.reservation is not None, "a call that waits has its place"
        outcome = CallState.FAILED
        try:
            await self._gate.connect(known.reservation, port)
            outcome = CallState.OVER
        except MediaServerError as error:
            _log.error("twilio.call_failed", call_sid=port.start.call_id, code=error.code, reason=error.message)
        finally:
            known.state = outcome  # before the close, upon which Twilio asks what comes next
            await port.aclose()
        return socket

    async def _signed_form(self, request: web.Request) -> Form:
        """The fields of a webhook that Twilio sent.

        Raises:
            Forbidden: Twilio did not send it.
            ProtocolViolation: It has no such fields.
        """
        body = await _read(request)
        is_form = request.content_type == _FORM
        url = self._asked_url(request)
        form = _fields(body) if is_form else Form()
        if self._auth_token is not None:
            signature = _signature(request)
            signed = (
                is_signed(self._auth_token, url, signature, form)
                if is_form
                else is_body_signed(self._auth_token, url, signature, body)
            )
            if not signed:
                _refuse(url)
        return form if is_form else _json_fields(body)

    def _asked_url(self, request: web.Request) -> str:
        """The URL as Twilio must have asked for it; whatever the Host header says."""
        return self._public_base + request.raw_path.encode(errors="replace").decode()


def _refuse(url: str) -> NoReturn:
    _log.warning("twilio.signature_mismatch", expected_url=url, hint="is this the address in Twilio's console?")
    raise Forbidden("X-Twilio-Signature does not fit")


def _signature(request: web.Request) -> str:
    return request.headers.get("X-Twilio-Signature", "")


async def _read(request: web.Request) -> bytes:
    body = b""
    while len(body) <= MAX_BODY:
        chunk = await request.content.read(MAX_BODY + 1 - len(body))
        if not chunk:
            return body
        body += chunk
    raise web.HTTPRequestEntityTooLarge(max_size=MAX_BODY, actual_size=len(body))


def _fields(body: bytes) -> Form:
    try:
        return parse_form(body.decode())
    except ValueError:
        raise ProtocolViolation("no form") from None


def _json_fields(body: bytes) -> Form:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ProtocolViolation("neither a form nor JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolViolation("no JSON object")
    return Form({name: [value] for name, value in fields.items() if isinstance(value, str)})


def _call_sid(form: Form) -> str:
    sid = form.first("CallSid")
    if not 0 < len(sid) <= _MAX_SID or not all(each.isascii() and (each.isalnum() or each in "-_") for each in sid):
        raise ProtocolViolation("CallSid: missing, or no id")
    return sid


def _printable(text: str) -> str:
    """A text that may go into logs and records: no line breaks, no controls, no endless names."""
    return "".join(each for each in text if each.isprintable())[:_MAX_TEXT]


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type=twiml.CONTENT_TYPE)

"""What Twilio asks of us, and nobody else may: requests with a right `X-Twilio-Signature`.

The signature is over the *configured* public address, whatever the Host header says; without one a request gets 403.
Without an auth token there is nothing to check, and the guard of `telemetry/guard.py` lets this machine in only.
"""

import json
from typing import NoReturn

import structlog
from aiohttp import web

from media_server.errors import Forbidden, ProtocolViolation
from media_server.protocol.twilio_signature import Form, is_body_signed, is_signed, parse_form, websocket_url

MAX_BODY = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_MAX_TEXT = 256
_MAX_SID = 64

_log = structlog.get_logger(__name__)


class SignedRequests:
    """Reads requests that Twilio signed."""

    def __init__(self, public_base: str, auth_token: str | None) -> None:
        self._public_base = public_base
        self._auth_token = auth_token

    async def form(self, request: web.Request) -> Form:
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

    def check(self, request: web.Request, *, websocket: bool = False) -> None:
        """A request without a body was signed.

        Raises:
            Forbidden: It was not.
        """
        url = self._asked_url(request)
        url = websocket_url(url) if websocket else url
        if self._auth_token is not None and not is_signed(self._auth_token, url, _signature(request)):
            _refuse(url)

    def _asked_url(self, request: web.Request) -> str:
        """The URL as Twilio must have asked for it; whatever the Host header says."""
        return self._public_base + request.raw_path.encode(errors="replace").decode()


def call_sid(form: Form) -> str:
    """The CallSid of a webhook.

    Raises:
        ProtocolViolation: It has none.
    """
    sid = form.first("CallSid")
    if not 0 < len(sid) <= _MAX_SID or not all(each.isascii() and (each.isalnum() or each in "-_") for each in sid):
        raise ProtocolViolation("CallSid: missing, or no id")
    return sid


def printable(text: str) -> str:
    """A text that may go into logs and records: no line breaks, no controls, no endless names."""
    return "".join(each for each in text if each.isprintable())[:_MAX_TEXT]


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

"""`X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL + sorted names and values of the form)).

Source: Twilio's "Security"; the computation is the `twilio` package's. The URL is the one that *Twilio* asked, so it is
built from the configured public address, never from a Host header. Twilio is not consistent about the port: a URL
counts with and without it. A body that is no form is signed by its SHA-256 in the query (`bodySHA256`). Upgrades to a
WebSocket are signed over the `wss://` URL, without parameters.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import SplitResult, parse_qs, urlsplit

from twilio.request_validator import RequestValidator

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class Form(dict[str, Sequence[str]]):
    """The fields of a form, each with all its values."""

    def getall(self, name: str) -> Sequence[str]:
        """All values of a field; the name is the one that `RequestValidator` asks for."""
        return self[name]

    def first(self, name: str, otherwise: str = "") -> str:
        """The first value of a field."""
        return self[name][0] if name in self else otherwise


def parse_form(body: str) -> Form:
    """The fields of an `application/x-www-form-urlencoded` body.

    Raises:
        ValueError: It has more than 200 fields.
    """
    return Form(parse_qs(body, keep_blank_values=True, max_num_fields=200))


def sign(auth_token: str, url: str, form: Mapping[str, Sequence[str]] | None = None) -> str:
    """The signature of a request."""
    signature: str = RequestValidator(auth_token).compute_signature(url, Form(form or {}))
    return signature


def is_signed(auth_token: str, url: str, signature: str, form: Form | None = None) -> bool:
    """Whether a form, or a request without a body, was signed with this token for this URL."""
    given = signature.encode(errors="replace")
    return any(hmac.compare_digest(sign(auth_token, each, form).encode(), given) for each in _spellings(url))


def is_body_signed(auth_token: str, url: str, signature: str, body: bytes) -> bool:
    """Whether a body that is no form was signed with this token for this URL, by its hash in the query."""
    hashes = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    if len(hashes) != 1 or not hmac.compare_digest(
        sha256(body).hexdigest().encode(), hashes[0].encode(errors="replace")
    ):
        return False
    return is_signed(auth_token, url, signature)


def websocket_url(url: str) -> str:
    """The same address as a WebSocket's: `http` becomes `ws`, `https` `wss`."""
    return "ws" + url.removeprefix("http") if url.startswith("http") else url


def _spellings(url: str) -> set[str]:
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return {url, _with_authority(parts, ""), _with_authority(parts, f":{port}")}


def _with_authority(parts: SplitResult, port: str) -> str:
    host = parts.netloc.rpartition("@")[2]
    if parts.port is not None:
        host = host.rpartition(":")[0]
    return parts._replace(netloc=host + port).geturl()

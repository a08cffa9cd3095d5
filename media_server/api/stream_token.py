"""The token by which a media stream proves that it belongs to a webhook that we answered. Pure; time is an argument.

Twilio drops the query string of a stream's URL, so the token travels in a `<Parameter>`. It is an HMAC-SHA256 over this
instance's id, the CallSid, the time it expires and the route, by a key that only this process has. That it is used
once is the caller's business, who knows the calls.
"""

import hmac
import json
import secrets
from hashlib import sha256

_KEY_BYTES = 32


class StreamTokens:
    """Mints and checks tokens; `now` is monotonic seconds, since no other process ever reads one."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._instance = secrets.token_hex(8)

    def mint(self, call_id: str, route: str, now: float) -> str:
        """A token for the stream of a call, good until `ttl_s` from now."""
        expires_ms = round((now + self._ttl_s) * 1000)
        return f"{expires_ms}.{self._sign(call_id, route, expires_ms)}"

    def is_valid(self, token: str, call_id: str, route: str, now: float) -> bool:
        """Whether a token was minted here for this call and route, and has not expired."""
        expires, _, signature = token.partition(".")
        if not (expires.isascii() and expires.isdigit()) or len(expires) > 18:  # noqa: PLR2004 - fits 64 bits
            return False
        expected = self._sign(call_id, route, int(expires))
        genuine = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
        return genuine and now * 1000 < int(expires)

    def _sign(self, call_id: str, route: str, expires_ms: int) -> str:
        message = json.dumps([self._instance, call_id, expires_ms, route])
        return hmac.new(self._key, message.encode(), sha256).hexdigest()

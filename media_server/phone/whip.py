"""The signalling of a WebRTC phone: WHIP (RFC 9725), the side that calls. Asyncio shell."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from media_server.errors import ProtocolViolation
from media_server.phone.twilio_phone import HTTP_TIMEOUT_S, CallRefused, LineBusy

MAX_ANSWER = 1 << 16
_CREATED, _BUSY, _TOO_MANY = 201, 503, 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to an offer: its own description, and where the session is."""

    sdp: str
    location: URL

    @property
    def session(self) -> str:
        """The session's id."""
        return self.location.name


class Whip:
    """Offers sessions to a server.

    Attributes:
        url: Where: `/v1/webrtc` of a server, with its query.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, *, api_key: str | None = None) -> None:
        self._http = http
        self.url = URL(url)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT_S)

    async def offer(self, sdp: str) -> Answer:
        """Post an offer.

        Raises:
            LineBusy: The server has no room.
            CallRefused: It was not taken otherwise; the message says what the server said.
        """
        headers = {**self._headers, "Content-Type": "application/sdp"}
        try:
            async with self._http.post(self.url, data=sdp, headers=headers, timeout=self._timeout) as response:
                body = (await response.content.read(MAX_ANSWER)).decode()
                if response.status in {_BUSY, _TOO_MANY}:
                    raise LineBusy(f"{self.url}: {response.status} {body[:200]}")
                if response.status != _CREATED:
                    raise CallRefused(f"{self.url}: {response.status} {body[:200]}")
                return Answer(body, self._location(response.headers.get("Location", "")))
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError, ProtocolViolation) as error:
            raise CallRefused(f"{self.url}: {str(error) or type(error).__name__}") from error

    async def end(self, answer: Answer) -> int | None:
        """Delete the session; returns the status, None where nobody answered."""
        try:
            async with self._http.delete(answer.location, headers=self._headers, timeout=self._timeout) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _location(self, value: str) -> URL:
        if not urlsplit(value).path:
            raise ProtocolViolation("201 without a Location")
        location = self.url.join(URL(value))
        if location.origin() != self.url.origin():
            raise ProtocolViolation("a Location elsewhere")
        return location

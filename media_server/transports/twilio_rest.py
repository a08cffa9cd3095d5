"""Twilio's REST API, as far as calls need it: begin one, send a live one elsewhere, and look after a number.

Plain HTTP on our own client: Twilio's package takes 1.6 s of processor time and 35 MB to import, for four requests.

- A request has one deadline over all its attempts. What may be repeated (reading, and setting to the same value) is
  tried again on 429, on 5xx and on a lost connection, later and later; beginning a call is tried again only where it
  certainly was not begun: on 429, and where no connection came about.
- What Twilio answers is read up to a limit and believed only as far as it is checked. Credentials go to `api_url` and
  nowhere else (no redirects), and into no log.
"""

import asyncio
import random
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from media_server.errors import PeerError, ProviderError, ProviderRefused
from media_server.protocol.json_fields import load_object

DEADLINE_S = 5.0
"""For a request, with all its attempts: callers wait for some of them."""
MAX_ANSWER = 256 * 1024
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.2, 1.0
_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Whose calls these are, and who asks: the account itself with its token, or one of its keys with its secret."""

    account_sid: str
    user: str
    secret: str
    api_url: str = "https://api.twilio.com"


@dataclass(frozen=True, slots=True)
class CallToMake:
    """A call to begin.

    Attributes:
        to: Whom to call.
        caller: The number that they see.
        url: Asked for TwiML when it is answered.
        status_url: Told when it is over.
        timeout_s: How long it may ring.
        machine_detection: Enable, DetectMessageEnd, or empty.
    """

    to: str
    caller: str
    url: str
    status_url: str
    timeout_s: float
    machine_detection: str = ""


@dataclass(frozen=True, slots=True)
class IncomingNumber:
    """A number of the account's, and what is asked when it rings."""

    sid: str
    number: str
    settings: Mapping[str, str]


NUMBER_SETTINGS = {
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
}
"""What of a number is ours to set, as it is set and as it is read."""


class TwilioRest:
    """The account's API; an async context manager that holds its connections."""

    def __init__(self, account: TwilioAccount, *, deadline_s: float = DEADLINE_S) -> None:
        self._account = account
        self._deadline_s = deadline_s
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        credentials = b64encode(f"{self._account.user}:{self._account.secret}".encode()).decode()
        self._client = aiohttp.ClientSession(headers={"Authorization": f"Basic {credentials}"})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def create_call(self, call: CallToMake) -> str:
        """Begin a call; returns its CallSid.

        Raises:
            ProviderRefused: Twilio will not.
            ProviderError: It does not answer; whether the call was begun is not known.
        """
        form = {
            "To": call.to,
            "From": call.caller,
            "Url": call.url,
            "Method": "POST",
            "StatusCallback": call.status_url,
            "StatusCallbackMethod": "POST",
            "Timeout": str(round(call.timeout_s)),
        }
        if call.machine_detection:
            form["MachineDetection"] = call.machine_detection
        return _sid(await self._ask("POST", "/Calls.json", form, repeat=False))

    async def redirect(self, call_sid: str, twiml: str) -> None:
        """Have a live call do something else from now on.

        Raises:
            ProviderRefused: It is not live, or Twilio will not.
            ProviderError: Twilio does not answer.
        """
        await self._ask("POST", f"/Calls/{call_sid}.json", {"Twiml": twiml})

    async def cancel(self, call_sid: str) -> None:
        """End a call that rings.

        Raises:
            ProviderError: Twilio does not answer, or will not.
        """
        await self._ask("POST", f"/Calls/{call_sid}.json", {"Status": "canceled"})

    async def find_number(self, number: str) -> IncomingNumber | None:
        """A number of the account's, by its E.164.

        Raises:
            ProviderError: Twilio does not answer, or will not.
        """
        answer = await self._ask("GET", "/IncomingPhoneNumbers.json", {"PhoneNumber": number})
        found = answer.get("incoming_phone_numbers")
        for each in found if isinstance(found, list) else ():
            if isinstance(each, dict) and each.get("phone_number") == number:
                settings = {name: str(each.get(field) or "") for name, field in NUMBER_SETTINGS.items()}
                return IncomingNumber(_sid(each), number, settings)
        return None

    async def set_number(self, sid: str, settings: Mapping[str, str]) -> None:
        """Set what is asked when a number rings (the names of `NUMBER_SETTINGS`).

        Raises:
            ProviderError: Twilio does not answer, or will not.
        """
        await self._ask("POST", f"/IncomingPhoneNumbers/{sid}.json", settings)

    async def _ask(
        self, method: str, path: str, fields: Mapping[str, str], *, repeat: bool = True
    ) -> Mapping[str, Any]:
        """One request, as often as it may be made; the JSON object that answers it."""
        delay = _FIRST_DELAY_S
        failure = ProviderError(f"Twilio has not answered within {self._deadline_s:g} s")
        try:
            async with asyncio.timeout(self._deadline_s):
                while True:
                    try:
                        return await self._try(method, path, fields)
                    except _Again as error:
                        failure = ProviderError(error.message)
                        if not (repeat or error.harmless):
                            raise failure from None
                    await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                    delay = min(_LONGEST_DELAY_S, 2 * delay)
        except TimeoutError:
            raise failure from None

    async def _try(self, method: str, path: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        assert self._client is not None, "it is used as a context manager"
        url = f"{self._account.api_url}/2010-04-01/Accounts/{self._account.account_sid}{path}"
        query, form = (fields, None) if method == "GET" else (None, fields)
        try:
            async with self._client.request(method, url, params=query, data=form, allow_redirects=False) as answer:
                body = await answer.content.read(MAX_ANSWER)
                status = answer.status
        except aiohttp.ClientConnectorError as error:
            raise _Again(f"Twilio cannot be reached: {error.os_error.strerror or error}", harmless=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Again(f"Twilio cannot be asked: {type(error).__name__}", harmless=False) from None
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _Again("Twilio has too many requests of this account", harmless=True)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Again(f"Twilio answers {status}", harmless=False)
        return _answer(status, body)


class _Again(Exception):
    """An attempt came to nothing. `harmless`: it certainly had no effect."""

    def __init__(self, message: str, *, harmless: bool) -> None:
        super().__init__(message)
        self.message = message
        self.harmless = harmless


def _answer(status: int, body: bytes) -> Mapping[str, Any]:
    """What an answer says.

    Raises:
        ProviderRefused: Twilio will not.
        ProviderError: It is no answer of Twilio's.
    """
    try:
        answer = load_object(body.decode())
    except (PeerError, UnicodeDecodeError):
        if status < HTTPStatus.BAD_REQUEST:
            raise ProviderError("Twilio's answer is no JSON object") from None
        answer = {}
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        said = "".join(each for each in str(answer.get("message", "")) if each.isprintable())[:_MAX_TEXT]
        raise ProviderRefused(f"Twilio answers {status}" + (f": {said}" if said else ""))
    return answer


def _sid(answer: Mapping[str, Any]) -> str:
    sid = answer.get("sid")
    if not isinstance(sid, str) or not (sid.isascii() and sid.isalnum()) or len(sid) > 64:  # noqa: PLR2004 - theirs: 34
        raise ProviderError("Twilio's answer names no sid")
    return sid

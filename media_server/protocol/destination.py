"""Where a call may go: numbers in E.164 and SIP URIs, and the list of those that are allowed. Pure.

A dialplan may take a destination from what a caller says, so nothing is allowed that the operator has not named. What
stands in the list is an address, or one with a star: `+1555*` is every number that begins so, `sip:*@example.com`
every user of that host, `sip:*@*.example.com` of every host below it. A SIP URI is a user, a host and a port, and
nothing else: parameters and headers in it would be the network's to obey.
"""

import re
from collections.abc import Iterable, Mapping

import phonenumbers

from media_server.errors import PeerError

MAX_DESTINATION = 256
_SIP = re.compile(
    r"(sips?):([A-Za-z0-9._+~-]{1,64})@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(:[1-9][0-9]{0,4})?"
)
_PATTERN = re.compile(
    r"\+[0-9]{0,15}\*|\+[0-9]{7,15}|sips?:(?:\*|[A-Za-z0-9._+~-]{1,64})@(?:\*\.)?[A-Za-z0-9.-]{1,253}"
)
_SPACES = str.maketrans("", "", " -().\u00a0")


def normalised(text: str) -> str:
    """A destination as it is dialled: E.164, or a SIP URI with its scheme and host in lower case.

    Raises:
        PeerError: It is neither; a number without its country ("555 0100") is none.
    """
    text = text.strip()
    if len(text) > MAX_DESTINATION or not text.isascii():
        raise PeerError("no telephone number or SIP URI")
    if text[:4].lower() in ("sip:", "sips"):
        scheme, colon, rest = text.partition(":")
        found = _SIP.fullmatch(scheme.lower() + colon + rest)
        if found is None:
            raise PeerError("a SIP URI is sip:user@host, with nothing behind")
        return f"{found[1]}:{found[2]}@{found[3].lower()}{found[4] or ''}"
    digits = text.translate(_SPACES)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise PeerError("a number begins with + and its country")
    try:
        number = phonenumbers.parse(digits, None)
    except phonenumbers.NumberParseException:
        raise PeerError("no telephone number") from None
    if not phonenumbers.is_possible_number(number):
        raise PeerError("no telephone number: too short or too long for its country")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def pattern(text: str) -> str:
    """An entry of the list, checked.

    Raises:
        ValueError: It is none.
    """
    if not _PATTERN.fullmatch(text):
        raise ValueError("+15550100, +1555*, sip:user@host or sip:*@host is wanted")
    return text


def is_allowed(destination: str, patterns: Iterable[str]) -> bool:
    """Whether a normalised destination is in the list."""
    return any(_fits(destination, each) for each in patterns)


def _fits(destination: str, allowed: str) -> bool:
    if allowed.startswith("+"):
        return destination.startswith(allowed[:-1]) if allowed.endswith("*") else destination == allowed
    if not destination.startswith("sip"):
        return False
    scheme, _, address = destination.partition(":")
    wanted_scheme, _, wanted_address = allowed.partition(":")
    user, _, place = address.partition("@")
    wanted_user, _, wanted_host = wanted_address.lower().partition("@")
    host = place.partition(":")[0]
    right_user = wanted_user == "*" or user.lower() == wanted_user
    right_host = host.endswith(wanted_host[1:]) if wanted_host.startswith("*") else host == wanted_host
    return right_user and right_host and scheme == wanted_scheme.lower()


REASONS: Mapping[str, str] = {
    "busy": "busy",
    "no-answer": "no_answer",
    "canceled": "canceled",
    "failed": "failed",
}
"""What Twilio calls the ways in which a call does not come about, and what we do."""

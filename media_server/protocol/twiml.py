"""The few documents of TwiML that we answer webhooks with, and their reading by a phone of ours.

Source: Twilio's "TwiML for Programmable Voice" (`<Connect>`, `<Stream>`, `<Parameter>`, `<Say>`, `<Hangup>`, `<Dial>`,
`<Number>`, `<Sip>`, `<Play digits>`). No namespace; every value is escaped, and what XML 1.0 cannot hold at all is
left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from media_server.errors import ProtocolViolation

CONTENT_TYPE = "text/xml"
MAX_TWIML = 64 * 1024
RING_TONES = frozenset(
    {
        "at",
        "au",
        "be",
        "br",
        "ch",
        "cn",
        "de",
        "dk",
        "es",
        "fi",
        "fr",
        "it",
        "jp",
        "mx",
        "nl",
        "no",
        "nz",
        "pl",
        "pt",
        "se",
        "sg",
        "uk",
        "us",
    }
)
"""Whose ring-back tone a caller may hear while `<Dial>` rings: countries that Twilio knows."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """What a phone is told: open this stream; when the server has closed it, ask `action` what comes next."""

    url: str
    parameters: Mapping[str, str]
    action: str | None


@dataclass(frozen=True, slots=True)
class SayAndHangUp:
    """What a phone is told: the call is over, after these words (which may be none)."""

    words: str


@dataclass(frozen=True, slots=True)
class DialAddresses:
    """Where Twilio asks while it dials for us: what comes next, what to whisper, and that somebody answered."""

    action: str
    whisper: str
    answered: str


def connect_twiml(url: str, action: str, parameters: Mapping[str, str]) -> str:
    """Connect the call to a media stream."""
    response = ET.Element("Response")
    _connect(response, url, action, parameters)
    return _document(response)


def digits_twiml(digits: str, url: str, action: str, parameters: Mapping[str, str]) -> str:
    """Play keys (0-9, *, #, and w for half a second) to the caller, then connect the call to a media stream."""
    response = ET.Element("Response")
    ET.SubElement(response, "Play", digits=_clean(digits))
    _connect(response, url, action, parameters)
    return _document(response)


def dial_twiml(to: str, addresses: DialAddresses, *, timeout_s: float, whispers: bool, ring_tone: str = "") -> str:
    """Dial a number (E.164) or a SIP URI, ring for `timeout_s`, then ask `addresses.action` what comes next."""
    response = ET.Element("Response")
    dial = ET.SubElement(
        response,
        "Dial",
        action=_clean(addresses.action),
        timeout=str(max(1, min(600, round(timeout_s)))),
        answerOnBridge="true",
    )
    if ring_tone in RING_TONES:
        dial.set("ringTone", ring_tone)
    callee = ET.SubElement(dial, "Sip" if to.startswith("sip") else "Number")
    callee.text = _clean(to)
    callee.set("statusCallback", _clean(addresses.answered))
    callee.set("statusCallbackEvent", "answered")
    if whispers:
        callee.set("url", _clean(addresses.whisper))
    return _document(response)


def say_twiml(words: str = "") -> str:
    """Say some words, if there are any, and go on."""
    response = ET.Element("Response")
    if words:
        ET.SubElement(response, "Say").text = _clean(words)
    return _document(response)


def hangup_twiml(words: str = "") -> str:
    """Say some words, if there are any, and hang up."""
    response = ET.Element("Response")
    if words:
        ET.SubElement(response, "Say").text = _clean(words)
    ET.SubElement(response, "Hangup")
    return _document(response)


def parse_twiml(text: str) -> ConnectStream | SayAndHangUp:
    """Read one of the documents above, as a phone does.

    Raises:
        ProtocolViolation: It is none of them.
    """
    if len(text) > MAX_TWIML or "<!" in text:
        raise ProtocolViolation("TwiML: too long, or with a document type")
    try:
        response = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except ET.ParseError as error:
        raise ProtocolViolation(f"TwiML: {error}") from None
    if response.tag != "Response":
        raise ProtocolViolation(f"TwiML: <{response.tag}> is no <Response>")
    connect = response.find("Connect")
    if connect is None:
        return SayAndHangUp(" ".join(say.text or "" for say in response.findall("Say")))
    streams = connect.findall("Stream")
    if len(streams) != 1 or not streams[0].get("url"):
        raise ProtocolViolation("TwiML: one <Stream url> is wanted")
    parameters = {item.get("name", ""): item.get("value", "") for item in streams[0].findall("Parameter")}
    return ConnectStream(streams[0].get("url", ""), parameters, connect.get("action"))


def _connect(response: ET.Element, url: str, action: str, parameters: Mapping[str, str]) -> None:
    connect = ET.SubElement(response, "Connect", action=_clean(action))
    stream = ET.SubElement(connect, "Stream", url=_clean(url))
    for name, value in parameters.items():
        ET.SubElement(stream, "Parameter", name=_clean(name), value=_clean(value))


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _document(response: ET.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")

"""The few documents of TwiML that we answer webhooks with, and their reading by a phone of ours.

Source: Twilio's "TwiML for Programmable Voice" (`<Connect>`, `<Stream>`, `<Parameter>`, `<Say>`, `<Hangup>`). No
namespace; every value is escaped, and what XML 1.0 cannot hold at all is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from media_server.errors import ProtocolViolation

CONTENT_TYPE = "text/xml"
MAX_TWIML = 64 * 1024
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


def connect_twiml(url: str, action: str, parameters: Mapping[str, str]) -> str:
    """Connect the call to a media stream."""
    response = ET.Element("Response")
    connect = ET.SubElement(response, "Connect", action=_clean(action))
    stream = ET.SubElement(connect, "Stream", url=_clean(url))
    for name, value in parameters.items():
        ET.SubElement(stream, "Parameter", name=_clean(name), value=_clean(value))
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


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _document(response: ET.Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response, encoding="unicode")

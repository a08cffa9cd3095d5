"""Session descriptions (RFC 8866): lines into sections and attributes, strictly and with bounds. Pure.

What the attributes mean is for who negotiates (`webrtc_sdp.py`); here nothing is looked up, guessed or repaired.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from media_server.errors import PeerError, TooLarge

MAX_BYTES: Final = 64 * 1024
MAX_LINES: Final = 1000
MAX_MEDIA: Final = 16

_LINE = re.compile(r"([a-z])=(.*)", re.ASCII)
_MEDIA = re.compile(r"([a-z]{1,20}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z0-9/]{1,40}) ([ -~]{1,500})", re.ASCII)
_ATTRIBUTE = re.compile(r"([!-9;-~]{1,60})(?::(.*))?", re.ASCII)
_CODEC = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9.+_-]{1,40})/([0-9]{1,6})(?:/([0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Codec:
    """A payload type's meaning. `name` is in lower case; `parameters`: those of `a=fmtp`, by lower-case name."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)


_STATIC = {0: "pcmu", 8: "pcma"}


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of the session, or of one medium: attributes in their order, by name; "" where one has no value."""

    attributes: dict[str, tuple[str, ...]]

    def all(self, name: str) -> tuple[str, ...]:
        """The values of an attribute."""
        return self.attributes.get(name, ())

    def first(self, name: str) -> str | None:
        """The first value of an attribute, if there is one."""
        return next(iter(self.all(name)), None)


@dataclass(frozen=True, slots=True)
class Media(Section):
    """One medium: its `m=` line and what follows.

    Attributes:
        kind: audio, video, application, ...
        port: 0: it is refused.
        protocol: As UDP/TLS/RTP/SAVPF.
        formats: Payload types, or what the protocol has in their place, as they stand there.
        line: What is behind `m=`, to answer with.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]

    def codecs(self) -> list[Codec]:
        """Its codecs in the order of the offerer's liking; what is not understood is left out."""
        known = {number: Codec(number, name, 8000) for number, name in _STATIC.items()}
        for value in self.all("rtpmap"):
            if (match := _CODEC.fullmatch(value)) is not None:
                number, name, rate, channels = match.groups()
                known[int(number)] = Codec(int(number), name.lower(), int(rate), int(channels or 1))
        for value in self.all("fmtp"):
            number, _, text = value.partition(" ")
            if number.isascii() and number.isdigit() and int(number[:4]) in known:
                known[int(number[:4])].parameters.update(_parameters(text))
        numbers = (int(each) for each in self.formats if each.isascii() and each.isdigit() and len(each) <= 3)  # noqa: PLR2004
        return [known[number] for number in numbers if number in known]


@dataclass(frozen=True, slots=True)
class SessionDescription(Section):
    """A whole description."""

    media: tuple[Media, ...]


def parse_sdp(text: str) -> SessionDescription:
    """Read a description.

    Raises:
        TooLarge: It has more bytes, lines or media than are taken.
        PeerError: It is none.
    """
    lines = split_lines(text)
    if lines[:1] != ["v=0"]:
        raise PeerError("no session description: it does not begin with v=0")
    sections: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise PeerError(f"line {number} of the session description is none")
        if match[1] == "m":
            sections.append([])
        sections[-1].append((match[1], match[2]))
    if len(sections) - 1 > MAX_MEDIA:
        raise TooLarge(f"more than {MAX_MEDIA} media in a session description")
    return SessionDescription(_attributes(sections[0]), tuple(_media(section) for section in sections[1:]))


def split_lines(text: str) -> list[str]:
    """The lines of a description or a fragment of one.

    Raises:
        TooLarge: It has more bytes or lines than are taken.
    """
    if len(text) > MAX_BYTES:
        raise TooLarge(f"a session description of more than {MAX_BYTES} bytes")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise TooLarge(f"a session description of more than {MAX_LINES} lines")
    return lines


def _media(section: list[tuple[str, str]]) -> Media:
    match = _MEDIA.fullmatch(section[0][1])
    if match is None:
        raise PeerError("an m= line of the session description cannot be understood")
    kind, port, protocol, formats = match.groups()
    return Media(_attributes(section), kind, int(port), protocol, tuple(formats.split()))


def _attributes(section: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kind, value in section:
        if kind == "a":
            match = _ATTRIBUTE.fullmatch(value)
            if match is None:
                raise PeerError("an attribute of the session description cannot be understood")
            found.setdefault(match[1], []).append(match[2] or "")
    return {name: tuple(values) for name, values in found.items()}


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}

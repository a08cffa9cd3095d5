"""Offers of WebRTC peers, and our answers (RFC 8829, RFC 8843, RFC 8841). Pure.

What is answered: the first audio medium with a codec of ours, and the first data channel; all in one bundle over one
transport (BUNDLE, rtcp-mux). Any other medium keeps its place in the answer and is refused there (port 0). What is said
of the transport stands in one medium of the bundle, which may be one that we refuse; the others may be `bundle-only`.

Candidates are the caller's word for where we may send to. Of them only addresses are taken, never names: a name would
have us ask a DNS server, or the local network, on anybody's behalf.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, TypeAlias

from media_server.errors import PeerError, UnsupportedMedia
from media_server.protocol.sdp import Codec, Media, SessionDescription, parse_sdp, split_lines

MAX_CANDIDATES: Final = 20
MAX_READ: Final = 100
"""Lines of candidates that are looked at, in each medium."""
SCTP_PORT: Final = 5000
MAX_MESSAGE_BYTES: Final = 16 * 1024
"""Of a message on the data channel."""

Setup: TypeAlias = Literal["active", "passive"]

_ICE_CHARS = r"[A-Za-z0-9+/]"
_UFRAG = re.compile(_ICE_CHARS + r"{4,256}", re.ASCII)
_PASSWORD = re.compile(_ICE_CHARS + r"{22,256}", re.ASCII)
_FINGERPRINT = re.compile(r"(sha-256|sha-384|sha-512) ((?:[0-9A-F]{2}:){31,63}[0-9A-F]{2})", re.ASCII | re.IGNORECASE)
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_MID = re.compile(r"[!-~]{1,32}", re.ASCII)
_CANDIDATE = re.compile(
    _ICE_CHARS + r"{1,32} 1 udp ([0-9]{1,10}) ([0-9A-Fa-f.:]{2,45}) ([0-9]{1,5}) typ (host|srflx|prflx|relay)(?: .*)?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = range(1, 65_536)
_MAX_PRIORITY = 0x7FFF_FFFF

_SENDS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where the peer may be reached: UDP, an IP address as text."""

    address: str
    port: int
    priority: int
    kind: str

    @property
    def is_usable(self) -> bool:
        """Whether anything may be sent there."""
        address = ip_address(self.address)
        return not (address.is_multicast or address.is_unspecified or address.is_reserved)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a trickle brings (RFC 8840)."""

    ufrag: str | None
    password: str | None
    candidates: tuple[Candidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer offers, as far as we take it.

    Attributes:
        description: The whole of it; the answer has its media in the same order.
        audio: The medium that is answered with sound.
        codec: What is spoken on it both ways.
        keys: The payload type of telephone-event there, at the clock rate of `codec`.
        direction: What we may do there: sendrecv, sendonly, recvonly.
        data: The medium that is answered with data channels.
        sctp_port: The peer's there.
        ufrag: With `password`: of its ICE.
        fingerprints: Of its certificate, as (algorithm, digest).
        setup: What we are in the DTLS handshake.
        candidates: Where it may be reached.
        complete: No more of them come.
    """

    description: SessionDescription
    audio: Media
    codec: Codec
    keys: int | None
    direction: str
    data: Media | None
    sctp_port: int
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: Setup
    candidates: tuple[Candidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a transport, for the answer. `candidates`: the values of `a=candidate` lines."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[str, ...]
    ssrc: int
    cname: str


def parse_offer(text: str) -> Offer:
    """Read an offer.

    Raises:
        TooLarge: It is larger than an offer may be.
        UnsupportedMedia: It has no sound that we understand.
        PeerError: It is no offer of a WebRTC peer.
    """
    description = parse_sdp(text)
    for media in description.media:
        _mid(media)
    audio, codec = _audio_of(description)
    bundle = _bundle_of(description, audio)
    carrier = next((media for media in (audio, *bundle) if media.first("ice-ufrag") is not None), audio)
    if carrier.first("rtcp-mux") is None:
        raise PeerError("a=rtcp-mux is wanted")
    data = next((media for media in bundle if _is_data(media)), None)
    lines = [value for media in bundle for value in media.all("candidate")[:MAX_READ]]
    candidates = tuple(found for value in lines if (found := parse_candidate(value)) is not None)
    return Offer(
        description=description,
        audio=audio,
        codec=codec,
        keys=next((c.payload_type for c in audio.codecs() if _is_keys(c, codec)), None),
        direction=_direction(description, audio),
        data=data,
        sctp_port=_port(data.first("sctp-port")) if data is not None else SCTP_PORT,
        ufrag=_matching(_UFRAG, description, carrier, "ice-ufrag"),
        password=_matching(_PASSWORD, description, carrier, "ice-pwd"),
        fingerprints=_fingerprints(description, carrier),
        setup=_setup(description, carrier),
        candidates=tuple(dict.fromkeys(candidates))[:MAX_CANDIDATES],
        complete=carrier.first("end-of-candidates") is not None or description.first("end-of-candidates") is not None,
    )


def serialize_answer(offer: Offer, local: Local, session_id: int) -> str:
    """Our answer."""
    answered = [media for media in (offer.audio, offer.data) if media is not None]
    mids = " ".join(_mid(media) for media in answered)
    head = [
        *("v=0", f"o=- {session_id} 1 IN IP4 0.0.0.0", "s=-", "t=0 0"),
        *([f"a=group:BUNDLE {mids}"] if _groups(offer.description) else []),
        *("a=msid-semantic: WMS *", "a=ice-options:trickle"),
    ]
    sections = [_section(media, offer, local) for media in offer.description.media]
    return "".join(f"{line}\r\n" for lines in (head, *sections) for line in lines)


def parse_candidate(value: str) -> Candidate | None:
    """The candidate of an `a=candidate` line; None where it is none that can be used (a name, TCP, a broadcast)."""
    match = _CANDIDATE.fullmatch(value)
    if match is None or int(match[3]) not in _PORTS or not 0 < int(match[1]) <= _MAX_PRIORITY:
        return None
    try:
        candidate = Candidate(str(ip_address(match[2])), int(match[3]), int(match[1]), match[4].lower())
    except ValueError:
        return None
    return candidate if candidate.is_usable else None


def parse_fragment(text: str) -> Fragment:
    """Read a trickle.

    Raises:
        TooLarge: It is larger than one may be.
        PeerError: It is none.
    """
    lines = split_lines(text)
    if not all(re.fullmatch(r"[am]=.*", line, re.ASCII) for line in lines):
        raise PeerError("no fragment of a session description")
    attributes = [line[2:].partition(":")[::2] for line in lines if line.startswith("a=")]
    found = [parse_candidate(value) for name, value in attributes if name == "candidate"]
    values = dict(attributes)
    return Fragment(
        ufrag=values.get("ice-ufrag"),
        password=values.get("ice-pwd"),
        candidates=tuple(each for each in found if each is not None)[:MAX_CANDIDATES],
        complete="end-of-candidates" in values,
    )


# --- reading -------------------------------------------------------------------------------------------------------


def _audio_of(description: SessionDescription) -> tuple[Media, Codec]:
    """The first audio medium, and the first of its codecs that is ours."""
    for media in description.media:
        offered = media.port or media.first("bundle-only") is not None
        if media.kind == "audio" and "RTP/SAVP" in media.protocol and offered:
            for codec in media.codecs():
                if (codec.name, codec.clock_rate) in (("opus", 48_000), ("pcmu", 8000), ("pcma", 8000)):
                    return media, codec
    raise UnsupportedMedia("the offer has no audio with Opus, PCMU or PCMA")


def _bundle_of(description: SessionDescription, audio: Media) -> list[Media]:
    """The media that go over the transport of the sound."""
    bundled = {mid for mids in _groups(description) for mid in mids}
    if _mid(audio) not in bundled and len(description.media) > 1:
        return [audio]
    return [media for media in description.media if media is audio or media.first("mid") in bundled]


def _groups(description: SessionDescription) -> list[list[str]]:
    """The bundles, each as what `a=mid` says of its media."""
    groups = [value.split() for value in description.all("group")]
    return [mids for semantics, *mids in filter(None, groups) if semantics == "BUNDLE"]


def _mid(media: Media) -> str:
    mid = media.first("mid") or "0"
    if not _MID.fullmatch(mid):
        raise PeerError("a=mid cannot be understood")
    return mid


def _is_data(media: Media) -> bool:
    return media.kind == "application" and "DTLS/SCTP" in media.protocol and media.formats == ("webrtc-datachannel",)


def _is_keys(codec: Codec, spoken: Codec) -> bool:
    return codec.name == "telephone-event" and codec.clock_rate == spoken.clock_rate


def _direction(description: SessionDescription, audio: Media) -> str:
    names = [name for name in _SENDS if audio.first(name) is not None or description.first(name) is not None]
    answer = _SENDS[names[0] if names else "sendrecv"]
    if answer == "inactive":
        raise UnsupportedMedia("the offered audio is inactive")
    return answer


def _matching(pattern: re.Pattern[str], description: SessionDescription, carrier: Media, name: str) -> str:
    value = carrier.first(name) or description.first(name) or ""
    if not pattern.fullmatch(value):
        raise PeerError(f"a={name} is wanted")
    return value


def _fingerprints(description: SessionDescription, carrier: Media) -> tuple[tuple[str, str], ...]:
    values = carrier.all("fingerprint") or description.all("fingerprint")
    found = [match.groups() for value in values[:8] if (match := _FINGERPRINT.fullmatch(value)) is not None]
    fitting = [
        (algorithm.lower(), digest.upper())
        for algorithm, digest in found
        if len(digest) == 3 * _DIGEST_BYTES[algorithm.lower()] - 1
    ]
    if not fitting:
        raise PeerError("a=fingerprint is wanted, with sha-256, sha-384 or sha-512")
    return tuple(fitting)


def _setup(description: SessionDescription, carrier: Media) -> Setup:
    match carrier.first("setup") or description.first("setup"):
        case "actpass" | "passive":
            return "active"
        case "active":
            return "passive"
    raise PeerError("a=setup: actpass, active or passive is wanted")


def _port(value: str | None) -> int:
    if value is None or not value.isascii() or not value.isdigit() or int(value[:6]) not in _PORTS:
        raise PeerError("a=sctp-port is wanted")
    return int(value[:6])


# --- answering -----------------------------------------------------------------------------------------------------


def _section(media: Media, offer: Offer, local: Local) -> list[str]:
    if media is offer.audio:
        return [*_transport(media, [offer.codec.payload_type, offer.keys], local, offer), *_sound(offer, local)]
    if media is offer.data:
        lines = _transport(media, ["webrtc-datachannel"], local, offer)
        return [*lines, f"a=sctp-port:{SCTP_PORT}", f"a=max-message-size:{MAX_MESSAGE_BYTES}"]
    refused = f"m={media.kind} 0 {media.protocol} {' '.join(media.formats)}"
    return [refused, "c=IN IP4 0.0.0.0", "a=inactive", *([f"a=mid:{_mid(media)}"] if media.first("mid") else [])]


def _transport(media: Media, formats: list[int | str | None], local: Local, offer: Offer) -> list[str]:
    names = " ".join(str(each) for each in formats if each is not None)
    return [
        f"m={media.kind} 9 {media.protocol} {names}",
        "c=IN IP4 0.0.0.0",
        *([f"a=mid:{_mid(media)}"] if media.first("mid") else []),
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{offer.setup}",
        *(f"a=candidate:{candidate}" for candidate in local.candidates if media is offer.audio),
        *(["a=end-of-candidates"] if media is offer.audio else []),
    ]


def _sound(offer: Offer, local: Local) -> list[str]:
    codec = offer.codec
    number, channels = codec.payload_type, "/2" if codec.name == "opus" else ""
    name = codec.name if codec.name == "opus" else codec.name.upper()
    lines = [f"a={offer.direction}", "a=rtcp-mux", f"a=rtpmap:{number} {name}/{codec.clock_rate}{channels}"]
    if codec.name == "opus":
        lines.append(f"a=fmtp:{number} minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0")
    if offer.keys is not None:
        lines += [f"a=rtpmap:{offer.keys} telephone-event/{codec.clock_rate}", f"a=fmtp:{offer.keys} 0-15"]
    return [*lines, "a=ptime:20", f"a=ssrc:{local.ssrc} cname:{local.cname}"]

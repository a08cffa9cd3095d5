import random
import string

import pytest
from aiortc.sdp import SessionDescription as TheirDescription

from media_server.errors import PeerError, TooLarge, UnsupportedMedia
from media_server.protocol.sdp import MAX_BYTES, Codec, parse_sdp
from media_server.protocol.webrtc_sdp import (
    MAX_CANDIDATES,
    Candidate,
    Local,
    parse_candidate,
    parse_fragment,
    parse_offer,
    serialize_answer,
)
from tests.protocol.offers import CHROMIUM, FINGERPRINT, G711

LOCAL = Local("me00", "p" * 22, FINGERPRINT, ("x 1 udp 1 127.0.0.1 4000 typ host",), 77, "name")


def test_what_chromium_offers_is_understood() -> None:
    offer = parse_offer(CHROMIUM)
    assert offer.codec == Codec(111, "opus", 48_000, 2, {"minptime": "10", "useinbandfec": "1"})
    assert (offer.keys, offer.direction, offer.setup, offer.sctp_port) == (110, "sendrecv", "active", 5000)
    assert (offer.ufrag, offer.password) == ("ujd+", "cv6cO7/rQ618UH7S98GSvEgv")
    assert offer.fingerprints == (("sha-256", FINGERPRINT),)
    assert offer.data is offer.description.media[1]


def test_of_candidates_only_addresses_over_udp_are_taken() -> None:
    assert [(each.address, each.port) for each in parse_offer(CHROMIUM).candidates] == [
        ("192.0.2.2", 43512),
        ("2001:db8::2", 42761),
    ]


def test_g711_with_everything_at_the_session_is_understood() -> None:
    offer = parse_offer(G711)
    assert (offer.codec.name, offer.keys, offer.direction, offer.setup) == ("pcma", 101, "recvonly", "passive")
    assert offer.fingerprints == (("sha-256", FINGERPRINT),)
    assert offer.data is None


@pytest.mark.parametrize("text", [CHROMIUM, G711])
def test_another_implementation_reads_our_answer(text: str) -> None:
    offer = parse_offer(text)
    answer = serialize_answer(offer, LOCAL, 1)
    read = TheirDescription.parse(answer)
    assert [media.kind for media in read.media] == [media.kind for media in offer.description.media]
    audio = read.media[0]
    assert audio.rtp.codecs[0].payloadType == offer.codec.payload_type
    assert audio.rtp.muxId == (offer.audio.first("mid") or "")
    assert ("a=group:" in answer) is (offer.description.first("group") is not None)
    assert audio.rtcp_mux
    assert audio.dtls is not None
    assert audio.dtls.role == {"active": "client", "passive": "server"}[offer.setup]
    assert audio.ice_candidates[0].port == 4000
    assert parse_sdp(answer).media[0].kind == "audio"


def test_other_media_keep_their_place_and_are_refused() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n"
    head, audio = CHROMIUM.split("m=audio", 1)
    offer = parse_offer(f"{head.replace('BUNDLE 0 1', 'BUNDLE v 0 1')}{video}m=audio{audio}")
    lines = serialize_answer(offer, LOCAL, 1).split("\r\n")
    media = [line for line in lines if line.startswith("m=")]
    assert media[0] == "m=video 0 UDP/TLS/RTP/SAVPF 96"
    assert media[1].startswith("m=audio 9 ")
    assert "a=group:BUNDLE 0 1" in lines


def test_sound_that_goes_with_a_medium_which_is_refused_is_answered() -> None:
    """An offer of max-bundle whose first medium is video: only there stands what is said of the transport."""
    head, audio, data = CHROMIUM.replace("m=application", "m=audio").split("m=audio")
    transport = ("ice-", "fingerprint", "setup", "candidate", "rtcp-mux", "end-of-candidates")
    said = [line for line in audio.split("\r\n") if line.startswith(tuple(f"a={name}" for name in transport))]
    rest = [line for line in audio.split("\r\n") if line not in said]
    video = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:v", "a=rtpmap:96 VP8/90000", *said, ""]
    bundled = "\r\n".join(rest).replace(audio.split()[0], "0", 1).replace("a=mid:0", "a=bundle-only\r\na=mid:0")
    text = head.replace("BUNDLE 0 1", "BUNDLE v 0 1") + "\r\n".join(video) + f"m=audio{bundled}m=application{data}"
    offer = parse_offer(text)
    assert (offer.ufrag, offer.setup, len(offer.candidates)) == ("ujd+", "active", 2)
    media = [line for line in serialize_answer(offer, LOCAL, 1).split("\r\n") if line.startswith("m=")]
    assert [line.split()[1] for line in media] == ["0", "9", "9"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("a=rtcp-mux\r\n", "", PeerError),
        ("a=setup:actpass", "a=setup:holdconn", PeerError),
        ("a=ice-ufrag:ujd+", "a=ice-ufrag:a b", PeerError),
        ("a=ice-pwd:cv6cO7", "a=ice-pwd:", PeerError),
        (FINGERPRINT, "AB:CD", PeerError),
        ("sha-256", "md5", PeerError),
        ("m=audio", "m=video", UnsupportedMedia),
        ("m=audio 43512", "m=audio 0", UnsupportedMedia),
        ("a=sendrecv", "a=inactive", UnsupportedMedia),
        ("v=0", "v=1", PeerError),
        ("s=-", "nonsense", PeerError),
        ("a=mid:0", "a=mid:" + "x" * 99, PeerError),
        ("a=sctp-port:5000", "a=sctp-port:99999", PeerError),
    ],
)
def test_what_cannot_be_answered_is_a_clear_error(old: str, new: str, error: type[PeerError]) -> None:
    assert old in CHROMIUM
    with pytest.raises(error):
        parse_offer(CHROMIUM.replace(old, new))


def test_only_so_much_is_read() -> None:
    with pytest.raises(TooLarge):
        parse_offer(CHROMIUM + "a=x:" + "y" * MAX_BYTES)
    with pytest.raises(TooLarge):
        parse_offer(CHROMIUM + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 100)
    with pytest.raises(TooLarge):
        parse_offer(CHROMIUM + "a=x\r\n" * 10_000)
    many = "".join(f"a=candidate:1 1 udp 1 192.0.2.9 {port} typ host\r\n" for port in range(1000, 1900))
    assert len(parse_offer(CHROMIUM.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + many)).candidates) == MAX_CANDIDATES


@pytest.mark.parametrize(
    "value",
    [
        "1 1 udp 5 example.com 9 typ host",
        "1 1 udp 5 abc.local 9 typ host",
        "1 1 tcp 5 192.0.2.1 9 typ host",
        "1 2 udp 5 192.0.2.1 9 typ host",
        "1 1 udp 5 192.0.2.1 0 typ host",
        "1 1 udp 5 192.0.2.1 65536 typ host",
        "1 1 udp 5 224.0.0.1 9 typ host",
        "1 1 udp 5 0.0.0.0 9 typ host",
        "1 1 udp 5 255.255.255.255 9 typ host",
        "1 1 udp 5 999.1.1.1 9 typ host",
        "1 1 udp 5 192.0.2.1 9 typ evil",
        "",
    ],
)
def test_a_candidate_that_is_no_address_of_a_peer_is_left_out(value: str) -> None:
    assert parse_candidate(value) is None


def test_a_trickle_is_read() -> None:
    fragment = parse_fragment(
        "a=ice-ufrag:ujd+\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 5 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    )
    assert fragment.candidates == (Candidate("192.0.2.1", 9, 5, "host"),)
    assert (fragment.ufrag, fragment.complete) == ("ujd+", True)
    with pytest.raises(PeerError):
        parse_fragment("<html>")


def mutated(text: str, rng: random.Random) -> str:
    lines = text.split("\r\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        match rng.randrange(6):
            case 0:
                del lines[at : at + rng.randint(1, 3)]
                lines = lines or [""]
            case 1:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 2:
                column = rng.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:column] + rng.choice(string.printable + "äπ\0\x7f🙂") + lines[at][column + 1 :]
            case 3:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case 4:
                lines[at] = lines[at].replace(":", rng.choice(["", "::", ": "]), 1)
            case _:
                lines[at] += rng.choice(["9" * 30, " ", ";=;", "/", "-1", " typ host" * 3])
    return "\r\n".join(lines)


def test_whatever_is_offered_is_understood_or_refused() -> None:
    rng = random.Random(6)
    refused = 0
    for n in range(3000):
        try:
            offer = parse_offer(mutated(CHROMIUM if n % 3 else G711, rng))
        except PeerError:
            refused += 1
        else:
            serialize_answer(offer, LOCAL, 1)
    assert 300 < refused < 2900

"""Spoilt offers, thousands of them: `uv run python -m tests.soak.sdp_offers [COUNT [SEED]]`, 20,000 by default.

Each is an offer of aiortc's or of Chromium's that was changed in one to four places by chance of a seed. None may be
answered with anything but 4xx, or 201 where it is still one (then it is hung up at once); and no socket is left.
"""

import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import structlog

from media_server.phone.webrtc_phone import WebrtcLine, Wire
from tests.webrtc_rig import PeerGate, Server, serve

COUNT = 20_000
AT_ONCE = 16

CHROMIUM = Path(__file__).with_name("chromium_offer.sdp")

_NUMBERS = ("0", "-1", "1", "65535", "65536", "4294967296", "99999999999999999999", "1e9", "0x10", "٣", "")
_JUNK = ("\0", "\r", "\n", " ", ":", "=", "/", "a=", "m=", "\x85", "\u2028", "\ud7ff", "é", "%s", "../", "127.0.0.1")
_LINES = (
    *(
        "m=audio 9 UDP/TLS/RTP/SAVPF",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 x",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "m=",
        "m=audio",
    ),
    *("a=rtpmap:", "a=rtpmap:111", "a=rtpmap:111 opus", "a=rtpmap:999 opus/48000/2", "a=rtpmap:0 PCMU/0", "a=fmtp:111"),
    *(
        "a=group:BUNDLE",
        "a=group:BUNDLE 0 0 0",
        "a=group:",
        "a=mid:",
        "a=mid:é",
        "a=mid:" + "x" * 300,
        "a=setup:holdconn",
    ),
    *("a=ice-ufrag:", "a=ice-ufrag:x", "a=ice-pwd:short", "a=ice-lite", "a=sctp-port:0", "a=max-message-size:-1"),
    *(
        "a=fingerprint:",
        "a=fingerprint:sha-256",
        "a=fingerprint:md5 00",
        "a=fingerprint:sha-256 " + "ZZ:" * 32,
        "a=inactive",
    ),
    *("a=candidate:", "a=candidate:1 1 udp 1", "a=candidate:1 1 udp 2130706431 example.invalid 9 typ host"),
    *(
        "a=candidate:1 1 udp 2130706431 abcdef.local 9 typ host",
        "a=candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
    ),
    *("a=candidate:1 1 udp 2130706431 255.255.255.255 65536 typ host", "a=candidate:1 1 udp 1 ::ffff:0:0 9 typ host"),
    *("c=IN IP4", "c=IN IP6 ::1", "v=1", "o=-", "t=0", "s=", "a=extmap:0 x", "a=ssrc:x", "a=rtcp:x", "=", "a", ""),
)

Change = Callable[[list[str], random.Random], list[str]]


def _drop(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    return lines[:at] + lines[at + chance.choice((1, 1, 1, 5, 20)) :]


def _repeat(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    return lines[:at] + [lines[at]] * chance.choice((2, 2, 10, 300)) + lines[at + 1 :]


def _swap(lines: list[str], chance: random.Random) -> list[str]:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return lines


def _insert(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines) + 1)
    return [*lines[:at], chance.choice(_LINES), *lines[at:]]


def _number(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    words = lines[at].replace(":", " : ").replace("=", " = ").split(" ")
    places = [number for number, word in enumerate(words) if word.isdigit()]
    if places:
        words[chance.choice(places)] = chance.choice(_NUMBERS)
        lines[at] = " ".join(words).replace(" : ", ":").replace(" = ", "=")
    return lines


def _word(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    words = lines[at].split(" ")
    del words[chance.randrange(len(words))]
    lines[at] = " ".join(words)
    return lines


def _character(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    place = chance.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:place] + chance.choice(_JUNK) + lines[at][place + chance.choice((0, 1)) :]
    return lines


def _cut(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    return [*lines[:at], lines[at][: chance.randrange(len(lines[at]) + 1)]]


def _lengthen(lines: list[str], chance: random.Random) -> list[str]:
    at = chance.randrange(len(lines))
    lines[at] += chance.choice((" ", ":", "9", "x", "\t")) * chance.choice((1, 100, 5000))
    return lines


_CHANGES: tuple[Change, ...] = (
    _drop,
    _repeat,
    _swap,
    _insert,
    _insert,
    _number,
    _number,
    _word,
    _character,
    _cut,
    _lengthen,
)


def spoilt(offers: list[str], chance: random.Random) -> str:
    """One of these offers, changed."""
    lines = chance.choice(offers).split("\r\n")
    for _ in range(chance.choice((1, 1, 2, 3, 4))):
        lines = chance.choice(_CHANGES)(lines or [""], chance)
    return chance.choice(("\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r")).join(lines)


async def whole_offers() -> list[str]:
    """What real peers offer."""
    line = WebrtcLine(Wire(), local=True)
    try:
        ours = await line.offer()
    finally:
        await line.aclose()
    return [ours, CHROMIUM.read_bytes().decode().replace("\r\n", "\n").replace("\n", "\r\n")]


async def shoot(server: Server, offers: list[str]) -> Counter[int]:
    """Post all of them, some at once; those that are taken are hung up. How often there was which status."""
    statuses: Counter[int] = Counter()
    queue = iter(offers)

    async def one_after_the_other() -> None:
        for offer in queue:
            body = offer.encode("utf-8", "surrogatepass")
            headers = {"Content-Type": "application/sdp"}
            async with server.http.post(f"{server.url}/v1/webrtc", data=body, headers=headers) as response:
                statuses[response.status] += 1
                await response.read()
                location = response.headers.get("Location")
            if response.status == HTTPStatus.CREATED:
                async with server.http.delete(f"{server.url}{location}") as gone:
                    assert gone.status == HTTPStatus.OK

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return statuses


def open_files() -> int:
    """How many this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled(at_most: int, within_s: float) -> int:
    """Wait until no more than so many files are open; how many there are."""
    clock = asyncio.get_running_loop().time
    until = clock() + within_s
    while open_files() > at_most and clock() < until:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.05)
    return open_files()


async def main(count: int, seed: int) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    chance = random.Random(seed)
    before = open_files()
    whole = await whole_offers()
    async with serve(PeerGate()) as server:
        statuses = await shoot(server, [spoilt(whole, chance) for _ in range(count)])
        left = server.sessions
    after = await settled(before, 5.0)
    for status, number in sorted(statuses.items()):
        sys.stdout.write(f"{status}  {number}\n")
    sys.stdout.write(f"sessions left {left}   files open {before} before, {after} after\n")
    return 0 if after <= before and all(status < HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses) else 1


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    sys.exit(asyncio.run(main(*(given + [COUNT, 1][len(given) :]))))

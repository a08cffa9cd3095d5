"""A bad network between two WebRTC peers: UDP datagrams are lost, delayed, shuffled and doubled, each way.

`Relay` has two sockets. Each peer is told, in the other's description, of the one that faces it and of no other
address, so that all of ICE, DTLS and sound goes through here:

    phone  ->  [ faces the phone | faces the server ]  ->  server

What becomes of a datagram depends on the seed and on its number alone. Nothing sleeps: each goes out by `call_at`.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from typing_extensions import override

Address = tuple[str, int]

HOST = "127.0.0.1"
_CANDIDATE = re.compile(r"^a=candidate:(\S+) 1 udp (\d+) (\S+) (\d+) typ host", re.IGNORECASE | re.MULTILINE)
_MARK = "a=here\r\n"
_ANY_CANDIDATE = re.compile(r"^a=candidate:.*\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to datagrams in one direction.

    Attributes:
        loss: The share of them that never arrives.
        delay_s: How long each takes at least.
        jitter_s: Up to so much more, evenly spread; so they also overtake each other, unless `in_order`.
        reorder: The share that is held back by another 30 ms.
        duplicate: The share that arrives twice, 5 ms apart.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    in_order: bool = False


@dataclass(slots=True)
class Way:
    """One direction, and what became of what went that way."""

    impairment: Impairment
    chance: random.Random
    passed: int = 0
    lost: int = 0
    doubled: int = 0
    last_due: float = 0.0

    def dues(self, now: float) -> list[float]:
        """When a datagram that comes now goes out: never, once, or twice."""
        bad = self.impairment
        # All are drawn for each one, so that one share can be changed and the rest stays as it was.
        lost, late, held, twice = (self.chance.random() for _ in range(4))
        if lost < bad.loss:
            self.lost += 1
            return []
        due = now + bad.delay_s + bad.jitter_s * late + (0.03 if held < bad.reorder else 0.0)
        if bad.in_order:
            due = self.last_due = max(due, self.last_due)
        self.passed += 1
        if twice >= bad.duplicate:
            return [due]
        self.doubled += 1
        return [due, due + 0.005]


class _Face(asyncio.DatagramProtocol):
    """A socket: what comes to it goes out at the other one, to where its peer is."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.other: _Face | None = None
        self.peer: Address | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self.timers: set[asyncio.TimerHandle] = set()
        self.cut = False
        self.loop = asyncio.get_running_loop()

    @property
    def address(self) -> Address:
        assert self.transport is not None
        host, port = self.transport.get_extra_info("sockname")[:2]
        return host, port

    @override
    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.cut:
            return
        self.peer = addr
        now = self.loop.time()
        for due in self.way.dues(now):
            if due <= now:
                self.forward(data)
                continue
            timer = self.loop.call_at(due, self._due, data)
            self.timers = {each for each in self.timers if each.when() > now}
            self.timers.add(timer)

    def _due(self, data: bytes) -> None:
        self.forward(data)

    def forward(self, data: bytes) -> None:
        assert self.other is not None
        if self.other.peer is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.sendto(data, self.other.peer)

    def close(self) -> None:
        for timer in self.timers:
            timer.cancel()
        if self.transport is not None:
            self.transport.close()


@dataclass(slots=True)
class Relay:
    """Between one phone and one server. `offered` and `answered` are for the phone's `Wire`.

    Attributes:
        up: From the phone to the server.
        down: From the server to the phone.
    """

    up: Way
    down: Way
    _phone: _Face = field(init=False)
    _server: _Face = field(init=False)

    def offered(self, sdp: str) -> str:
        """The phone's description, as the server gets it."""
        self._phone.peer = _address_of(sdp)
        return _led_through(sdp, self._server.address)

    def answered(self, sdp: str) -> str:
        """The server's description, as the phone gets it."""
        self._server.peer = _address_of(sdp)
        return _led_through(sdp, self._phone.address)

    def cut(self) -> None:
        """From now on nothing passes at all."""
        self._phone.cut = self._server.cut = True


@asynccontextmanager
async def relay(up: Impairment, down: Impairment | None = None, *, seed: int = 1) -> AsyncIterator[Relay]:
    """A relay on two free ports; `down` is as `up` where it is not given."""
    between = Relay(Way(up, random.Random(seed)), Way(down or up, random.Random(seed + 1)))
    between._phone, between._server = _Face(between.up), _Face(between.down)
    between._phone.other, between._server.other = between._server, between._phone
    loop = asyncio.get_running_loop()
    try:
        for face in (between._phone, between._server):
            await loop.create_datagram_endpoint(lambda face=face: face, local_addr=(HOST, 0))  # type: ignore[misc]
        yield between
    finally:
        between._phone.close()
        between._server.close()


def _address_of(sdp: str) -> Address:
    """The first host candidate on this machine's loopback, or the first one."""
    found = [(match[3], int(match[4])) for match in _CANDIDATE.finditer(sdp) if ":" not in match[3]]
    assert found, "no candidate: " + sdp
    return next((each for each in found if each[0] == HOST), found[0])


def _led_through(sdp: str, address: Address) -> str:
    """The description with this address for its only candidate, in each section that has any."""
    line = f"a=candidate:relay 1 udp 2130706431 {address[0]} {address[1]} typ host\r\n"
    sections = re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)
    return "".join(
        _ANY_CANDIDATE.sub("", _ANY_CANDIDATE.sub(_MARK, each, count=1)).replace(_MARK, line) for each in sections
    )

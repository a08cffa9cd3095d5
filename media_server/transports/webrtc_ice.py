"""ICE (RFC 8445) by aioice, with a guarded door.

aioice hands whatever is no STUN to DTLS, from whoever sent it: one empty datagram ends a call, and a spray of
handshakes from elsewhere keeps one from being set up. Here a datagram that is no STUN is let in only from an address
that a connectivity check is in progress with, or has succeeded with (RFC 7983 tells the two apart by the first byte).
Of STUN only what is signed is answered, so that nobody is sent more than was asked for.

It leans on private parts of aioice: the check list, the peer's addresses, `respond_error`, `_queue`. The version is
pinned, and `tests/transports/test_webrtc.py` fails where they are not as they were.
"""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import structlog
from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol, get_host_addresses, relayed_candidate, server_reflexive_candidate
from typing_extensions import override

from media_server.protocol import webrtc_sdp
from media_server.protocol.message_rate import MessageRate

MAX_DATAGRAM: Final = 4096
MAX_QUEUED: Final = 1000
"""Datagrams that may wait for DTLS; it reads at once, so they never do."""
STUN_PER_S: Final = 100
STUN_AT_ONCE: Final = 200
RECEIVE_BUFFER: Final = 1 << 18
MAX_ADDRESSES: Final = 8
MAX_REMOTE: Final = 64
"""Addresses of a peer, told by it or seen: each makes a pair with each of ours, and every datagram goes through the
pairs. A browser has a handful."""
PACKETS_PER_S: Final = 500
PACKETS_AT_ONCE: Final = 1500
"""What a peer may send: sound is 50 a second, and after a stall of the network comes at once."""
PORT_ATTEMPTS: Final = 50
SRTP: Final = range(128, 192)
"""First bytes of it (RFC 7983)."""
_LAST_STUN_BYTE = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A relay (RFC 8656)."""

    host: str
    port: int
    username: str
    password: str
    transport: str = "udp"
    tls: bool = False


@dataclass(frozen=True, slots=True)
class IceSettings:
    """Where peers may reach us.

    Attributes:
        addresses: Of this machine; empty: all but the loopback.
        ports: The first and the last UDP port; None: any.
        stun: (host, port) of a server that tells us our public address.
        turn: A relay.
        gather_s: How long those servers may take.
    """

    addresses: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None
    stun: tuple[str, int] | None = None
    turn: TurnServer | None = None
    gather_s: float = 1.0


class GuardedProtocol(StunProtocol):
    """One UDP socket."""

    def __init__(self, receiver: "IceConnection") -> None:
        super().__init__(receiver)
        self._connection = receiver
        self._rate = MessageRate(per_s=STUN_PER_S, burst=STUN_AT_ONCE)

    @override
    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """A datagram came, from anybody."""
        assert isinstance(data, bytes)
        refused = self._refusal(data, (addr[0], addr[1]))
        if refused is not None:
            self._connection.irregular[refused] += 1
            return
        if data[0] > _LAST_STUN_BYTE:
            self._connection.data_received(data, self.local_candidate.component)
            return
        try:
            super().datagram_received(data, addr)
        except (ValueError, KeyError, IndexError, AssertionError, OSError) as error:  # what its parser does not catch
            self._connection.irregular["bad_stun"] += 1
            _log.debug("webrtc.bad_stun", error=repr(error))

    def _refusal(self, data: bytes, source: tuple[str, int]) -> str | None:
        if not 0 < len(data) <= MAX_DATAGRAM:
            return "datagram_size"
        if data[0] <= _LAST_STUN_BYTE:
            refused = self._connection.refusal(self, source)
            if refused != "stranger":
                return refused
            return None if self._rate.allows(asyncio.get_running_loop().time()) else "stun_flood"
        return self._connection.refusal(self, source)


class IceConnection(Connection):
    """The connection of one call. We are controlled: the peer has made the offer."""

    def __init__(self, settings: IceSettings) -> None:
        turn = settings.turn
        super().__init__(
            ice_controlling=False,
            stun_server=settings.stun,
            turn_server=(turn.host, turn.port) if turn is not None else None,
            turn_username=turn.username if turn is not None else None,
            turn_password=turn.password if turn is not None else None,
            turn_ssl=turn.tls if turn is not None else False,
            turn_transport=turn.transport if turn is not None else "udp",
        )
        self.irregular: Counter[str] = Counter()
        self.on_media: Callable[[bytes], None] | None = None
        """Who takes SRTP and SRTCP, once it can be decrypted; what is left is for DTLS, and waits in a queue."""
        self._settings = settings
        self._rate = MessageRate(per_s=PACKETS_PER_S, burst=PACKETS_AT_ONCE)

    @override
    async def gather_candidates(self) -> None:
        """Open our sockets.

        Raises:
            OSError: None could be opened.
        """
        addresses = list(self._settings.addresses) or get_host_addresses(use_ipv4=True, use_ipv6=True)
        self._local_candidates_start = True
        self._local_candidates += await self.get_component_candidates(1, addresses[:MAX_ADDRESSES])
        self._local_candidates_end = True
        if not self._protocols:
            raise OSError("no UDP socket could be opened")

    @override
    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,
    ) -> list[Candidate]:
        """Our candidates at these addresses, and what servers elsewhere make of them."""
        protocols: list[GuardedProtocol] = []
        for address in addresses:
            if (protocol := await self._open(address, component)) is not None:
                protocols.append(protocol)
                self._protocols.append(protocol)  # at once: who is cancelled meanwhile has it closed
        candidates = [protocol.local_candidate for protocol in protocols]
        queries = [asyncio.ensure_future(query) for query in self._queries(protocols, component)]
        if queries:
            done, late = await asyncio.wait(queries, timeout=self._settings.gather_s)
            for query in late:
                query.cancel()
            for query in done:
                if query.exception() is not None:
                    _log.warning("webrtc.ice_server", error=repr(query.exception()))
                    continue
                candidate, relay = query.result()
                candidates.append(candidate)
                self._protocols += [relay] if relay is not None else []
        return candidates

    def _queries(self, protocols: list[GuardedProtocol], component: int) -> list[Any]:
        queries: list[Any] = []
        if self.stun_server is not None:
            ipv4 = [each for each in protocols if ip_address(each.local_candidate.host).version == 4]  # noqa: PLR2004
            queries += [server_reflexive_candidate(each, self.stun_server) for each in ipv4]
        if self.turn_server is not None:
            queries.append(
                relayed_candidate(
                    component=component,
                    hide_related_address=False,
                    protocol_factory=lambda: GuardedProtocol(self),
                    turn_server=self.turn_server,
                    turn_username=self.turn_username,
                    turn_password=self.turn_password,
                    turn_ssl=self.turn_ssl,
                    turn_transport=self.turn_transport,
                )
            )
        return queries

    async def _open(self, address: str, component: int) -> GuardedProtocol | None:
        loop = asyncio.get_running_loop()
        for port in _ports(self._settings.ports):
            try:
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: GuardedProtocol(self), local_addr=(address, port)
                )
            except OSError as error:
                _log.debug("webrtc.no_socket", address=address, port=port, error=repr(error))
                continue
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            host, bound = transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=bound,
                type="host",
            )
            return protocol
        return None

    @override
    async def connect(self) -> None:
        """Find a path.

        Raises:
            ConnectionError: There is none.
        """
        await super().connect()
        for pair in self._check_list:
            # aioice cancels the other checks and leaves them in progress: they would count as known for good, and the
            # peer could never move to one of them.
            if pair.state is CandidatePair.State.IN_PROGRESS:
                pair.state, pair.task = CandidatePair.State.FAILED, None

    async def add(self, candidate: webrtc_sdp.Candidate) -> None:
        """The peer may be reached there, too. Beyond `MAX_REMOTE`, or once there is a path, that is let be."""
        if self._nominated or len(self._remote_candidates) >= MAX_REMOTE:
            self.irregular["candidate_unused"] += 1
            return
        await self.add_remote_candidate(
            Candidate(
                foundation=candidate.address,
                component=1,
                transport="udp",
                priority=candidate.priority,
                host=candidate.address,
                port=candidate.port,
                type="srflx" if candidate.kind == "prflx" else candidate.kind,
            )
        )

    def send_now(self, data: bytes) -> None:
        """Send a datagram to the peer; it is sent or dropped.

        Raises:
            ConnectionError: There is no path.
        """
        pair = self._nominated.get(1)
        if pair is None:
            raise ConnectionError("no path to the peer")
        pair.protocol.transport.sendto(data, pair.remote_addr)

    def knows(self, protocol: GuardedProtocol, source: tuple[str, int]) -> bool:
        """Whether a check is in progress with this address, or has succeeded."""
        nominated = self._nominated.get(1)
        if nominated is not None and nominated.protocol is protocol and nominated.remote_addr == source:
            return True
        return any(
            pair.protocol is protocol
            and pair.remote_addr == source
            and pair.state in (CandidatePair.State.IN_PROGRESS, CandidatePair.State.SUCCEEDED)
            for pair in self._check_list
        )

    def refusal(self, protocol: GuardedProtocol, source: tuple[str, int]) -> str | None:
        """Why what comes from there is not taken, if it is not. Strangers take nothing of the peer's room."""
        if not self.knows(protocol, source):
            return "stranger"
        return None if self._rate.allows(asyncio.get_running_loop().time()) else "packet_flood"

    @override
    def check_incoming(self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        """A check that the peer has signed came, from an address that may be a new one."""
        known = any((each._network_host, each.port) == addr for each in self._remote_candidates)  # noqa: SLF001
        if not known and len(self._remote_candidates) >= MAX_REMOTE:
            self.irregular["too_many_addresses"] += 1
            return
        super().check_incoming(message, addr, protocol)

    @override
    def data_received(self, data: bytes, component: int) -> None:
        """What is no STUN, from the peer."""
        if self.on_media is not None and data[0] in SRTP:
            self.on_media(data)
            return
        if self._queue.qsize() >= MAX_QUEUED:
            self.irregular["flood"] += 1
            return
        super().data_received(data, component)

    @override
    def respond_error(
        self, request: stun.Message, addr: tuple[str, int], protocol: StunProtocol, error_code: tuple[int, str]
    ) -> None:
        """Refuse a request; one that is not signed by the peer is not even told so."""
        if error_code[0] in (400, 401):
            self.irregular["unsigned_stun"] += 1
            return
        super().respond_error(request, addr, protocol, error_code)


def _ports(span: tuple[int, int] | None) -> list[int]:
    """Ports to try, in an order that nobody can guess."""
    if span is None:
        return [0]
    first, last = span
    return random.sample(range(first, last + 1), min(PORT_ATTEMPTS, last - first + 1))

"""HTTP to elsewhere, by the guard's rules: one client for all calls of the process.

What comes back is a stranger's. Headers, body (as sent and as unpacked) and time are capped, redirects are an answer
like any other and never followed, cookies are not kept, proxies of the environment are not used. Names are resolved in
threads of its own, one at a time for each name, so that a dead name server takes no thread from anybody else.
"""

import asyncio
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal, Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from media_server.errors import BadAnswer, HookTimeout, HookUnreachable
from media_server.hooks.guard import Guard, not_asked

MAX_CONNECTIONS = 512
MAX_CONNECTIONS_TO_ONE = 64
MAX_HEADER = 4096
"""Bytes of one line of a header."""
KEEP_ALIVE_S = 30.0
RESOLVERS = 8
"""Names that are looked up at once."""
MAX_LATER = 256
"""Requests under way that nobody waits for; past that they are left out."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to ask.

    Attributes:
        deadline_s: For all of it: name, connection, answer to its last byte.
        max_bytes: Of the answer's body, as sent and as unpacked.
    """

    method: Literal["GET", "POST"]
    url: URL
    deadline_s: float
    max_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came. `content_type`: without parameters, in small letters."""

    status: int
    content_type: str
    charset: str
    body: bytes


class HookHttp:
    """The client. Within `async with` its connections are kept for the next request; without, each has its own."""

    def __init__(self, guard: Guard | None = None, resolver: AbstractResolver | None = None) -> None:
        """`resolver`: who looks up names; by default the system's."""
        self.guard = guard or Guard()
        self._names = resolver or _SystemResolver()
        self._session: aiohttp.ClientSession | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let nothing go on."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def later(self, work: Coroutine[None, None, None]) -> bool:
        """Do something that nobody waits for; False, and it is left out, when too much of it is under way."""
        if len(self._later) >= MAX_LATER:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return True

    async def fetch(self, request: HttpRequest) -> HttpAnswer:
        """Ask, and take the answer, whatever its status.

        Raises:
            HookForbidden: The address is none that may be asked.
            HookUnreachable: Nobody answers there.
            HookTimeout: The answer was not there in time.
            BadAnswer: It is too large, or no HTTP.
        """
        self.guard.check_url(request.url)
        try:
            async with asyncio.timeout(request.deadline_s):
                if self._session is not None:
                    return await self._fetch(self._session, request)
                async with self._open() as session:
                    return await self._fetch(session, request)
        except (TimeoutError, aiohttp.ServerTimeoutError):
            raise HookTimeout(f"no whole answer in {request.deadline_s:g} s") from None
        except aiohttp.ClientConnectorDNSError:
            raise HookUnreachable("its name cannot be resolved", reason="dns") from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise HookUnreachable("its certificate or TLS is of no use", reason="tls") from None
        except aiohttp.ClientConnectorError:
            raise HookUnreachable("nobody listens there", reason="refused") from None
        except aiohttp.ServerDisconnectedError:
            raise HookUnreachable("the connection ended before an answer began", reason="disconnected") from None
        except (OSError, aiohttp.ClientPayloadError):
            raise HookUnreachable("the connection broke", reason="reset") from None
        except (aiohttp.ClientError, ValueError):
            raise BadAnswer("it does not speak HTTP", reason="http") from None

    async def _fetch(self, session: aiohttp.ClientSession, request: HttpRequest) -> HttpAnswer:
        async with session.request(
            request.method, request.url, data=request.body, headers=request.headers, allow_redirects=False
        ) as answer:
            declared = answer.content_length
            if declared is not None and declared > request.max_bytes:
                raise _too_large(request)
            body = await _body(answer, request)
            return HttpAnswer(answer.status, answer.content_type.lower(), answer.charset or "utf-8", body)

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(self.guard, self._names),
            use_dns_cache=False,  # an answer that was judged once proves nothing the next time
            limit=MAX_CONNECTIONS,
            limit_per_host=MAX_CONNECTIONS_TO_ONE,
            keepalive_timeout=KEEP_ALIVE_S,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": "media-server", "Accept-Encoding": "gzip, deflate"},
        )


async def _body(answer: aiohttp.ClientResponse, request: HttpRequest) -> bytes:
    packed = bytearray()
    while chunk := await answer.content.readany():
        packed += chunk
        if len(packed) > request.max_bytes:
            raise _too_large(request)
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity" or not packed:
        return bytes(packed)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer("its content encoding is unknown", reason="encoding")
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = unpacker.decompress(packed, request.max_bytes + 1)
    except zlib.error:
        raise BadAnswer("it cannot be unpacked", reason="encoding") from None
    if len(body) > request.max_bytes:
        raise _too_large(request)
    if not unpacker.eof:
        raise BadAnswer("it cannot be unpacked", reason="encoding")
    return body


def _too_large(request: HttpRequest) -> BadAnswer:
    return BadAnswer(f"it is of more than {request.max_bytes} bytes", reason="too_large")


class _SystemResolver(AbstractResolver):
    """The system's, in threads of its own. Who asks for a name that is being looked up waits for the same answer."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="names")
        self._looking: dict[tuple[str, int, int], asyncio.Future[list[ResolveResult]]] = {}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        key = (host, port, int(family))
        looking = self._looking.get(key)
        if looking is None:
            loop = asyncio.get_running_loop()
            looking = loop.run_in_executor(self._threads, _look_up, host, port, family)
            self._looking[key] = looking
            looking.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(looking)

    def _done(self, key: tuple[str, int, int], done: "asyncio.Future[list[ResolveResult]]") -> None:
        self._looking.pop(key, None)
        if not done.cancelled():
            done.exception()  # who asked may have given up, and nobody reads it then

    @override
    async def close(self) -> None:
        """A look-up under way ends by itself; nobody waits for it."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(place[0]),
            port=port,
            family=kind,
            proto=proto,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, proto, _, place in found
    ]


class _GuardedResolver(AbstractResolver):
    """Gives only addresses that the guard lets be connected to, right before they are."""

    def __init__(self, guard: Guard, names: AbstractResolver) -> None:
        self._guard = guard
        self._names = names

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        allowed = [each for each in found if self._allows(host, port, each["host"])]
        if found and not allowed:
            raise not_asked(host)
        return allowed

    def _allows(self, host: str, port: int, address: str) -> bool:
        try:
            return self._guard.allows_address(host, port, ipaddress.ip_address(address))
        except ValueError:
            return False

    @override
    async def close(self) -> None:
        """The names' resolver is its owner's."""

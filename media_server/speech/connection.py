"""Finding an engine that has room, and opening a stream to it, or asking it by HTTP."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import BaseModel
from yarl import URL

from media_server.errors import EngineError, EngineRefused, EngineUnavailable

CONNECT_TIMEOUT_S = 2.0
READY_TIMEOUT_S = 1.0
PING_S = 0.5
SILENT_S = 2.0
"""A stream from which nothing comes for so long, not even the answer to a ping, is lost."""
AVOID_S = 5.0
"""An engine that did not answer is tried after the others for so long: one that hangs costs `CONNECT_TIMEOUT_S`."""
_UNKNOWN = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
"""How an engine answers a query that it cannot serve, be it asked again or not."""


class Readiness(BaseModel):
    """What `/readyz` of an engine says; one that says nothing of it has room and no queue."""

    free: int = 1_000_000
    queue_wait_ms: float = 0.0


class Engines:
    """The addresses of one kind of engine, and how many sessions of ours each holds.

    A new session goes to the one with the fewest; one that refuses or does not answer is passed over for the next, and
    one that did not answer is the last choice for a while.
    """

    def __init__(self, urls: Sequence[str], api_key: str | None = None) -> None:
        self._client: aiohttp.ClientSession | None = None
        self._sessions = dict.fromkeys((url.rstrip("/") for url in urls), 0)
        self._failed_at: dict[str, float] = {}
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            raise EngineUnavailable("not connected to the engines yet")
        return self._client

    async def connect(self, path: str, query: Mapping[str, str], protocols: Sequence[str] = ()) -> "EngineSocket":
        """Open a WebSocket to the engine with the fewest sessions that takes us. `protocols`: those that we offer.

        Raises:
            EngineRefused: Those that answer do not know what is asked for (a voice, a language).
            EngineUnavailable: None of them does.
        """
        refusals: list[str] = []
        unknown = 0
        for url in self._by_preference(monotonic()):
            self._sessions[url] += 1
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    socket = await self._http.ws_connect(
                        url + path,
                        params=query,
                        headers=self._headers,
                        protocols=protocols,
                        timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_TIMEOUT_S),
                        autoping=False,  # `EngineSocket` wants to see the answers
                        max_msg_size=1 << 20,
                    )
            except aiohttp.WSServerHandshakeError as error:
                self._sessions[url] -= 1
                unknown += error.status in _UNKNOWN
                refusals.append(f"{url}: {'full' if error.status == HTTPStatus.SERVICE_UNAVAILABLE else error.status}")
            except asyncio.CancelledError:
                self._sessions[url] -= 1
                raise
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._sessions[url] -= 1
                self._failed_at[url] = monotonic()
                refusals.append(f"{url}: {type(error).__name__}")
            else:
                return EngineSocket(socket, self, url)
        if unknown and unknown == len(refusals):
            raise EngineRefused("; ".join(refusals))
        raise EngineUnavailable("; ".join(refusals))

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: AsyncIterable[bytes] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of the engine with the fewest sessions that can be reached; its body comes as it is read.

        Only who cannot be reached is passed over: of who answers, the request's body may be gone. When this ends,
        whatever is still under way either way ends too.

        Raises:
            EngineError: The one that was reached went away before it answered.
            EngineUnavailable: None can be reached.
        """
        for url in self._by_preference(monotonic()):
            self._sessions[url] += 1
            try:
                answer = await self._ask_one(method, URL(url + path), query=query, headers=headers, body=body)
                if answer is None:
                    self._failed_at[url] = monotonic()
                    continue
                try:
                    yield answer
                finally:
                    answer.close()
                return
            finally:
                self._sessions[url] -= 1
        raise EngineUnavailable

    async def _ask_one(
        self,
        method: str,
        url: URL,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: AsyncIterable[bytes] | None,
    ) -> aiohttp.ClientResponse | None:
        """None: it cannot be reached."""
        try:
            return await self._http.request(
                method,
                url.with_query(query),
                headers={**headers, **self._headers},
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S),
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return None
        except (aiohttp.ClientError, OSError) as error:
            raise EngineError("The engine went away") from error

    def _by_preference(self, now: float) -> list[str]:
        def cost(url: str) -> tuple[bool, int]:
            return now - self._failed_at.get(url, -AVOID_S) < AVOID_S, self._sessions[url]

        return sorted(self._sessions, key=cost)

    async def readiness(self) -> list[Readiness]:
        """What the engines that are ready say of themselves."""
        answers = await asyncio.gather(*(self._ask(url) for url in self._sessions))
        return [answer for answer in answers if answer is not None]

    async def _ask(self, url: str) -> Readiness | None:
        try:
            timeout = aiohttp.ClientTimeout(total=READY_TIMEOUT_S)
            async with self._http.get(f"{url}/readyz", headers=self._headers, timeout=timeout) as answer:
                return Readiness.model_validate_json(await answer.read()) if answer.ok else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    def left(self, url: str) -> None:
        """A session there is over."""
        self._sessions[url] -= 1


class EngineSocket:
    """One open stream. Text and binary messages in order; closing it is idempotent."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, engines: Engines, url: str) -> None:
        self._socket = socket
        self._engines = engines
        self._open = True
        self._now = asyncio.get_running_loop().time
        self.url = url
        self.protocol = socket.protocol
        self.closed_with: tuple[int, str] | None = None
        """Code and reason, once the engine has closed the stream."""
        self.heard_at = self._now()
        """When anything came from there, be it the answer to a ping."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def send_text(self, text: str) -> None:
        """Send a text message.

        Raises:
            EngineError: The stream is gone.
        """
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise EngineError(f"{self.url} went away") from error

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message.

        Raises:
            EngineError: The stream is gone.
        """
        try:
            await self._socket.send_bytes(data)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise EngineError(f"{self.url} went away") from error

    async def receive(self) -> str | bytes | None:
        """The next message; None when the engine has closed the stream."""
        while True:
            message = await self._socket.receive()
            self.heard_at = self._now()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return str(message.data)
                case aiohttp.WSMsgType.BINARY:
                    return bytes(message.data)
                case aiohttp.WSMsgType.PING:
                    await self._socket.pong(message.data)
                case aiohttp.WSMsgType.PONG:
                    pass
                case aiohttp.WSMsgType.CLOSE:
                    self.closed_with = message.data or aiohttp.WSCloseCode.OK, message.extra or ""
                    return None
                case _:
                    return None

    async def ping(self) -> None:
        """Ask whether anybody is there.

        Raises:
            EngineError: The stream is gone.
        """
        try:
            await self._socket.ping()
        except (aiohttp.ClientError, ConnectionError) as error:
            raise EngineError(f"{self.url} went away") from error

    async def watch(self) -> None:
        """Ask again and again; returns only by raising.

        Raises:
            EngineError: Nobody has answered for `SILENT_S`.
        """
        while self._now() - self.heard_at < SILENT_S:
            # A process that is stopped still takes bytes, until its buffers are full.
            with suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await self.ping()
            await asyncio.sleep(PING_S)
        raise EngineError(f"{self.url} does not answer")

    async def aclose(self, code: int = aiohttp.WSCloseCode.OK, *, within_s: float = CONNECT_TIMEOUT_S) -> None:
        """Close the stream; whatever the engine says within this time is not heard any more."""
        if self._open:
            self._open = False
            self._engines.left(self.url)
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._socket.close(code=code)

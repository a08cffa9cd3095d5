"""What the agents of all calls share: connections to models and MCP servers, threads for plain tools."""

from concurrent.futures import Executor, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import aiohttp

from media_server.dialplan.agent.chat import ChatModel
from media_server.dialplan.agent.chat_api import ChatApi
from media_server.dialplan.agent.fetch import Fetch, PlainFetch
from media_server.dialplan.agent.llm import Llm
from media_server.dialplan.agent.mcp_connection import McpConnection, McpServer
from media_server.errors import ConfigError

KEEP_S = 120.0
"""How long a connection stays open without a request: longer than callers pause."""
THREADS = 16
"""Plain tools that run at once; a hung one keeps its thread."""
MAX_CONNECTIONS = 200


class AgentPool:
    """One a process (or a conversation, where nobody has made one). An async context manager."""

    def __init__(self, llm: Llm | None = None, fetch: Fetch | None = None) -> None:
        """`llm`: for agents that name no model. `fetch`: how HTTP tools reach the network."""
        self.llm = llm
        self._given_fetch = fetch
        self._http: aiohttp.ClientSession | None = None
        self._models: dict[tuple[object, ...], ChatApi] = {}
        self._mcp: dict[McpServer, McpConnection] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_S)
        # What a server sets for one caller is not sent along for another.
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._mcp.values():
            await connection.aclose()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._http is not None:
            await self._http.close()

    def model(self, llm: Llm | None) -> ChatModel:
        """The model of these settings, or the pool's own.

        Raises:
            ConfigError: There is none.
        """
        llm = llm or self.llm
        if llm is None:
            raise ConfigError("no language model is named: --llm URL, or llm in the route's settings")
        key = (llm.url, llm.model, llm.key, repr(llm))
        if key not in self._models:
            self._models[key] = ChatApi(self._session, llm)
        return self._models[key]

    @property
    def fetch(self) -> Fetch:
        """How HTTP tools reach the network."""
        return self._given_fetch or PlainFetch(self._session)

    @property
    def threads(self) -> Executor:
        """For plain tools."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="tool")
        return self._threads

    def mcp(self, server: McpServer) -> McpConnection:
        """The connection to an MCP server, which is made when it is first needed."""
        if server not in self._mcp:
            self._mcp[server] = McpConnection(server)
        return self._mcp[server]

    @property
    def _session(self) -> aiohttp.ClientSession:
        assert self._http is not None, "the pool is not open"
        return self._http

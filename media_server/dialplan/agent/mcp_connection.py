"""A connection to one MCP server, shared by all calls, by the official client (the extra `mcp`).

The client wants to be entered and left by one task, so each connection has a task of its own; it is made when first
needed and made again when it was lost. The package takes seconds to import, so a thread does that.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from media_server.errors import ToolError

if TYPE_CHECKING:
    import mcp

log = structlog.get_logger(__name__)

CONNECT_S = 10.0
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0
CLOSE_S = 3.0
MAX_LISTED = 200
_OF_THE_REQUEST = (-32601, -32602)
"""JSON-RPC's codes for an unknown method and for arguments that do not fit: the connection is well."""
_SECRET = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class McpServer:
    """Where a server is, and which of its tools an agent may use.

    Attributes:
        url: Of a server that speaks streamable HTTP; or
        command: the program and its arguments, of one that speaks by its standard input and output.
        tools: The names of the tools that may be used; no others are.
        headers: For HTTP; `${NAME}` is an environment variable.
        env: For the program; likewise.
        timeout_s: How long a tool of it may take.
    """

    url: str = ""
    command: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout_s: float = 10.0

    @property
    def name(self) -> str:
        """For events and logs."""
        return self.url.partition("?")[0] or " ".join(self.command[:1])


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as a server describes it. `read_only`: it says that it changes nothing."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    read_only: bool


class McpConnection:
    """One server's. `tools` and `call` wait for it, as long as they may."""

    def __init__(self, server: McpServer) -> None:
        self._server = server
        self._task: asyncio.Task[None] | None = None
        self._client: mcp.Client | None = None
        self._listed: tuple[ListedTool, ...] = ()
        self._ready = asyncio.Event()
        self._lost = asyncio.Event()

    async def tools(self, timeout_s: float) -> tuple[ListedTool, ...]:
        """Its tools that may be used.

        Raises:
            ToolError: It is not there.
        """
        await self._wait(timeout_s)
        return self._listed

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Run a tool; returns its text.

        Raises:
            ToolError: It failed, or the server is not there.
        """
        client = await self._wait(self._server.timeout_s)
        try:
            result = await client.call_tool(name, dict(arguments), read_timeout_seconds=self._server.timeout_s)
        except Exception as error:
            # Whatever the library raises: a server that answers with an error of the protocol, or one that is gone.
            log.warning("mcp_call_failed", server=self._server.name, tool=name, error=repr(error)[:200])
            if getattr(error, "code", None) not in _OF_THE_REQUEST:
                self._lost.set()
            raise ToolError("the tool's server did not take the request, or did not answer") from error
        texts = [each.text for each in result.content if each.type == "text"]
        text = "\n".join(texts) or (str(result.structured_content) if result.structured_content else "Done.")
        if result.is_error:
            raise ToolError(text[:1000])
        return text

    async def aclose(self) -> None:
        """Leave the server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLOSE_S)

    async def _wait(self, timeout_s: float) -> "mcp.Client":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mcp")
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise ToolError(f"{self._server.name} is not there") from None
        assert self._client is not None
        return self._client

    # --- its own task --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            self._lost.clear()
            try:
                await self._serve()
                delay_s = FIRST_DELAY_S
            except Exception as error:  # noqa: BLE001 - of whatever kind: it is tried again, later and later
                log.warning("mcp_server_lost", server=self._server.name, error=repr(error)[:200])
            finally:
                self._ready.clear()
                self._client = None
            await asyncio.sleep(delay_s)
            delay_s = min(LONGEST_DELAY_S, 2 * delay_s)

    async def _serve(self) -> None:
        """Be connected until the connection is lost."""
        library = await asyncio.to_thread(import_module, "mcp")
        async with AsyncExitStack() as stack:
            client: mcp.Client = library.Client(await self._target(library, stack))
            async with asyncio.timeout(CONNECT_S):
                await stack.enter_async_context(client)
                self._listed = await self._list(client)
            self._client = client
            self._ready.set()
            await self._lost.wait()

    async def _target(self, library: Any, stack: AsyncExitStack) -> Any:
        server = self._server
        if server.command:
            env = {name: _resolved(value) for name, value in server.env}
            return library.StdioServerParameters(command=server.command[0], args=list(server.command[1:]), env=env)
        http = import_module("mcp.client.streamable_http")
        headers = {name: _resolved(value) for name, value in server.headers}
        session = await stack.enter_async_context(http.create_mcp_http_client(headers=headers))
        return http.streamable_http_client(server.url, http_client=session)

    async def _list(self, client: "mcp.Client") -> tuple[ListedTool, ...]:
        listed: list[ListedTool] = []
        cursor = None
        while len(listed) < MAX_LISTED:
            page = await client.list_tools(cursor=cursor)
            listed += [
                ListedTool(
                    each.name,
                    (each.description or "")[:2000],
                    each.input_schema,
                    read_only=each.annotations is not None and each.annotations.read_only_hint is True,
                )
                for each in page.tools
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
        return tuple(each for each in listed if each.name in self._server.tools)


def _resolved(value: str) -> str:
    return _SECRET.sub(lambda found: os.environ.get(found[1], ""), value)

"""Tools of MCP servers, from a route's settings.

::

    [[route.settings.mcp]]
    url = "http://127.0.0.1:9000/mcp"              # or command = ["uvx", "some-server"]
    tools = ["find_order", "open_ticket"]          # these and no others
    headers = { Authorization = "Bearer ${MCP_KEY}" }

A server that is down has no tools, which is told as a fault; the call goes on without them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from media_server.call.events import Fault
from media_server.dialplan.agent.llm import checked_url
from media_server.dialplan.agent.mcp_connection import ListedTool, McpConnection, McpServer
from media_server.errors import ConfigError, ToolError

if TYPE_CHECKING:
    from media_server.dialplan.agent.pool import AgentPool
    from media_server.dialplan.call import Call

MAX_SERVERS = 8
READY_S = 5.0
"""How long an agent waits for a server's tools before it begins without them."""


class McpTable(BaseModel):
    """A server, as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(checked_url)] | None = None
    command: tuple[str, ...] = ()
    tools: tuple[str, ...] = Field(min_length=1, max_length=64)
    headers: dict[str, str] = {}
    env: dict[str, str] = {}
    timeout_s: float = Field(10.0, gt=0, le=60)
    filler: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> "McpTable":
        if (self.url is None) == (not self.command):
            raise ValueError("it wants either a url or a command")
        return self


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool of a server."""

    listed: ListedTool
    connection: McpConnection
    timeout_s: float
    filler: str

    @property
    def name(self) -> str:
        """As the server calls it."""
        return self.listed.name

    @property
    def description(self) -> str:
        """As the server describes it."""
        return self.listed.description

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The server's own schema."""
        return self.listed.parameters

    @property
    def effect(self) -> bool:
        """All that does not say otherwise changes something."""
        return not self.listed.read_only

    async def run(self, call: "Call", arguments: Mapping[str, Any], pool: "AgentPool") -> object:  # noqa: ARG002
        """Have the server run it.

        Raises:
            ToolError: It failed.
        """
        return await self.connection.call(self.listed.name, arguments)


@dataclass(frozen=True, slots=True)
class McpTools:
    """The tools of one server, once it is asked."""

    server: McpServer
    filler: str = ""

    async def tools(self, call: "Call", pool: "AgentPool") -> Sequence[McpTool]:
        """The tools that are there now: none where the server is down."""
        connection = pool.mcp(self.server)
        try:
            listed = await connection.tools(READY_S)
        except ToolError as error:
            call.conversation.chronicle.tell(Fault, code="mcp_down", message=error.message)
            return ()
        return [McpTool(each, connection, self.server.timeout_s, self.filler) for each in listed]


def mcp_tools(settings: object) -> Sequence[McpTools]:
    """The servers that a route's settings name.

    Raises:
        ConfigError: One is named wrongly; the message shows the place.
    """
    if not isinstance(settings, Sequence) or isinstance(settings, str) or len(settings) > MAX_SERVERS:
        raise ConfigError(f"mcp: it must be a list of at most {MAX_SERVERS} tables")
    servers = []
    for number, each in enumerate(settings):
        try:
            table = McpTable.model_validate(each)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join([f"mcp[{number}]", *(str(part) for part in first["loc"])])
            raise ConfigError(f"{place}: {first['msg']}") from None
        server = McpServer(
            url=table.url or "",
            command=table.command,
            tools=table.tools,
            headers=tuple(table.headers.items()),
            env=tuple(table.env.items()),
            timeout_s=table.timeout_s,
        )
        servers.append(McpTools(server, table.filler))
    return servers

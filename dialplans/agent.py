"""An agent without code: a language model that is told who it is by the route's settings.

::

    [[route]]
    called = "+15550100"
    dialplan = "agent"
    [route.settings]
    greeting = "Northwind help line. How can I help?"
    instructions = "You are the help line of Northwind, a shop for garden tools."
    llm = "http://127.0.0.1:11434/v1"     # or a table; without it the server's own (--llm)
    tool = []                             # HTTP requests that the model may make
    mcp = []                              # MCP servers whose tools it may use
"""

from media_server.dialplan import Agent, Call, http_tools, mcp_tools

INSTRUCTIONS = "You answer the phone. Be friendly and brief, and help with whatever the caller asks."


async def agent(call: Call) -> None:
    """Greet, then let the model talk."""
    settings = call.settings
    model = Agent(
        settings.get("llm"),
        settings.get("instructions", INSTRUCTIONS),
        tools=[*http_tools(settings.get("tool", ())), *mcp_tools(settings.get("mcp", ()))],
        max_minutes=settings.get("max_minutes", 10),
    )
    await call.say(settings.get("greeting", "Hello! How can I help?"))
    await model.talk(call)

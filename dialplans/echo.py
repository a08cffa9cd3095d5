"""The echo test: hear yourself, and how long the way is."""

from media_server.dialplan import Call


async def echo(call: Call) -> None:
    """Send the caller's sound back until they hang up."""
    await call.echo()

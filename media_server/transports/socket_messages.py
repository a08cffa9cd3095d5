"""A WebSocket that carries a call. Its messages are counted, and pings answered, so that a flood of either is seen."""

import asyncio
from collections.abc import Iterable

from aiohttp import WSMessage, WSMsgType, web

from media_server.errors import ProtocolViolation
from media_server.protocol.message_rate import MessageRate

HEARTBEAT_S = 10.0
"""A socket on which nothing at all comes for so long is pinged; half of it later it counts as dead."""
CLOSE_TIMEOUT_S = 2.0
"""How long a peer may take to answer a close."""
MESSAGES_PER_S = 200
"""Who sends sound in pieces of 20 ms sends 50, marks and keys not counted; in a browser's 8 ms, 125."""
MESSAGES_AT_ONCE = 2000
"""After a stall of the network they come all at once."""


def call_socket(max_bytes: int, protocols: Iterable[str] = ()) -> web.WebSocketResponse:
    """A socket, not yet prepared: messages of `max_bytes` at most, no compression."""
    return web.WebSocketResponse(
        protocols=protocols,
        compress=False,
        max_msg_size=max_bytes,
        heartbeat=HEARTBEAT_S,
        timeout=CLOSE_TIMEOUT_S,
        autoping=False,
    )


async def next_message(socket: web.WebSocketResponse, rate: MessageRate) -> WSMessage:
    """The next message but pings and pongs. Nothing is lost where this is cancelled.

    Raises:
        ProtocolViolation: There are too many.
    """
    while True:
        message = await socket.receive()
        if not rate.allows(asyncio.get_running_loop().time()):
            raise ProtocolViolation(f"more than {MESSAGES_PER_S} messages a second")
        if message.type is WSMsgType.PING:
            await socket.pong(message.data)
        elif message.type is not WSMsgType.PONG:
            return message

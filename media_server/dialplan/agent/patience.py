"""How long a model may let us wait: for its first token, between two, in all."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from media_server.dialplan.agent.chat import ChatEvent
from media_server.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    first_token_s: float = 6.0
    between_tokens_s: float = 4.0
    total_s: float = 60.0


async def within(events: AsyncGenerator[ChatEvent, None], patience: Patience) -> AsyncGenerator[ChatEvent, None]:
    """The events, as long as they come in time.

    Raises:
        ModelUnavailable: They do not; the request is cancelled.
    """
    now = asyncio.get_running_loop().time
    until = now() + patience.total_s
    wait_s, what = patience.first_token_s, "no token came"
    async with aclosing(events):
        while True:
            try:
                async with asyncio.timeout_at(min(until, now() + wait_s)):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ModelUnavailable(f"{what} for {wait_s:g} s, or it took {patience.total_s:g} s in all") from None
            yield event
            wait_s, what = patience.between_tokens_s, "it stopped in the middle"

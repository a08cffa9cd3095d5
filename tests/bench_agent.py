"""How long an agent lets a caller wait, and how much of it is the server's: `uv run python -m tests.bench_agent`.

A real HTTP server plays the model (300 ms to its first token, 60 tokens a second), the recogniser and the voice are
scripted: a turn is committed 200 ms after its eager end, the voice takes 100 ms. Measured is from the eager end to the
first text at the voice, and from the commit to the first audible sample.
"""

import asyncio
import statistics
import sys

from media_server.call.events import Answered
from media_server.dialplan import Agent, Call
from tests.call.stage import on_stage
from tests.peers.chat_server import Say, chat_server

TURNS = 30
FIRST_TOKEN_S, TOKEN_S = 0.3, 1 / 60
MODEL_MS = 1000 * (FIRST_TOKEN_S + 2 * TOKEN_S)
"""When the third token is there, which ends the first sentence."""
ANSWER = "We are open. From nine to five on every weekday."


async def main() -> None:
    """Print the figures, in milliseconds."""
    now = asyncio.get_running_loop().time
    thinking: list[float] = []
    async with chat_server(*[Say(ANSWER)] * TURNS, first_token_s=FIRST_TOKEN_S, token_s=TOKEN_S) as server:

        async def plan(call: Call) -> None:
            await Agent({"url": server.url, "model": "m"}, "You are a shop.").talk(call)

        async with on_stage(plan) as stage:
            await stage.sound(0.5)
            for number in range(TURNS):
                await stage.begins()
                said, eager_at = len(stage.voice.said_at), now()
                await stage.pauses(f"Question number {number}.")
                await stage.ends(f"Question number {number}.")
                await stage.sound(3.2)
                thinking.append(1000 * (stage.voice.said_at[said] - eager_at))
        receipts = [event.receipt for event in stage.events if isinstance(event, Answered)]
        assert len(receipts) == len(server.requests) == TURNS, "each turn is asked once, and answered"
    _show("eager to first text", thinking)
    _show("  of it ours", [each - MODEL_MS for each in thinking])
    _show("commit to first sound", [float(each.think + each.voice + each.wire) for each in receipts])


def _show(name: str, figures: list[float]) -> None:
    ordered = sorted(figures)
    p95 = ordered[int(0.95 * len(ordered))]
    sys.stdout.write(f"{name:24} p50 {statistics.median(ordered):6.0f} ms   p95 {p95:6.0f} ms\n")


if __name__ == "__main__":
    asyncio.run(main())

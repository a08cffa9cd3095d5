"""A help line: a language model with two tools, which hands over to a person when asked to.

Its route's settings: `llm`, `shop` (the base URL of a service that knows the orders), `desk` (a number).
"""

from pathlib import Path
from typing import Annotated

from media_server.dialplan import Agent, Call, Digits, Transfer, tool


@tool(filler="Let me look that up.", timeout_s=6)  # runs only once the caller's turn is final
async def order_status(call: Call, order: Annotated[str, Digits(6)]) -> str:
    """Where an order is. `order`: the six digits on the receipt."""
    return await call.http.get_text(f"{call.settings['shop']}/orders/{order}")


@tool(effect=True)  # never speculated, never run twice
async def human(call: Call, why: str) -> Transfer:
    """Hand over to a person: when asked for, or after two misunderstandings."""
    return Transfer(call.settings["desk"], timeout_s=25, whisper=why)


INSTRUCTIONS = Path(__file__).with_name("support.md").read_text(encoding="utf-8")


async def support(call: Call) -> None:
    """Talk until it is over; a person, or the voicemail, has the rest."""
    agent = Agent(
        call.settings["llm"],
        INSTRUCTIONS,
        tools=[order_status, human],
        when_down="I cannot think just now, I am sorry.",
        max_minutes=10,
    )
    await call.say("Northwind help line. How can I help?")
    outcome = await agent.talk(call)  # goodbye | Transfer | limit | down
    if isinstance(outcome, Transfer) and await call.transfer(outcome):
        return
    if not outcome.goodbye:
        await call.voicemail("Nobody is free now. Please leave a message.", transcribe=True)

"""The parrot: says back what it understood. The quickest way to hear whether all of it works."""

from media_server.dialplan import Call, Turn


async def parrot(call: Call) -> None:
    """Greet, then repeat each turn."""
    await call.say("Hello! Say something, and I say it back.")
    await call.converse(repeat)


async def repeat(turn: Turn) -> str:
    """The caller's words come first, so that the voice can begin with them at once."""
    if turn.dtmf:
        return f"{turn.dtmf}, you pressed."
    return f"{turn.text.rstrip('.,!?; ')}, you said."

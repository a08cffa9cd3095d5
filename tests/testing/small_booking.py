"""A small booking line, as an author writes one."""

from media_server.dialplan import Call, Turn


async def small_booking(call: Call) -> None:
    await call.say("Mario's, good evening. I can book you a table.", barge_in=False)
    people = await answer(call, "For how many people?")
    day = await answer(call, "Which day shall it be?")
    time = await answer(call, "At what time, please?")
    right = await answer(call, f"{people} people, {day} at {time}. Is that right?")
    call.note(people=people, day=day, right=right)
    await call.say("Done. Your number is twelve. Goodbye.")


async def answer(call: Call, question: str) -> str:
    await call.say(question)
    keys = ""
    async for turn in call.turns():
        if turn.text:
            return plain(turn)
        if turn.dtmf == "#":
            return keys
        keys += turn.dtmf
    return ""


def plain(turn: Turn) -> str:
    return turn.text.strip(".?!").lower()

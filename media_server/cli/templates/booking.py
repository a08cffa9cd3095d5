"""A table for tonight, by phone."""

from media_server.dialplan import Call, NoAnswer, Number, Time, YesNo


async def booking(call: Call) -> None:
    """Ask for how many and when, say it back, and keep it in the call's record."""
    await call.say("Good evening. I can book you a table for tonight.")
    try:
        people = await call.ask("For how many people?", Number(1, 12))
        time = await call.ask("At what time?", Time(after="17:00", before="22:30"))
        right = await call.ask(f"{people} people, at {time:%H:%M}. Right?", YesNo())
    except NoAnswer:
        await call.say("I am sorry, I did not get that. Please call again.")
        return
    if not right:
        await call.say("Then nothing is booked. Goodbye.")
        return
    call.note(people=people, time=f"{time:%H:%M}")
    await call.say("It is booked. See you tonight!")

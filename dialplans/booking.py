from media_server.dialplan import Call, Date, Digits, NoAnswer, Number, Text, Time, YesNo, spell
from mario import tables                                     # the author's own code; may be slow, may raise

async def booking(call: Call) -> None:
    await call.say("Mario's, good evening. I can book you a table.", barge_in=False)
    try:
        people = await call.ask("For how many people?", Number(1, 12))    # speech or keys; typed
        day = await call.ask("Which day?", Date(future=True))
        time = await call.ask("At what time?", Time(after="17:00", before="22:30"))
        phone = call.caller or await call.ask("And your phone number?", Digits(7, 15))
        right = await call.ask(f"{people} people, {day:%A} at {time}. Right?", YesNo())
    except NoAnswer as gap:                                  # silence or nonsense, retries spent
        return await to_the_bar(call, f"stuck at: {gap.question}")
    if not right:
        return await to_the_bar(call, "wants to change the booking")
    async with call.working("One moment, please."):          # said only after 0.8 s, so never dead air
        ref = await tables.book(people, day, time, phone)
    call.note(booking=ref)                                   # into record, webhooks and the page
    await call.say(f"Done. Your number is {spell(ref)}. Goodbye.")   # heard to its end, then hang-up

async def to_the_bar(call: Call, brief: str) -> None:
    if not await call.transfer(call.settings["bar"], timeout_s=20, whisper=brief):
        await call.voicemail("Nobody is free. Please speak after the tone.")

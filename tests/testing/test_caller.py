"""The kit, on small dialplans."""

import asyncio
import re
import time
import wave
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import aiohttp
import pytest
from aiohttp import web
from typing_extensions import override

from dialplans.parrot import parrot
from media_server.call.events import Noted
from media_server.dialplan import Call, CallEnded, Tone
from media_server.errors import ConfigError
from media_server.testing import caller


async def patient(call: Call) -> None:
    async for turn in call.turns():
        await call.say(f"You said {turn.text}")


async def test_a_whole_booking_takes_a_minute_of_call_and_no_time() -> None:
    begun = time.monotonic()
    async with caller("small_booking.py") as me:
        await me.hears("good evening")
        me.says("four")
        await me.hears("Which day")
        me.says("on fri...", pause=1.4, then="on Friday")
        await me.hears("what time")
        me.presses("1930#")
        await me.hears("Is that right?")
        me.interrupts("yes")
        heard = await me.hears("Your number is twelve")
        await me.hears("Goodbye")
    assert heard == "Done. Your number is twelve."
    assert 15 < heard.at < 40
    assert me.record.notes == {"people": "four", "day": "on fri... on friday", "right": "yes"}
    assert me.record.cut_ins == 0
    assert me.record.ended_reason == "completed"
    assert me.record.digits == "1930#"
    assert me.record.ledger.balances
    assert time.monotonic() - begun < 10


async def test_a_hesitation_is_cut_by_a_dialplan_in_a_hurry_and_counted() -> None:
    async with caller(patient, patience="quick") as me:
        me.says("I want to go to", pause=3.2, then="London")
        await me.hears("You said I want to go to")
        await me.hears("London")
    assert me.record.cut_ins == 1


async def test_the_same_hesitation_is_waited_for_by_a_patient_one() -> None:
    async with caller(patient, patience="patient") as me:
        me.says("I want to go to", pause=3.2, then="London")
        assert await me.hears("You said") == "You said"
        await me.hears("I want to go to London")
    assert me.record.cut_ins == 0
    assert [turn.text for turn in me.record.turns] == ["I want to go to London."]


async def test_what_is_said_whole_is_answered_soon_and_what_is_not_waits() -> None:
    async with caller(patient) as me:
        me.says("yes")
        whole = (await me.hears("You said")).at
        await me.hears("yes")
        me.says("to the")
        late = (await me.hears("You said")).at
        await me.hears("to the")
    assert whole < 0.3 + 0.3 + 0.6 + 0.6
    spoken = next(line for line in me.transcript if line.text == "to the")
    assert late - (spoken.at + 0.6) > 1.5


async def test_interrupting_words_cut_the_agent_and_what_was_cut_was_not_heard() -> None:
    async def long(call: Call) -> None:
        said = await call.say("One two three four five six seven eight nine ten eleven twelve.")
        await call.say(f"You heard {len(said.heard.split())} words.")
        await call.say("Goodbye.")

    async with caller(long) as me:
        await me.hears("three")
        me.interrupts("stop it now")
        heard = await me.hears(re.compile(r"You heard (\d+) words"))
    assert heard.match is not None
    assert "twelve" not in heard
    cut = heard.split().index("You")
    assert abs(3 + cut - int(heard.match[1])) <= 1, "what the server believes was heard was heard"


async def test_who_interrupts_an_agent_that_says_nothing_has_written_a_wrong_test() -> None:
    async def interrupt() -> None:
        async with caller(patient) as me:
            me.interrupts("stop")
            await me.hears("You said")

    with pytest.raises(AssertionError, match="did not speak"):
        await interrupt()


async def test_a_cough_and_a_mumble_take_nothing_from_the_agent() -> None:
    async with caller(parrot) as me:
        await me.hears("Hello")
        me.coughs()
        await me.hears("say it back")
        me.says("a long story about a dog and a cat")
        await me.hears("a long")
        me.mumbles()
        await me.hears("about a dog and a cat, you said.")
        await me.hears_nothing(for_s=5)
    assert len(me.record.turns) == 1


async def test_keys_are_pressed_one_after_the_other() -> None:
    keys: list[tuple[float, str]] = []

    async def listen(call: Call) -> None:
        async for turn in call.turns():
            at = asyncio.get_running_loop().time()
            keys.append((at, turn.dtmf))

    async with caller(listen) as me:
        me.presses("12#", gap_s=0.5)
        await me.waits(3)
    assert [key for _, key in keys] == ["1", "2", "#"]
    assert keys[2][0] - keys[0][0] == pytest.approx(1.0, abs=0.01)
    assert me.record.digits == "12#"


async def test_a_silent_caller_is_asked_twice_and_let_go() -> None:
    async with caller(parrot) as me:
        for words in ("say it back", "Are you still there", "Are you still there", "Goodbye"):
            await me.hears(words)
    assert me.record.ended_reason == "completed"
    assert 7.9 < me.silences[0].seconds < 8.3


async def test_a_caller_who_hangs_up_ends_the_call() -> None:
    ended: list[str] = []

    async def talk(call: Call) -> None:
        try:
            await call.say("One two three four five six seven eight nine ten.")
        except CallEnded:
            ended.append("yes")
            raise

    async with caller(talk) as me:
        await me.hears("two")
        me.hangs_up()
        with pytest.raises(AssertionError, match="the call ended before"):
            await me.hears("nine")
    assert ended == ["yes"]
    assert me.record.ended_reason == "caller_hangup"
    assert me.record.error is None


async def test_what_was_not_heard_is_told_with_the_whole_transcript() -> None:
    async def talk() -> None:
        async with caller(parrot) as me:
            await me.hears("say it back")
            me.says("a table")
            await me.hears("no such thing", within_s=5)

    with pytest.raises(AssertionError) as failure:
        await talk()
    lines = str(failure.value).splitlines()
    assert lines[0] == "the caller did not hear 'no such thing' within 5 s"
    assert re.fullmatch(r" +0\.\d\d s  agent   Hello! Say something, and I say it back\.", lines[1])
    assert re.fullmatch(r" +\d\.\d\d s  caller  a table", lines[2])
    assert re.fullmatch(r" +\d\.\d\d s  agent   A table, you said\.", lines[3])


async def test_what_is_only_said_and_never_heard_does_not_count() -> None:
    async def talk(call: Call) -> None:
        await call.say("One two three four five six seven eight nine ten.")
        await call.say("Goodbye.")

    async def interrupt() -> None:
        async with caller(talk) as me:
            await me.hears("two")
            me.interrupts("oh please stop")
            await me.hears("ten")

    with pytest.raises(AssertionError, match="the call ended before the caller heard 'ten'"):
        await interrupt()


async def test_an_error_of_the_dialplan_fails_the_test_with_file_and_line() -> None:
    async def broken(call: Call) -> None:
        await call.say("Hello.")
        raise LookupError("no table")

    async def call_in() -> None:
        async with caller(broken) as me:
            await me.hears("Hello")
            await me.hears("something went wrong")

    with pytest.raises(AssertionError, match=r"test_caller\.py:\d+: LookupError: no table") as failure:
        await call_in()
    assert isinstance(failure.value.__cause__, LookupError)
    async with caller(broken, expect_error=True) as me:
        await me.hears("call again later")
    assert me.record.error is not None
    assert me.record.error.startswith("LookupError at test_caller.py:")
    assert me.record.ended_reason == "dialplan_error"


async def test_a_missing_or_broken_file_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no nothing\.py in "):
        caller("nothing.py")
    (tmp_path / "bad.py").write_text("async def bad(call:\n")
    with pytest.raises(ConfigError, match=r"bad\.py:1"):
        caller(tmp_path / "bad.py")


async def test_the_dialplan_knows_who_calls_whom_and_by_which_route() -> None:
    async def tell(call: Call) -> None:
        call.note(caller=call.caller, called=call.called, bar=call.settings["bar"], direction=call.direction)
        await call.say("Thank you.")

    async with caller(
        tell, caller="+15550007", called="+15550008", settings={"bar": "+15550009"}, direction="outbound"
    ) as me:
        await me.hears("Thank you")
    assert me.record.notes == {
        "caller": "+15550007",
        "called": "+15550008",
        "bar": "+15550009",
        "direction": "outbound",
    }
    assert any(isinstance(event, Noted) for event in me.events)


async def test_words_of_a_streamed_reply_are_heard_in_order() -> None:
    async def reply(call: Call) -> None:
        async def words() -> AsyncIterator[str]:
            for number in range(3):
                yield f"This is part {number}. "
                await asyncio.sleep(1.0)

        await call.say(words())

    async with caller(reply) as me:
        await me.hears("part 0")
        await me.hears("part 1")
        await me.hears("part 2")
    assert me.silences[0].seconds < 1.5


async def test_time_is_real_again_behind_the_block() -> None:
    loop = asyncio.get_running_loop()
    before = dict(vars(loop))
    fired: list[float] = []
    async with caller(parrot) as me:
        await me.hears("say it back")
        loop.call_later(100.1, lambda: fired.append(time.monotonic()))
        await me.waits(100)
    assert {name for name in vars(loop) if name not in before} == set()
    assert abs(loop.time() - time.monotonic()) < 1
    begun = time.monotonic()
    await asyncio.sleep(0.15)
    assert 0.14 < time.monotonic() - begun < 1
    assert len(fired) == 1, "what was a tenth of a second away still is"


async def answer_slowly(_request: web.Request) -> web.Response:
    await asyncio.sleep(5.0)
    return web.Response(text="four tables")


async def test_a_server_in_the_loop_of_the_test_is_asked_in_virtual_time() -> None:
    app = web.Application()
    app.router.add_get("/", answer_slowly)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    begun = time.monotonic()

    async def ask(call: Call) -> None:
        text = await call.http.get_text(f"http://127.0.0.1:{port}/", timeout_s=6)
        await call.say(f"There are {text}.")

    try:
        async with caller(ask) as me:
            heard = await me.hears("four tables")
        assert 5.0 < heard.at < 8.0
        assert time.monotonic() - begun < 4
    finally:
        await runner.cleanup()


class Slow(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(0.3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"four tables")

    @override
    def log_message(self, *_: object) -> None:
        pass


async def test_a_server_elsewhere_has_real_time_to_answer_and_no_timeout_is_false() -> None:
    server = HTTPServer(("127.0.0.1", 0), Slow)
    thread = Thread(target=server.serve_forever)
    thread.start()

    async def ask(call: Call) -> None:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        async with aiohttp.ClientSession() as session, asyncio.timeout(5), session.get(url) as response:
            text = await response.text()
        await call.say(f"There are {text}.")

    try:
        async with caller(ask) as me:
            heard = await me.hears("four tables")
        assert 0.3 < heard.at < 3.0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_function_in_a_thread_has_real_time() -> None:
    async def think(call: Call) -> None:
        async with asyncio.timeout(5):
            await asyncio.to_thread(time.sleep, 0.2)
        await call.say("Ready.")

    async with caller(think) as me:
        heard = await me.hears("Ready")
    assert 0.2 < heard.at < 3.0


async def test_two_callers_share_one_clock() -> None:
    async def call_in(words: str) -> float:
        async with caller(parrot) as me:
            await me.hears("say it back")
            me.says(words)
            return (await me.hears(words)).at

    loop = asyncio.get_running_loop()
    assert len(await asyncio.gather(call_in("four"), call_in("a table for four people"))) == 2
    assert abs(loop.time() - time.monotonic()) < 1


async def test_work_pauses_messages_and_played_keys_are_met_as_on_a_line() -> None:
    async def take_message(call: Call) -> None:
        async with call.working("One moment."):
            await asyncio.sleep(3)
        await call.pause(1)
        message = await call.voicemail("Nobody is here. Speak after the tone.", transcribe=True)
        call.note(text=message.text, reason=message.reason)
        await call.send_dtmf("12#")
        await call.say("Thank you.")

    async with caller(take_message) as me:
        await me.hears("One moment")
        await me.hears("after the tone")
        me.says("this is Ann please call me back")
        await me.hears("Thank you")
    assert me.record.notes == {"text": "This is Ann please call me back.", "reason": "silence"}
    assert me.keys_heard == "12#"
    assert me.record.ledger.balances


@pytest.mark.parametrize("hertz", [440.0, 1000.0, 2000.0])
async def test_any_tone_is_heard(hertz: float) -> None:
    async def plan(call: Call) -> None:
        await call.play(Tone((hertz,), 0.5))
        await call.pause(2)

    async with caller(plan) as me:
        await me.waits(2)
    assert me.silences[0].at == pytest.approx(0.5, abs=0.02)


async def test_recordings_beside_the_dialplan_are_played(tmp_path: Path) -> None:
    (tmp_path / "gong.py").write_text(
        """async def gong(call):
    call.note(played=(await call.play("gong.wav")).complete)
"""
    )
    with wave.open(str(tmp_path / "gong.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    async with caller(tmp_path / "gong.py") as me:
        await me.waits(2)
    assert me.record.notes == {"played": True}

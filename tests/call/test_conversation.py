"""Whole conversations in virtual time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from dialplans.parrot import parrot
from media_server.call.events import AgentSaid, Answered, CallEndedEvent, CallerSaid
from media_server.call.phrases import APOLOGY, GOODBYE, REPROMPT
from media_server.dialplan import Call, CallEnded, Turn
from media_server.protocol.asr_stream import AsrClosed, Final, TurnEnded
from tests.call.stage import Stage, on_stage

pytestmark = pytest.mark.looptime

GREETING = "Hello! Say something, and I say it back."


def said(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, AgentSaid)]


def ended(stage: Stage) -> str:
    return next(event.reason for event in stage.events if isinstance(event, CallEndedEvent))


async def test_the_greeting_sounds_at_once_and_a_turn_is_answered_with_the_callers_words() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        assert stage.audible()[0] < 0.01
        await stage.says("Open the door.")
        await stage.sound(3.0)
    assert said(stage) == [GREETING, "Open the door, you said."]
    receipt = next(event.receipt for event in stage.events if isinstance(event, Answered))
    assert receipt.speculated
    assert receipt.think == 0
    assert receipt.total == receipt.waited + receipt.words + receipt.think + receipt.voice + receipt.wire
    assert 290 <= receipt.total <= 350


async def test_nothing_of_ours_begins_while_the_caller_speaks() -> None:
    async def talk(call: Call) -> None:
        async for turn in call.turns():
            await call.say(turn.text)

    async with on_stage(talk, voice_delay_s=0.15) as stage:
        await stage.sound(0.1)
        await stage.says("one")
        await stage.begins()  # before "one" could be said
        await stage.sound(2.0)
        assert stage.audible() == []
        await stage.ends("two")
        await stage.sound(3.0)
    assert said(stage) == ["one", "two"]


async def test_a_speculation_that_was_wrong_is_never_heard() -> None:
    replies: list[str] = []

    async def reply(turn: Turn) -> str:
        replies.append(turn.text)
        return f"reply to {turn.text}"

    async with on_stage(lambda call: call.converse(reply), voice_delay_s=0.3) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("book")
        await stage.resumes()
        await stage.pauses("book a table")
        await stage.ends("book a table")
        await stage.sound(4.0)
    assert replies == ["book", "book a table"]
    assert said(stage) == ["reply to book a table"]
    assert stage.voice.cancelled == ["u1"]


async def test_who_goes_on_before_the_answer_sounds_is_answered_once_for_all() -> None:
    async def reply(turn: Turn) -> str:
        return turn.text

    async with on_stage(lambda call: call.converse(reply), voice_delay_s=1.0) as stage:
        await stage.sound(0.1)
        await stage.says("a table")
        await stage.says("for four")
        await stage.sound(4.0)
    assert said(stage) == ["a table for four"]
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["a table", "for four"]


async def test_what_needs_certainty_waits_for_the_commit() -> None:
    done: list[str] = []

    async def reply(turn: Turn) -> str:
        await turn.committed()
        done.append(turn.text)
        return "done"

    async with on_stage(lambda call: call.converse(reply)) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("delete")
        await stage.resumes()
        await stage.pauses("delete nothing")
        assert done == []
        await stage.ends("delete nothing")
        await stage.sound(2.0)
    assert done == ["delete nothing"]


async def test_a_streamed_reply_begins_with_its_first_clause() -> None:
    async def words() -> AsyncIterator[str]:
        yield "This is the first part, "
        await asyncio.sleep(1.0)
        yield "and this the second."

    async def reply(_turn: Turn) -> AsyncIterator[str]:
        return words()

    async with on_stage(lambda call: call.converse(reply)) as stage:
        await stage.sound(0.1)
        await stage.says("go on")
        await stage.sound(6.0)
        assert stage.voice.said[0].strip() == "This is the first part,"
    assert said(stage) == ["This is the first part, and this the second."]


async def test_silence_is_asked_about_twice_then_the_call_ends_with_a_goodbye() -> None:
    async with on_stage(parrot, phrases=(GREETING, REPROMPT, GOODBYE)) as stage:
        await stage.sound(60.0)
    assert said(stage) == [GREETING, REPROMPT, REPROMPT, GOODBYE]
    assert ended(stage) == "completed"


async def test_a_noise_without_words_is_no_turn() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        await stage.begins()
        await stage.ends("")
        await stage.sound(2.0)
    assert said(stage) == [GREETING]
    assert stage.conversation is not None
    assert stage.conversation.chronicle.record.turns == []


async def test_returning_hangs_up_when_the_last_word_was_heard() -> None:
    async def short(call: Call) -> None:
        await call.say("Goodbye then.")

    async with on_stage(short) as stage:
        assert stage.conversation is not None
        await stage.sound(3.0)
    assert ended(stage) == "completed"
    assert [event.complete for event in stage.events if isinstance(event, AgentSaid)] == [True]


async def test_a_caller_who_leaves_ends_the_dialplan_and_only_what_was_heard_is_kept() -> None:
    reasons: list[str] = []

    async def talk(call: Call) -> None:
        try:
            await call.say("a very long sentence that nobody will hear to its very end")
        except CallEnded as end:
            reasons.append(str(end))

    async with on_stage(talk) as stage:
        await stage.sound(1.0)
    assert reasons == ["caller_hangup"]
    event = next(event for event in stage.events if isinstance(event, AgentSaid))
    assert (event.heard, event.complete) == ("a very long", False)


async def test_a_dialplan_that_raises_is_apologised_for() -> None:
    async def broken(call: Call) -> None:
        raise KeyError(call.caller)

    async with on_stage(broken, phrases=(APOLOGY,)) as stage:
        await stage.sound(6.0)
    assert said(stage) == [APOLOGY]
    assert ended(stage) == "dialplan_error"
    assert stage.conversation is not None
    assert (stage.conversation.chronicle.record.error or "").startswith("KeyError at test_conversation.py:")


async def test_an_engine_that_goes_away_is_apologised_for() -> None:
    async with on_stage(parrot, phrases=(GREETING, APOLOGY)) as stage:
        await stage.sound(3.0)
        stage.asr.refuse = True
        await stage.asr.sockets[0].aclose()
        await stage.sound(12.0)
    assert said(stage) == [GREETING, APOLOGY]
    assert ended(stage) == "engine_unavailable"


async def test_keys_reach_the_dialplan_and_the_record() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        stage.port.press("5")
        await stage.sound(2.0)
    assert said(stage) == [GREETING, "5, you pressed."]
    assert stage.conversation is not None
    assert stage.conversation.chronicle.record.digits == "5"


async def test_a_call_has_a_longest_length() -> None:
    async with on_stage(parrot, phrases=(GREETING, GOODBYE), max_call_s=5.0) as stage:
        await stage.sound(8.0)
    assert said(stage) == [GREETING, GOODBYE]
    assert ended(stage) == "limit"


async def test_the_echo_sends_back_every_sample_and_asks_no_engine() -> None:
    async def echo(call: Call) -> None:
        await call.echo()

    async with on_stage(echo) as stage:
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        for _ in range(50):
            stage.port.hear(b"\x01\x10" * 160)
            await asyncio.sleep(0.02)
        assert len(stage.port.played) == 50
        assert all(begins - began - 0.02 * index < 0.005 for index, (begins, _) in enumerate(stage.port.played))
    assert stage.asr.sockets == []
    assert stage.tts.sockets == []


async def test_what_the_caller_says_while_we_speak_is_kept() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(0.2)
        await stage.says("hello there")  # while the greeting sounds
        await stage.sound(5.0)
    assert said(stage) == [GREETING, "hello there, you said."]


# --- when parts fail -------------------------------------------------------------------------------------------------


async def test_a_voice_that_dies_between_two_utterances_is_apologised_for() -> None:
    async def talk(call: Call) -> None:
        await call.say("one")
        await asyncio.sleep(1)
        await call.say("two")

    async with on_stage(talk, phrases=(APOLOGY,)) as stage:
        await stage.sound(1.0)
        await stage.voice.aclose()
        stage.tts.refuse = True
        await stage.sound(15.0)
    assert said(stage) == ["one", APOLOGY]
    assert ended(stage) == "engine_unavailable"


async def test_a_reply_that_breaks_in_the_middle_is_apologised_for() -> None:
    async def words() -> AsyncIterator[str]:
        yield "This is the first part, "
        raise ConnectionError("the model is gone")

    async def reply(_turn: Turn) -> AsyncIterator[str]:
        return words()

    async with on_stage(lambda call: call.converse(reply), phrases=(APOLOGY,)) as stage:
        await stage.sound(0.1)
        await stage.says("go on")
        await stage.sound(8.0)
    assert said(stage)[-1] == APOLOGY
    assert ended(stage) == "dialplan_error"


async def test_a_text_longer_than_a_message_is_said() -> None:
    async def talk(call: Call) -> None:
        await call.say("x" * 8001)

    async with on_stage(talk) as stage:
        await stage.sound(410.0)
    assert [event.complete for event in stage.events if isinstance(event, AgentSaid)] == [True]


async def test_a_caller_who_leaves_while_the_voice_connects_leaves_nothing_behind() -> None:
    async def talk(call: Call) -> None:
        await call.say("hello")

    async with on_stage(talk) as stage:
        stage.tts.delay_s = 1.0
        await asyncio.sleep(0)
    await asyncio.sleep(2.0)
    assert ended(stage) == "caller_hangup"
    assert all(socket.closed for socket in (*stage.tts.sockets, *stage.asr.sockets))


async def test_an_answer_that_never_comes_is_apologised_for() -> None:
    async def reply(_turn: Turn) -> str:
        await asyncio.sleep(3600)
        return ""

    async with on_stage(lambda call: call.converse(reply), phrases=(APOLOGY,)) as stage:
        await stage.sound(0.1)
        await stage.says("hello")
        await stage.sound(40.0)
    assert said(stage) == [APOLOGY]
    assert ended(stage) == "deadline_exceeded"


async def test_a_voice_that_hangs_is_apologised_for() -> None:
    async with on_stage(parrot, phrases=(GREETING, APOLOGY), voice_delay_s=3600) as stage:
        await stage.sound(3.0)
        await stage.says("hello")
        await stage.sound(15.0)
    assert said(stage) == [GREETING, APOLOGY]


async def test_the_apology_does_not_wait_behind_a_speculation() -> None:
    async def reply(turn: Turn) -> str:
        return turn.text

    async with on_stage(lambda call: call.converse(reply), phrases=(APOLOGY,)) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("book")
        stage.asr.refuse = True
        await stage.asr.sockets[0].aclose()
        await stage.sound(14.0)
    assert said(stage) == [APOLOGY]


async def test_the_goodbye_ends_an_echo() -> None:
    async with on_stage(lambda call: call.echo(), phrases=(GOODBYE,), max_call_s=2.0) as stage:
        await stage.sound(5.0)
    assert said(stage) == [GOODBYE]
    assert ended(stage) == "limit"


async def test_an_effect_that_waited_for_the_commit_happens_once() -> None:
    effects: list[str] = []

    async def reply(turn: Turn) -> str:
        await turn.committed()
        effects.append(turn.text)
        await asyncio.sleep(1.0)
        return f"booked {turn.text}"

    async with on_stage(lambda call: call.converse(reply)) as stage:
        await stage.sound(0.1)
        await stage.says("a table")
        await stage.says("please")
        await stage.sound(6.0)
    assert effects == ["a table", "please"]
    assert said(stage) == ["booked a table", "booked please"]


async def test_a_cough_does_not_take_a_key_back() -> None:
    async with on_stage(parrot, phrases=(GREETING,), voice_delay_s=0.5) as stage:
        await stage.sound(3.0)
        stage.port.press("5")
        stage.port.press("6")
        await stage.sound(0.1)
        await stage.begins()
        await stage.ends("")
        await stage.sound(6.0)
    assert said(stage) == [GREETING, "5, you pressed.", "6, you pressed."]


async def test_a_recogniser_that_closes_by_itself_is_followed_by_another() -> None:
    async with on_stage(parrot, phrases=(GREETING, APOLOGY)) as stage:
        await stage.sound(3.0)
        stage.tell(AsrClosed(received_s=1, decoded_s=0, silence_s=1, dropped_s=0, reason="limit"))
        await stage.sound(1.0)
        await stage.says("hello")
        await stage.sound(3.0)
    assert said(stage) == [GREETING, "hello, you said."]
    assert len(stage.asr.sockets) == 2


async def test_messages_of_a_later_recogniser_are_ignored() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        stage.asr.sockets[0].to_client.put_nowait('{"type": "mood", "turn": 1}')
        await stage.says("hello")
        await stage.sound(3.0)
    assert said(stage) == [GREETING, "hello, you said."]


async def test_silence_is_asked_about_also_after_a_reply_of_none() -> None:
    async def nothing(_turn: Turn) -> None:
        return None

    async def talk(call: Call) -> None:
        await call.say("Hello.")
        await call.converse(nothing)

    async with on_stage(talk, phrases=("Hello.", REPROMPT, GOODBYE)) as stage:
        await stage.sound(0.1)
        await stage.says("one")  # while the greeting sounds
        await stage.sound(20.0)
    assert REPROMPT in said(stage)


async def test_turns_have_receipts_too() -> None:
    async def talk(call: Call) -> None:
        async for turn in call.turns():
            await call.say(turn.text)

    async with on_stage(talk) as stage:
        await stage.sound(0.1)
        for words in ("one", "two"):
            await stage.says(words)
            await stage.sound(2.0)
    receipts = [event.receipt for event in stage.events if isinstance(event, Answered)]
    assert [receipt.speculated for receipt in receipts] == [False, False]
    assert stage.conversation is not None
    assert stage.conversation.chronicle.clocks == {}


async def test_what_was_said_last_is_kept_when_the_caller_leaves() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        await stage.begins()
        stage.port.hang_up()
        await asyncio.sleep(0.05)
        stage.tell(Final(turn=1, text="my number is five", start=0, end=3.4))
        stage.tell(TurnEnded(turn=1, end=3.4, at=3.5, probability=0.5, reason="close"))
        stage.tell(AsrClosed(received_s=3.5, decoded_s=0.5, silence_s=3, dropped_s=0, reason="client"))
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["my number is five"]


async def test_an_echo_keeps_nothing() -> None:
    async with on_stage(lambda call: call.echo()) as stage:
        await stage.sound(5.0)
        assert stage.conversation is not None
        assert sum(len(utterance.pcm) for utterance in stage.conversation.leg.playout._queue) <= 320


async def test_hanging_up_waits_for_the_last_word() -> None:
    async def plan(call: Call) -> None:
        saying = asyncio.create_task(call.say("goodbye now"))
        await asyncio.sleep(0.1)
        await call.hangup()
        await saying

    async with on_stage(plan) as stage:
        await stage.sound(3.0)
    assert ended(stage) == "completed"
    assert [event.heard for event in stage.events if isinstance(event, AgentSaid)] == ["goodbye now"]


async def test_half_a_character_that_a_model_writes_does_not_end_the_call() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "Glad to help \ud83d"
        yield "\ude00. "

    async def plan(call: Call) -> None:
        await call.say(pieces())
        async with call.working("A moment \ud83d"):
            await call.say("Goodbye.")

    async with on_stage(plan) as stage:
        await stage.sound(4.0)
    assert ended(stage) == "completed"
    assert said(stage)[0].startswith("Glad to help ")
    assert said(stage)[-1] == "Goodbye."

"""A caller who types, in virtual time."""

import asyncio
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialplans.parrot import parrot
from media_server.call.events import AgentSaid, Answered, CallerSaid
from media_server.call.recorder import Recording
from media_server.call.typed import MAX_CHARACTERS, typed_text
from media_server.dialplan import Call, Turn, YesNo
from tests.call.inline_files import InlineFiles
from tests.call.stage import Stage, on_stage
from tests.dialplan.number_slot import Code

pytestmark = pytest.mark.looptime

GREETING = "Hello! Say something, and I say it back."
LONG = "one two three four five six seven eight nine ten eleven twelve"
"""Three seconds."""


def said(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, AgentSaid)]


def turns(stage: Stage) -> list[tuple[int, str, str]]:
    return [(event.turn, event.text, event.reason) for event in stage.events if isinstance(event, CallerSaid)]


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def repeats(call: Call) -> None:
    async for turn in call.turns():
        await call.say(f"{turn.text}, {turn.reason}")


async def test_what_is_typed_is_answered_as_if_it_had_been_said() -> None:
    async with on_stage(parrot, phrases=(GREETING,)) as stage:
        await stage.sound(3.0)
        stage.port.type("open the door")
        await stage.sound(3.0)
    assert said(stage) == [GREETING, "open the door, you said."]
    assert turns(stage) == [(1, "open the door", "typed")]
    receipt = next(event.receipt for event in stage.events if isinstance(event, Answered))
    assert (receipt.waited, receipt.words, receipt.speculated) == (0, 0, False)
    assert receipt.total > 0


async def test_typed_and_spoken_turns_are_counted_together() -> None:
    async with on_stage(repeats) as stage:
        await stage.sound(0.1)
        await stage.says("one")
        await stage.sound(2.0)
        stage.port.type("two")
        await stage.sound(2.0)
        await stage.says("three")
        await stage.sound(2.0)
    assert [number for number, _, _ in turns(stage)] == [1, 2, 3]
    assert said(stage) == ["one, complete", "two, typed", "three, complete"]


async def test_what_is_typed_while_the_caller_speaks_is_a_turn_beside_theirs() -> None:
    async with on_stage(repeats) as stage:
        await stage.sound(0.1)
        await stage.begins()
        stage.port.type("by the way")
        await stage.sound(0.1)
        await stage.ends("hello")
        await stage.sound(4.0)
    assert turns(stage) == [(2, "by the way", "typed"), (1, "hello", "complete")]
    assert said(stage) == ["by the way, typed", "hello, complete"]
    assert [event.turn for event in stage.events if isinstance(event, Answered)] == [2, 1]


async def test_typed_words_cut_us_and_what_was_heard_is_kept_to_the_word() -> None:
    async def talk(call: Call) -> None:
        await call.say(LONG)
        await repeats(call)

    async with on_stage(talk) as stage:
        await stage.sound(1.4)
        stage.port.type("ok")
        await stage.sound(3.0)
    events = [event for event in stage.events if isinstance(event, AgentSaid)]
    assert (events[0].heard, events[0].complete) == ("one two three four five", False)
    assert said(stage)[1:] == ["ok, typed"]


async def test_typed_words_do_not_cut_what_must_be_heard() -> None:
    async def talk(call: Call) -> None:
        await call.say(LONG, barge_in=False)
        await repeats(call)

    async with on_stage(talk) as stage:
        await stage.sound(1.0)
        stage.port.type("stop")
        await stage.sound(5.0)
    assert [event.heard for event in stage.events if isinstance(event, AgentSaid)] == [LONG, "stop, typed"]


async def test_a_question_is_answered_by_keyboard() -> None:
    answers: list[bool] = []

    async def talk(call: Call) -> None:
        answers.append(await call.ask("Really?", YesNo()))

    async with on_stage(talk) as stage:
        await stage.sound(1.0)
        stage.port.type("yes please")
        await stage.sound(1.0)
    assert answers == [True]


async def test_an_answer_that_was_typed_before_the_question_counts_only_where_it_fits() -> None:
    codes: list[str | None] = []

    async def talk(call: Call) -> None:
        await call.say("Hello.", barge_in=False)
        codes.append(await call.gather(Code(4), question="Your code?"))

    async with on_stage(talk) as stage:
        await stage.sound(0.2)
        stage.port.type("hi")
        await stage.sound(1.5)
        stage.port.type("9 7 5 3")
        await stage.sound(1.0)
    assert codes == ["9753"]


async def test_without_any_sound_from_the_caller_typing_is_enough() -> None:
    answers: list[str] = []

    async def talk(call: Call) -> None:
        answers.append(await call.ask("Your code?", Code(4)))
        answers.append((await anext(call.turns())).text)

    async with on_stage(talk) as stage:
        await asyncio.sleep(1.5)
        stage.port.type("9 7 5 3")
        await asyncio.sleep(1.0)
        stage.port.type("thanks")
        await asyncio.sleep(1.0)
    assert answers == ["9753", "thanks"]


async def test_what_is_typed_before_the_dialplan_listens_is_kept() -> None:
    async def talk(call: Call) -> None:
        await asyncio.sleep(1.0)
        await repeats(call)

    async with on_stage(talk) as stage:
        await stage.sound(0.2)
        stage.port.type("hello")
        await stage.sound(3.0)
    assert said(stage) == ["hello, typed"]


async def test_what_is_typed_while_the_ears_rest_is_kept() -> None:
    async def talk(call: Call) -> None:
        call.conversation.listen()
        call.conversation.rest()
        await asyncio.sleep(1.0)
        call.conversation.resume()
        await repeats(call)

    async with on_stage(talk) as stage:
        await stage.sound(0.5)
        stage.port.type("are you there")
        await stage.sound(1.0)
        await stage.says("hello")
        await stage.sound(4.0)
    assert turns(stage) == [(1, "are you there", "typed"), (2, "hello", "complete")]


async def test_a_typed_turn_withdraws_an_answer_that_was_not_heard_yet() -> None:
    async def reply(turn: Turn) -> str:
        return turn.text

    async with on_stage(lambda call: call.converse(reply), voice_delay_s=1.0) as stage:
        await stage.sound(0.1)
        stage.port.type("a table")
        await stage.sound(0.5)
        stage.port.type("for four")
        await stage.sound(4.0)
    assert said(stage) == ["a table for four"]


async def test_a_typed_secret_is_kept_nowhere(tmp_path: Path) -> None:
    async def talk(call: Call) -> None:
        await call.gather(Code(4, secret=True), question="Your code?")
        await repeats(call)

    recording = Recording(tmp_path, InlineFiles(), calls=True)
    async with on_stage(talk, recording=recording) as stage:
        await stage.sound(1.5)
        stage.port.type("9 7 5 3")
        await stage.sound(1.0)
        stage.port.type("and now in public")
        await stage.sound(3.0)
    assert [text for _, text, _ in turns(stage)] == ["•••", "and now in public"]
    assert b"9 7 5 3" not in kept(tmp_path)
    assert b"and now in public" in kept(tmp_path)


async def test_a_text_of_nothing_is_no_turn() -> None:
    async with on_stage(repeats) as stage:
        await stage.sound(0.1)
        for text in ("", "  \n", "\x00\x07", "\u202e"):
            stage.port.type(text)
        await stage.sound(1.0)
    assert turns(stage) == []


def test_a_text_is_one_line_of_what_can_be_seen() -> None:
    assert typed_text(" two\r\n lines\tand\x1b[31m red \u202etxet ") == "two lines and [31m red txet"
    assert typed_text("👩\u200d🍳") == "👩\u200d🍳"
    assert typed_text("half \ud83d") == "half"


@given(st.text(max_size=100) | st.text(min_size=1).map(lambda text: text * MAX_CHARACTERS))
def test_no_text_is_too_long_or_steers_a_terminal(text: str) -> None:
    typed = typed_text(text)
    assert len(typed) <= MAX_CHARACTERS
    assert typed == typed_text(typed)
    assert not {unicodedata.category(char) for char in typed} & {"Cc", "Cs", "Zl", "Zp"}

"""One attempt at an answer, in virtual time."""

import json
from itertools import pairwise
from typing import Any

import pytest
from typing_extensions import override

from media_server.call.events import AgentSaid, CallerSaid, DigitPressed, SlotHeard
from media_server.dialplan import Call, Digits, Number, YesNo
from tests.call.stage import Stage, on_stage
from tests.dialplan.number_slot import Code

pytestmark = pytest.mark.looptime


def expectations(stage: Stage) -> list[dict[str, Any]]:
    """What the recogniser was told to expect, message by message."""
    texts = [json.loads(text) for socket in stage.asr.sockets for text in socket.texts]
    return [{key: text[key] for key in text if key != "type"} for text in texts if text["type"] == "Configure"]


def asking(results: list[object], code: Code, **options: Any) -> Any:
    async def plan(call: Call) -> None:
        results.append(await call.gather(code, question="Your code?", **options))
        await call.say("Thank you.")

    return plan


async def test_an_answer_that_fits_is_taken() -> None:
    results: list[object] = []
    async with on_stage(asking(results, Code(4), name="pin"), phrases=("Your code?", "Thank you.")) as stage:
        await stage.sound(1.0)
        await stage.says("1 2 3 4")
        await stage.sound(2.0)
    assert results == ["1234"]
    [slot] = [event for event in stage.events if isinstance(event, SlotHeard)]
    assert (slot.name, slot.filled, slot.value) == ("pin", True, "1 2 3 4")


async def test_the_recogniser_is_told_when_more_is_to_come_and_when_it_is_enough() -> None:
    async with on_stage(asking([], Code(4))) as stage:
        await stage.sound(1.0)
        await stage.begins()
        await stage.pauses("1 2")
        await stage.resumes()
        await stage.pauses("1 2 3 4")
        await stage.ends("1 2 3 4")
        await stage.sound(2.0)
    assert expectations(stage) == [
        {"slot_complete": False, "keyterm": ["seven"]},
        {"max_silence_ms": 3000},
        {"slot_complete": True},
        {"slot_complete": None, "keyterm": None, "max_silence_ms": None},
    ]


async def test_where_digits_are_asked_for_the_recogniser_knows_how_many() -> None:
    async def plan(call: Call) -> None:
        await call.gather(Digits(4, 6))

    async with on_stage(plan) as stage:
        await stage.sound(1.0)
        await stage.says("1 2 3 4 5 6")
        await stage.sound(1.0)
    assert expectations(stage)[0] == {"slot_complete": False, "digits": [4, 6]}
    assert expectations(stage)[-1] == {"slot_complete": None, "digits": None}


async def test_what_could_still_grow_ends_with_a_usual_pause() -> None:
    async with on_stage(asking([], Code(2, open_ended=True))) as stage:
        await stage.sound(1.0)
        await stage.says("1 2")
        await stage.sound(2.0)
    assert {"slot_complete": None} in expectations(stage)
    assert {"slot_complete": True} not in expectations(stage)


async def test_a_number_said_in_two_turns_is_one_answer() -> None:
    results: list[object] = []
    async with on_stage(asking(results, Code(4)), phrases=("Your code?", "Thank you.")) as stage:
        await stage.sound(1.0)
        await stage.says("1 2")
        await stage.sound(1.5)
        await stage.says("3 4")
        await stage.sound(2.0)
    assert results == ["1234"]


async def test_who_stops_in_the_middle_is_waited_for_and_then_not_understood() -> None:
    results: list[object] = []
    async with on_stage(asking(results, Code(4)), phrases=("Your code?", "Thank you.")) as stage:
        await stage.sound(1.0)
        await stage.says("1 2")
        await stage.sound(2.0)
        assert results == []
        await stage.sound(3.0)
    assert results == [None]


async def test_keys_fill_it_at_once_or_when_no_more_come() -> None:
    for keys, seconds in (("1234", 0.5), ("12#", 0.5), ("12", 4.5)):
        results: list[object] = []
        async with on_stage(asking(results, Code(4)), phrases=("Your code?", "Thank you.")) as stage:
            await stage.sound(0.2)  # into the question
            for key in keys:
                stage.port.press(key)
                await stage.sound(0.2)
            await stage.sound(seconds)
            assert results == ["1234" if keys == "1234" else None]


def keyed(results: list[object]) -> Any:
    """A number by one key, a sentence, a question of yes or no, and whatever is pressed then."""

    async def plan(call: Call) -> None:
        results.append(await call.gather(Number(1, 9), question="How many?"))
        results.append((await call.say("Thank you for telling me.")).complete)
        results.append(await call.gather(YesNo(), question="Right?"))
        keys = call.turns()
        while True:
            results.append((await anext(keys)).dtmf)

    return plan


KEYED = ("How many?", "Thank you for telling me.", "Right?")


@pytest.mark.parametrize("gap_s", [0.0, 0.2, 1.4])
async def test_a_pound_key_behind_keys_that_were_enough_belongs_to_them(gap_s: float) -> None:
    results: list[object] = []
    async with on_stage(keyed(results), phrases=KEYED) as stage:
        await stage.sound(1.0)
        stage.port.press("3")
        await stage.sound(gap_s)
        stage.port.press("#")
        await stage.sound(3.0)
        assert results == [3, True]
        stage.port.press("1")
        await stage.sound(0.2)
        stage.port.press("#")
        await stage.sound(0.5)
        assert results == [3, True, True]
    assert [event.digit for event in stage.events if isinstance(event, DigitPressed)] == ["3", "#", "1", "#"]


async def test_a_pound_key_that_comes_late_or_twice_or_behind_another_key_is_a_key_as_ever() -> None:
    for keys, gap_s, expected in (("1#", 2.0, ["#"]), ("1##", 0.2, ["#"]), ("15#", 0.2, ["5", "#"])):
        results: list[object] = []
        async with on_stage(keyed(results), phrases=KEYED) as stage:
            await stage.sound(0.5)
            stage.port.press("3")
            await stage.sound(3.0)
            for key in keys:
                stage.port.press(key)
                await stage.sound(gap_s)
        assert results == [3, True, True, *expected]


async def test_silence_is_no_answer_after_the_time_that_is_given() -> None:
    results: list[object] = []
    async with on_stage(asking(results, Code(4), timeout_s=3.0), phrases=("Your code?", "Thank you.")) as stage:
        await stage.sound(3.0)
        assert results == []
        await stage.sound(2.0)
    assert results == [None]


async def test_words_of_before_the_question_are_no_answer_unless_they_fit() -> None:
    for words, expected in (("hello are you there", []), ("1 2 3 4", ["1234"])):
        results: list[object] = []

        async def plan(call: Call, results: list[object] = results) -> None:
            await call.say("Welcome to all of us here.", barge_in=False)
            results.append(await call.gather(Code(4), question="Your code?"))

        async with on_stage(plan, phrases=("Welcome to all of us here.", "Your code?")) as stage:
            await stage.sound(0.1)
            await stage.says(words)
            await stage.sound(3.0)
            assert results == expected


async def test_a_yeah_into_the_question_is_an_answer_where_it_fits() -> None:
    class Yeah(Code):
        @override
        def feed(self, text: str, dtmf: str = "") -> Any:
            return super().feed("1" if "yeah" in text.lower() else text, dtmf)

    results: list[object] = []
    async with on_stage(asking(results, Yeah(1)), phrases=("Thank you.",)) as stage:
        await stage.sound(0.2)
        await stage.says("Yeah.")
        await stage.sound(1.0)
        assert results == ["1"]


async def test_a_secret_stands_nowhere() -> None:
    results: list[object] = []

    async def plan(call: Call) -> None:
        await asking(results, Code(4, secret=True))(call)
        async for _ in call.turns():
            pass

    async with on_stage(plan, phrases=("Your code?", "Thank you.")) as stage:
        await stage.sound(1.0)
        await stage.begins()
        await stage.ends("my code is 9 7")
        stage.port.press("9")
        stage.port.press("7")
        stage.port.press("5")
        stage.port.press("3")
        await stage.sound(2.0)
        await stage.says("and now in public")
        await stage.sound(0.5)
    assert results == ["9753"]
    told = [event.model_dump_json() for event in stage.events]
    assert not any("975" in text or "9 7" in text for text in told)
    assert {event.digit for event in stage.events if isinstance(event, DigitPressed)} == {"•"}
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["•••", "and now in public"]
    assert [event.text for event in stage.events if isinstance(event, AgentSaid)] == ["Your code?", "Thank you."]
    assert stage.conversation is not None
    assert "975" not in stage.conversation.chronicle.record.model_dump_json()


async def test_a_voice_that_takes_its_time_is_no_silence_of_the_callers() -> None:
    results: list[object] = []
    plan = asking(results, Code(4), timeout_s=1.5)
    async with on_stage(plan, voice_delay_s=3.0) as stage:
        await stage.sound(4.0)
        assert results == []
        await stage.says("1 2 3 4")
        await stage.sound(1.0)
    assert results == ["1234"]


async def test_while_a_question_is_made_the_line_is_not_dead() -> None:
    async with on_stage(asking([], Code(4)), voice_delay_s=4.0) as stage:
        await stage.sound(6.0)
        audible = stage.audible()
    assert max(after - before for before, after in pairwise([0.0, *audible])) < 2.0

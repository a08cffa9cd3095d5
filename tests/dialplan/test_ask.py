"""Questions until they are answered, in virtual time."""

import datetime as dt
from typing import Any

import pytest

from media_server.call.events import AgentSaid, CallEndedEvent, SlotHeard
from media_server.call.phrases import GOODBYE, NOT_HEARD, NOT_UNDERSTOOD, WHAT_INSTEAD
from media_server.dialplan import Call, Date, Digits, NoAnswer, Number, Text, Time, YesNo
from tests.call.stage import Stage, on_stage

pytestmark = pytest.mark.looptime

PHRASES = (NOT_HEARD, NOT_UNDERSTOOD, GOODBYE, WHAT_INSTEAD)
THURSDAY = dt.date(2026, 11, 26)


def said(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if isinstance(event, AgentSaid)]


async def answer(stage: Stage, *texts: str) -> None:
    """After each question, a sentence."""
    for text in texts:
        await stage.sound(5.0)
        await stage.says(text)
        await stage.sound(0.5)


async def test_a_question_is_asked_again_in_other_words_and_the_third_time_by_keys() -> None:
    results: list[object] = []

    async def plan(call: Call) -> None:
        results.append(await call.ask("How many people?", Number(1, 12), again="A number from one to twelve?"))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await answer(stage, "the weather is fine", "forty people")
        await stage.sound(8.0)
        stage.port.press("4")
        stage.port.press("#")
        await stage.sound(3.0)
    assert results == [4]
    assert said(stage)[:4] == ["How many people?", NOT_UNDERSTOOD, "A number from one to twelve?", NOT_UNDERSTOOD]
    assert said(stage)[4] == "A number from one to twelve?"
    assert "pound" in said(stage)[5] or "key" in said(stage)[5] or "type" in said(stage)[5]
    told = [(event.filled, event.value) for event in stage.events if isinstance(event, SlotHeard)]
    assert told == [(False, None), (False, None), (True, "4")]


async def test_who_never_answers_is_given_up() -> None:
    gaps: list[tuple[str, str]] = []

    async def plan(call: Call) -> None:
        try:
            await call.ask("How many?", Number(1, 12), retries=1)
        except NoAnswer as gap:
            gaps.append((gap.question, gap.reason))

    async with on_stage(plan, phrases=PHRASES, no_input_s=8.0) as stage:
        await stage.sound(25.0)
    assert gaps == [("How many?", "silence")]
    assert said(stage) == ["How many?", NOT_HEARD, "How many?"]


async def test_a_question_that_nobody_catches_ends_the_call_with_a_goodbye_and_a_reason() -> None:
    async def plan(call: Call) -> None:
        await call.ask("How many?", Number(1, 12), retries=0)

    async with on_stage(plan, phrases=PHRASES) as stage:
        await stage.sound(15.0)
    assert said(stage) == ["How many?", GOODBYE]
    assert [event.reason for event in stage.events if isinstance(event, CallEndedEvent)] == ["no_answer"]


async def test_what_was_understood_is_said_back_and_corrected() -> None:
    results: list[object] = []

    async def plan(call: Call) -> None:
        results.append(await call.ask("How many people?", Number(1, 12), confirm="{value} people, right?"))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await answer(stage, "four", "no, five people", "yes")
    assert results == [5]
    assert said(stage) == ["How many people?", "4 people, right?", "5 people, right?"]


async def test_a_plain_no_asks_again() -> None:
    results: list[object] = []

    async def plan(call: Call) -> None:
        results.append(await call.ask("How many people?", Number(1, 12), confirm=True))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await answer(stage, "four", "no", "six", "that's right")
    assert results == [6]
    assert said(stage) == ["How many people?", "4. Is that right?", "How many people?", "6. Is that right?"]


async def test_a_secret_is_not_said_back() -> None:
    errors: list[str] = []

    async def plan(call: Call) -> None:
        try:
            await call.ask("Your code?", Digits(4, secret=True), confirm=True)
        except ValueError as error:
            errors.append(str(error))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await stage.sound(1.0)
    assert len(errors) == 1


def booking(results: list[dict[str, Any]]) -> Any:
    async def plan(call: Call) -> None:
        results.append(
            await call.ask(
                "What can I book for you?",
                people=("For how many people?", Number(1, 12)),
                day=("Which day?", Date(future=True, today=lambda: THURSDAY)),
                time=("At what time?", Time(after="17:00")),
                confirm="{people} people, {day:%A} at {time}. Right?",
            )
        )

    return plan


async def test_a_sentence_fills_all_it_holds_and_only_the_rest_is_asked_for() -> None:
    results: list[dict[str, Any]] = []
    async with on_stage(booking(results), phrases=PHRASES) as stage:
        await answer(stage, "a table for four on Saturday", "at seven thirty", "yes please")
    assert results == [{"people": 4, "day": dt.date(2026, 11, 28), "time": dt.time(19, 30)}]
    assert said(stage) == [
        "What can I book for you?",
        "At what time?",
        "4 people, Saturday at 7:30 PM. Right?",
    ]
    told = {event.name: event.value for event in stage.events if isinstance(event, SlotHeard)}
    assert set(told) == {"people", "day", "time"}


async def test_one_of_several_is_corrected_and_all_is_said_back_again() -> None:
    results: list[dict[str, Any]] = []
    async with on_stage(booking(results), phrases=PHRASES) as stage:
        await answer(stage, "for four on Saturday at seven thirty", "no, five people", "no", "on Sunday", "yes")
    assert results == [{"people": 5, "day": dt.date(2026, 11, 29), "time": dt.time(19, 30)}]
    assert said(stage)[-2:] == [WHAT_INSTEAD, "5 people, Sunday at 7:30 PM. Right?"]


async def test_yes_is_taken_in_the_middle_of_the_question() -> None:
    results: list[object] = []

    async def plan(call: Call) -> None:
        results.append(await call.ask("A very long question, which nobody wants to hear to its very end?", YesNo()))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await stage.sound(0.6)
        await stage.says("yeah sure")
        await stage.sound(1.0)
        assert results == [True]


@pytest.mark.parametrize("keys", ["4#", "4"])
async def test_keys_that_fill_one_of_several_are_answered_at_once(keys: str) -> None:
    async def plan(call: Call) -> None:
        await call.ask("What can I book?", people=Number(1, 9), day=("Which day?", Date(today=THURSDAY)))
        await call.say("Thank you.")

    async with on_stage(plan, phrases=(*PHRASES, "Which day?")) as stage:
        await stage.sound(3.0)
        for key in keys:
            stage.port.press(key)
            await stage.sound(0.2)
        await stage.sound(1.0)
        assert said(stage) == ["What can I book?", "Which day?"]
        for key in f"1204{keys[1:]}":
            stage.port.press(key)
            await stage.sound(0.2)
        await stage.sound(1.0)
    assert said(stage) == ["What can I book?", "Which day?", "Thank you."]


async def test_a_pound_key_ends_an_entry_also_where_more_is_wanted() -> None:
    async def plan(call: Call) -> None:
        await call.ask("What can I book?", people=Number(1, 12), day=("Which day?", Date(today=THURSDAY)))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await stage.sound(3.0)
        stage.port.press("1")
        stage.port.press("#")
        await stage.sound(2.0)
    assert said(stage) == ["What can I book?", "Which day?"]


async def test_no_is_no_correction_of_a_text_but_has_it_asked_for_again() -> None:
    results: list[str] = []

    async def plan(call: Call) -> None:
        results.append(await call.ask("What happened?", Text(), confirm=True))

    async with on_stage(plan, phrases=PHRASES) as stage:
        await answer(stage, "my car broke", "no", "my bike broke", "yes")
        await stage.sound(3.0)
    assert results == ["my bike broke"]
    assert "no. Is that right?" not in said(stage)


async def test_who_answers_within_the_apology_does_not_hear_the_question_again() -> None:
    async def plan(call: Call) -> None:
        await call.ask("How many people?", Number(1, 12))
        await call.say("Thank you.")

    async with on_stage(plan, phrases=PHRASES) as stage:
        await stage.sound(3.0)
        await stage.says("the weather is fine")
        await stage.sound(0.4)
        await stage.says("four")
        await stage.sound(6.0)
    assert said(stage) == ["How many people?", NOT_UNDERSTOOD, "Thank you."]


@pytest.mark.parametrize(("barge_in", "heard"), [(True, ["Thank you."]), (False, ["Press a key.", "Thank you."])])
async def test_who_answers_before_the_question_sounds_hears_it_only_where_they_must(
    barge_in: bool, heard: list[str]
) -> None:
    async def plan(call: Call) -> None:
        await call.gather(Digits(1), question="Press a key.", barge_in=barge_in)
        await call.say("Thank you.")

    async with on_stage(plan, voice_delay_s=1.0) as stage:
        await stage.sound(0.5)
        stage.port.press("4")
        await stage.sound(6.0)
    assert said(stage) == heard

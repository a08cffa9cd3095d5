"""Lists of verbs, performed on a call in virtual time."""

from pathlib import Path
from typing import Any

import pytest

from media_server.call.events import CallEndedEvent, Noted, Played
from media_server.dialplan import Call, Ran
from media_server.dialplan.run import Outcome, after_interruption
from media_server.dialplan.verbs import validate_verbs
from media_server.errors import CallEnded, InvalidVerbs
from tests.call.stage import Stage, on_stage
from tests.dialplan.scripted import Desk, said, staged

pytestmark = pytest.mark.looptime


async def performed(
    *verbs: Any, desk: Desk | None = None, folder: Path | None = None, words: tuple[str, ...] = (), keys: str = ""
) -> tuple[Ran, Stage]:
    """What came of a list; `words`, `keys`: what the caller says, three seconds apart, and presses."""
    ran: list[Ran] = []

    async def plan(call: Call) -> None:
        ran.append(await call.run(verbs))

    async with staged(plan, desk, folder) as stage:
        await stage.sound(1.5)
        for each in words:
            await stage.says(each)
            await stage.sound(3.0)
        for key in keys:
            stage.port.press(key)
            await stage.sound(0.2)
        await stage.sound(14.0)
    return ran[0], stage


async def test_each_verb_is_performed_in_its_order_and_gives_what_it_gave(tmp_path: Path) -> None:
    desk = Desk("busy")
    ran, stage = await performed(
        {"verb": "say", "text": "Hello."},
        {"verb": "play", "tone": "beep", "barge_in": False},
        {"verb": "send_dtmf", "digits": "12#"},
        {"verb": "note", "values": {"who": "Ann", "self": 1}},
        {"verb": "transfer", "to": "+15550100", "whisper": "A caller.", "timeout_s": 25, "as": "desk"},
        {"verb": "pause", "seconds": 0.2},
        {"verb": "record", "max_s": 2, "transcribe": True, "as": "message"},
        {"verb": "redirect", "url": "/next"},
        {"verb": "say", "text": "Never heard."},
        desk=desk,
        folder=tmp_path,
    )
    assert [(order.to, order.whisper, order.timeout_s) for order in desk.orders] == [("+15550100", "A caller.", 25.0)]
    assert desk.keys == ["12#"]
    assert [each.verb for each in ran.outcomes] == ["say", "play", "send_dtmf", "note", "transfer", "pause", "record"]
    assert [(each.verb, each.reason) for each in ran.outcomes if not each.ok] == [("transfer", "busy")]
    assert ran["desk"] is False
    assert ran["message"]["reason"] == "limit"
    assert (tmp_path / ran["message"]["file"]).is_file()
    assert ran.redirect == "/next"
    assert any(isinstance(event, Noted) and event.values["who"] == "Ann" for event in stage.events)
    assert [event.source for event in stage.events if isinstance(event, Played)] == ["tone", "tone"]
    assert said(stage) == ["Hello."]


async def test_a_hangup_is_the_last_verb() -> None:
    ran, stage = await performed({"verb": "hangup", "reason": "closed"}, {"verb": "play", "source": "a.wav"})
    assert [each.verb for each in ran.outcomes] == ["hangup"]
    assert next(event.reason for event in stage.events if isinstance(event, CallEndedEvent)) == "closed"


async def test_listen_gives_the_next_words() -> None:
    ran, _ = await performed({"verb": "listen", "as": "wish"}, words=("a table",))
    assert ran["wish"] == "a table"


async def test_a_question_is_asked_until_it_is_answered_and_said_back() -> None:
    ran, stage = await performed(
        {
            "verb": "ask",
            "question": "How many?",
            "again": "How many people?",
            "slot": {"type": "number", "least": 1, "most": 12},
            "confirm": "{value} of you?",
            "as": "value",
        },
        words=("well hello", "five", "yes"),
    )
    assert ran["value"] == 5
    assert [text for text in said(stage) if "?" in text] == ["How many?", "How many people?", "5 of you?"]


async def test_a_question_without_an_answer_says_why() -> None:
    ran, _ = await performed(
        {"verb": "ask", "question": "Yes?", "slot": {"type": "yes_no"}, "retries": 0, "as": "sure"},
        {"verb": "note", "values": {"went": "on"}},
    )
    assert [(each.verb, each.ok, each.value, each.reason) for each in ran.outcomes] == [
        ("ask", False, None, "silence"),
        ("note", True, None, ""),
    ]


async def test_one_sentence_fills_several_slots_and_the_rest_is_asked_for() -> None:
    slots = {
        "question": {"slot": {"type": "number", "least": 1, "most": 12}},
        "time": {"slot": {"type": "time"}, "question": "At what time?"},
        "name": {"slot": {"type": "yes_no"}, "question": "Outside?"},
    }
    ran, stage = await performed(
        {"verb": "ask", "question": "When, and for how many?", "slots": slots, "confirm": "{question}?", "as": "table"},
        words=("for four at seven pm", "yes", "yes"),
    )
    assert ran["table"]["question"] == 4
    assert ran["table"]["time"].hour == 19
    assert ran["table"]["name"] is True
    assert said(stage) == ["When, and for how many?", "Outside?", "4?"]


async def test_keys_answer_one_attempt() -> None:
    gather = {"verb": "gather", "question": "Your code?", "slot": {"type": "digits", "min": 4}, "as": "code"}
    ran, _ = await performed(gather, keys="4711")
    assert ran["code"] == "4711"
    ran, _ = await performed({**gather, "timeout_s": 2.0})
    assert (ran["code"], ran.outcomes[0].ok, ran.outcomes[0].reason) == (None, False, "no_answer")


async def test_who_hangs_up_ends_the_list() -> None:
    ends: list[str] = []

    async def plan(call: Call) -> None:
        try:
            await call.run([{"verb": "voicemail", "greeting": "Nobody is free."}, {"verb": "say", "text": "Thanks."}])
        except CallEnded as end:
            ends.append(str(end))
            raise

    async with on_stage(plan) as stage:
        await stage.sound(3.0)
    assert ends == ["caller_hangup"]
    assert said(stage) == ["Nobody is free."]


async def test_nothing_is_performed_of_a_list_that_is_none() -> None:
    async def plan(call: Call) -> None:
        with pytest.raises(InvalidVerbs):
            await call.run([{"verb": "say", "text": "Hello."}, {"verb": "explode"}])

    async with on_stage(plan) as stage:
        await stage.sound(0.5)
    assert not stage.tts.sockets or stage.voice.said == []


def test_after_an_interruption_what_would_only_be_heard_is_left_out() -> None:
    verbs = validate_verbs(
        [
            {"verb": "say", "text": "a"},
            {"verb": "pause"},
            {"verb": "play", "source": "a.wav"},
            {"verb": "hangup"},
            {"verb": "say", "text": "b"},
        ]
    )
    assert after_interruption(verbs) == verbs[3:]
    assert after_interruption(verbs[:3]) == ()


def test_what_a_verb_gave_is_not_shown_since_it_may_be_a_secret() -> None:
    assert "4711" not in repr(Ran((Outcome("ask", value="4711", name="pin"),)))

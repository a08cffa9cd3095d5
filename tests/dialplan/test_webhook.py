"""Calls that a webhook drives, in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from media_server.call.events import CallEndedEvent, Noted
from media_server.dialplan import Call, Webhook
from media_server.errors import ConfigError
from tests.call.stage import Stage, on_stage
from tests.dialplan.scripted import URL, Desk, ScriptedReceiver, asked, driven, ended, said, say
from tests.hooks.receivers import SECRET

pytestmark = pytest.mark.looptime

SORRY = "Sorry."


async def test_a_call_is_told_from_its_start_to_its_end_and_each_answer_is_performed() -> None:
    def decide(kind: str, data: dict[str, Any]) -> Any:
        match kind:
            case "call.started":
                return [say("Welcome.")]
            case "turn":
                return [say(f"You said {data['text']}"), {"verb": "note", "values": {"turns": 1}}]
            case "dtmf":
                return [say("Bye."), {"verb": "hangup", "reason": "key_pressed"}]
        return None

    receiver = ScriptedReceiver(decide)
    async with driven(receiver) as stage:
        await stage.sound(1.5)
        await stage.says("a table")
        await stage.sound(2.0)
        stage.port.press("5")
        await stage.sound(2.0)
    assert said(stage) == ["Welcome.", "You said a table", "Bye."]
    assert ended(stage) == "key_pressed"
    assert any(isinstance(event, Noted) and event.values == {"turns": 1} for event in stage.events)
    assert receiver.kinds == ["call.started", "turn", "dtmf", "call.ended"]
    turn = receiver.requests[1][1]
    assert turn["text"] == "a table"
    assert turn["heard"] == "Welcome."
    assert turn["final"] is True
    assert turn["call"]["caller"] == "+15550001"
    assert receiver.requests[2][1]["digit"] == "5"
    assert receiver.requests[3][1]["reason"] == "key_pressed"
    assert receiver.most_under_way == 1


async def test_a_late_answer_becomes_the_fall_back_within_the_deadline_and_the_call_goes_on() -> None:
    def decide(kind: str, data: dict[str, Any]) -> Any:
        if kind == "turn" and data["text"] == "one":
            return 60.0
        return [say("Yes?")] if kind == "turn" else None

    receiver = ScriptedReceiver(decide)
    async with driven(receiver, deadline_s=1.0) as stage:
        await stage.sound(0.5)
        await stage.says("one")
        await stage.sound(1.3)
        assert stage.voice.said == ["Sorry."]
        await stage.sound(1.0)
        await stage.says("two")
        await stage.sound(2.0)
    assert said(stage) == ["Sorry.", "Yes?"]
    assert asked(stage) == ["ok", "timeout", "ok", "ok"]


async def test_what_a_verb_gave_is_told_and_the_answer_takes_the_place_of_the_rest(tmp_path: Path) -> None:
    def decide(kind: str, _data: dict[str, Any]) -> Any:
        if kind == "call.started":
            return [
                {"verb": "transfer", "to": "+15550100", "whisper": "A caller.", "as": "desk"},
                {"verb": "voicemail", "greeting": "Nobody is free.", "transcribe": True, "as": "message"},
                say("Never heard."),
            ]
        if kind == "recording":
            return [say("Thank you."), {"verb": "hangup"}]
        return None

    receiver, desk = ScriptedReceiver(decide), Desk("busy")
    async with driven(receiver, desk=desk, folder=tmp_path) as stage:
        await stage.sound(4.5)
        await stage.says("please call me back")
        await stage.sound(8.0)
    assert [(order.to, order.whisper) for order in desk.orders] == [("+15550100", "A caller.")]
    assert said(stage) == ["Nobody is free.", "Thank you."]
    assert receiver.kinds == ["call.started", "transfer", "recording", "call.ended"]
    transfer = receiver.requests[1][1]
    assert (transfer["name"], transfer["ok"], transfer["value"], transfer["reason"]) == ("desk", False, False, "busy")
    recording = receiver.requests[2][1]
    assert (recording["verb"], recording["name"], recording["ok"]) == ("voicemail", "message", True)
    value = recording["value"]
    assert (value["text"], value["reason"]) == ("please call me back", "silence")
    assert (tmp_path / value["file"]).is_file()


async def test_whoever_hangs_up_in_a_message_has_left_it_and_the_receiver_hears_of_it(tmp_path: Path) -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: [{"verb": "record", "beep": False, "action": "/kept"}] if kind == "call.started" else None
    )
    async with driven(receiver, folder=tmp_path) as stage:
        await stage.sound(0.3)
        await stage.begins()
        await stage.sound(2.0)
    assert receiver.kinds == ["call.started", "recording", "call.ended"]
    value = receiver.requests[1][1]["value"]
    assert value["reason"] == "hangup"
    assert value["seconds"] > 1.5
    assert (tmp_path / value["file"]).is_file()
    assert receiver.urls[1:] == ["https://hook.example/kept"] * 2


async def test_who_says_nothing_leaves_no_message() -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: [{"verb": "record", "as": "it"}, say("Then not.")] if kind == "call.started" else None
    )
    async with driven(receiver) as stage:
        await stage.sound(12.0)
    recording = receiver.requests[1][1]
    assert (recording["ok"], recording["reason"], recording["value"]["file"]) == (False, "nothing", "")
    assert said(stage)[0] == "Then not."


async def test_a_transfer_that_goes_well_is_told_though_the_call_is_over() -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: [{"verb": "transfer", "to": "+15550100"}, say("Never.")] if kind == "call.started" else None
    )
    async with driven(receiver, desk=Desk("completed")) as stage:
        await stage.sound(4.0)
    assert receiver.kinds == ["call.started", "transfer", "call.ended"]
    assert (receiver.requests[1][1]["ok"], receiver.requests[2][1]["reason"]) == (True, "transferred")
    assert said(stage) == []


async def test_nobody_is_called_whom_the_operator_does_not_allow() -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: (
            [{"verb": "transfer", "to": "+4420790000"}, say("Then not.")] if kind == "call.started" else None
        )
    )
    desk = Desk()
    async with driven(receiver, desk=desk) as stage:
        await stage.sound(2.0)
    assert desk.orders == []
    assert (receiver.requests[1][1]["ok"], receiver.requests[1][1]["reason"]) == (False, "refused")
    assert said(stage) == ["Then not."]


async def test_a_fall_back_asks_nothing_so_a_dead_receiver_is_not_asked_for_ever() -> None:
    receiver = ScriptedReceiver(lambda _kind, _data: [{"verb": "explode"}])
    fallback = [{"verb": "transfer", "to": "+15550199"}, say(SORRY)]
    async with driven(receiver, desk=Desk("busy"), fallback=fallback) as stage:
        await stage.sound(4.0)
    assert receiver.kinds == ["call.started", "call.ended"]
    assert said(stage) == [SORRY]
    assert asked(stage)[0] == "verb"


async def test_nothing_is_performed_behind_a_hangup() -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: [{"verb": "hangup"}, {"verb": "note", "values": {"a": 1}}] if kind == "call.started" else None
    )
    async with driven(receiver) as stage:
        await stage.sound(1.0)
    assert not any(isinstance(event, Noted) for event in stage.events)
    assert ended(stage) == "completed"


async def test_who_redirects_without_end_is_stopped() -> None:
    receiver = ScriptedReceiver(lambda kind, _: None if kind == "call.ended" else [{"verb": "redirect", "url": "/on"}])
    async with driven(receiver) as stage:
        await stage.sound(4.0)
    assert receiver.kinds.count("redirect") == 19
    assert "loop" in asked(stage)
    assert said(stage) == ["Sorry."]


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("/menu?x=1", "https://hook.example/menu?x=1"),
        ("https://named.example/other", "https://named.example/other"),
        ("https://elsewhere.example/", None),
        ("http://hook.example/", None),
        ("http://169.254.169.254/", None),
        ("http://[", None),
    ],
)
async def test_a_redirect_stays_at_the_origin_or_with_the_operators_list(url: str, reached: str | None) -> None:
    receiver = ScriptedReceiver(
        lambda kind, _: [{"verb": "redirect", "url": url}] if kind == "call.started" else [say("Menu.")]
    )
    async with driven(receiver) as stage:
        await stage.sound(2.0)
    assert said(stage) == (["Menu."] if reached else ["Sorry."])
    assert (receiver.urls[1] == reached) if reached else (receiver.urls[1] == URL)


async def test_who_interrupts_does_not_hear_the_rest() -> None:
    def decide(kind: str, _data: dict[str, Any]) -> Any:
        if kind == "call.started":
            return [
                say("A very long welcome to all of you."),
                say("And the rest."),
                {"verb": "note", "values": {"a": 1}},
            ]
        return [say("Yes?")] if kind == "turn" else None

    receiver = ScriptedReceiver(decide)
    async with driven(receiver) as stage:
        await stage.sound(0.8)
        await stage.says("stop it please")
        await stage.sound(2.0)
    assert "And the rest." not in said(stage)
    assert said(stage)[-1] == "Yes?"
    assert any(isinstance(event, Noted) for event in stage.events)


async def test_an_early_answer_that_only_says_something_is_used_if_the_words_stay() -> None:
    receiver = ScriptedReceiver(lambda kind, data: [say(f"Re {data['text']}")] if kind == "turn" else None)
    async with driven(receiver, speculative=True) as stage:
        await stage.sound(0.2)
        await stage.begins()
        await stage.pauses("a table")
        await stage.resumes()
        await stage.pauses("a table for four")
        await stage.ends("A table for four.")
        await stage.sound(2.5)
    assert said(stage) == ["Re a table for four"]
    turns = [(kind, data["final"]) for kind, data in receiver.requests if kind.startswith("turn")]
    assert turns == [("turn", False), ("turn", False), ("turn.used", True)]


async def test_an_early_answer_with_an_effect_is_asked_for_again_when_the_turn_is_final() -> None:
    receiver = ScriptedReceiver(lambda kind, _: [{"verb": "hangup", "reason": "done"}] if kind == "turn" else None)
    async with driven(receiver, speculative=True) as stage:
        await stage.sound(0.2)
        await stage.begins()
        await stage.pauses("goodbye")
        assert receiver.kinds == ["call.started", "turn"]
        await stage.resumes()
        assert not any(isinstance(event, CallEndedEvent) for event in stage.events)
        await stage.pauses("goodbye then")
        await stage.ends("goodbye then")
        await stage.sound(1.0)
    finals = [data["final"] for kind, data in receiver.requests if kind == "turn"]
    assert finals == [False, False, True]
    assert ended(stage) == "done"


@pytest.mark.parametrize(
    ("verb", "reason"),
    [
        ({"verb": "play", "source": "missing.wav"}, "not_found"),
        ({"verb": "play", "source": "pyproject.toml"}, "bad_request"),
    ],
)
async def test_a_verb_that_cannot_be_done_as_it_is_wanted_becomes_the_fall_back(verb: Any, reason: str) -> None:
    receiver = ScriptedReceiver(lambda kind, _: [verb, say("No.")] if kind == "call.started" else None)
    async with driven(receiver) as stage:
        await stage.sound(2.0)
    assert said(stage) == [SORRY]
    assert asked(stage)[:2] == ["ok", reason]


async def test_what_of_a_fall_back_cannot_be_done_is_left_out() -> None:
    receiver = ScriptedReceiver(lambda _kind, _: b"no XML")
    fallback = [{"verb": "play", "source": "missing.wav"}, say(SORRY)]
    async with driven(receiver, fallback=fallback) as stage:
        await stage.sound(2.0)
    assert said(stage) == [SORRY]
    assert asked(stage)[:2] == ["twiml", "not_found"]


async def test_twiml_is_performed_as_verbs_are() -> None:
    document = b"<Response><Say>Hello.</Say><Dial>+15550100</Dial><Say>Nobody there.</Say></Response>"
    receiver = ScriptedReceiver(lambda kind, _: document if kind == "call.started" else None)
    async with driven(receiver, desk=Desk("no_answer")) as stage:
        await stage.sound(5.0)
    assert said(stage) == ["Hello.", "Nobody there."]
    assert receiver.requests[1][1]["name"] == "dial"


async def on_call(work: Callable[[Call], Awaitable[None]], receiver: ScriptedReceiver) -> Stage:
    async def plan(call: Call) -> None:
        await work(Call(call.conversation, receiver))

    async with on_stage(plan) as stage:
        await stage.sound(4.0)
    await receiver.aclose()
    return stage


async def test_an_author_asks_and_tells_and_runs_what_is_answered() -> None:
    hook = Webhook(URL, SECRET)
    receiver = ScriptedReceiver(lambda kind, _: [say("It is ready.")] if kind == "order.asked" else 2.0)

    async def work(call: Call) -> None:
        await hook.tell(call, "order.begun", number=7)  # it takes 2 s, and is in nobody's way
        await call.say("One moment.")
        ran = await call.run(await hook.ask(call, "order.asked", number=7))
        assert [(each.verb, each.ok) for each in ran.outcomes] == [("say", True)]

    stage = await on_call(work, receiver)
    assert said(stage) == ["One moment.", "It is ready."]
    assert receiver.kinds == ["order.begun", "order.asked"]
    assert receiver.most_under_way == 1
    assert receiver.requests[0][1]["number"] == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": ""},
        {"secret": "whsec_!"},
        {"secret": [SECRET, SECRET, SECRET]},
        {"deadline_s": 60.0},
        {"deadline_s": 0.0},
        {"fallback": [{"verb": "explode"}]},
        {"fallback": [{"verb": "redirect", "url": "/"}]},
    ],
)
def test_what_does_not_fit_is_a_fault_of_the_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="webhook"):
        Webhook(**{"url": URL, "secret": SECRET, **wrong})


def test_the_secret_may_stand_in_the_environment() -> None:
    hook = Webhook.of({"url": URL, "secret_env": "HOOK_SECRET", "shop": "north"}, {"HOOK_SECRET": SECRET})
    assert hook.endpoint.url == URL
    with pytest.raises(ConfigError):
        Webhook.of({"url": URL, "secret_env": "HOOK_SECRET"}, {})
    with pytest.raises(ConfigError, match="url"):
        Webhook.of({"secret": SECRET}, {})

"""What the caller of a webhook meets, whatever it answers and however long it takes, in virtual time."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from pydantic_core import to_json
from structlog.testing import capture_logs
from typing_extensions import override

from media_server.call.events import SlotHeard, WebhookAsked
from media_server.testing.doubles import FakeVoice
from media_server.testing.sound import Lexicon, SpokenWord
from tests.call.stage import Stage
from tests.dialplan.scripted import ScriptedReceiver, asked, driven, said, say

pytestmark = pytest.mark.looptime

PIN = {"verb": "gather", "question": "Your PIN?", "slot": {"type": "digits", "min": 4, "secret": True}, "as": "pin"}


def at_start(*verbs: Any, **answers: Any) -> ScriptedReceiver:
    """Answers the start of the call with these, and each other kind with what is said."""
    return ScriptedReceiver(lambda kind, _: list(verbs) if kind == "call.started" else answers.get(kind))


def slots(receiver: ScriptedReceiver) -> list[tuple[Any, ...]]:
    return [
        (data["verb"], data["name"], data["ok"], data["value"], data["reason"])
        for kind, data in receiver.requests
        if kind == "slot"
    ]


async def test_what_was_answered_to_a_question_is_told_and_the_answer_goes_on_from_there() -> None:
    day = {"verb": "ask", "question": "Which day?", "slot": {"type": "date"}, "as": "day"}
    receiver = at_start(day, say("Never heard."), slot=[say("Booked.")])
    async with driven(receiver) as stage:
        await stage.sound(1.5)
        await stage.says("the third of may 2031")
        await stage.sound(2.0)
    assert slots(receiver) == [("ask", "day", True, "2031-05-03", "")]
    assert said(stage) == ["Which day?", "Booked."]


async def test_a_question_that_nobody_answers_is_told_too_and_the_list_goes_on() -> None:
    sure = {"verb": "ask", "question": "Are you sure?", "slot": {"type": "yes_no"}, "retries": 0}
    receiver = at_start(sure, say("Then not."))
    async with driven(receiver) as stage:
        await stage.sound(12.0)
    assert slots(receiver) == [("ask", "", False, None, "silence")]
    assert "Then not." in said(stage)


async def test_several_slots_are_told_as_one_object() -> None:
    table = {
        "verb": "ask",
        "question": "When, and for how many?",
        "slots": {"people": {"slot": {"type": "number", "least": 1, "most": 12}}, "time": {"slot": {"type": "time"}}},
        "as": "table",
    }
    receiver = at_start(table)
    async with driven(receiver) as stage:
        await stage.sound(1.5)
        await stage.says("for four at seven pm")
        await stage.sound(2.0)
    assert slots(receiver) == [("ask", "table", True, {"people": 4, "time": "19:00:00"}, "")]


async def test_keys_that_answer_a_question_are_told_as_its_value_only() -> None:
    receiver = at_start({"verb": "gather", "slot": {"type": "digits", "min": 4}, "as": "code"})
    async with driven(receiver) as stage:
        for key in "4711":
            stage.port.press(key)
            await stage.sound(0.2)
        await stage.sound(1.0)
        stage.port.press("5")
        await stage.sound(0.5)
    assert slots(receiver) == [("gather", "code", True, "4711", "")]
    assert receiver.kinds == ["call.started", "slot", "dtmf", "call.ended"]


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_secret_goes_to_the_receiver_and_stands_nowhere_else(spoken: bool) -> None:
    receiver = at_start(PIN, say("Thank you."))
    with capture_logs() as logs:
        async with driven(receiver) as stage:
            await stage.sound(1.0)
            if spoken:
                await stage.says("9 7 5 3")
            else:
                for key in "9753":
                    stage.port.press(key)
                    await stage.sound(0.1)
            await stage.sound(2.0)
            await stage.says("and now in public")
            await stage.sound(1.0)
    assert slots(receiver) == [("gather", "pin", True, "9753", "")]
    assert sum("975" in str(data) or "9 7 5" in str(data) for _, data in receiver.requests) == 1
    assert stage.conversation is not None
    record = stage.conversation.chronicle.record.model_dump_json()
    kept = [*(event.model_dump_json() for event in stage.events), record, *map(str, logs)]
    assert not [each for each in kept if "975" in each or "9 7 5" in each]
    (slot,) = [event for event in stage.events if isinstance(event, SlotHeard)]
    assert (slot.filled, slot.value, slot.secret) == (True, None, True)
    assert receiver.requests[2][1]["text"] == "and now in public"


async def test_a_secret_that_cannot_be_said_back_is_never_asked_for() -> None:
    receiver = at_start({**PIN, "verb": "ask", "confirm": True})
    async with driven(receiver) as stage:
        await stage.sound(2.0)
    assert said(stage) == ["Sorry."]
    assert asked(stage)[0] == "shape"


def longest_silence(stage: Stage, since: float) -> float:
    """The longest time without a sound of ours, from `since` to our last one."""
    heard = sorted(at for at in stage.audible() if at >= since)
    return max(after - before for before, after in pairwise([since, *heard]))


async def test_the_caller_meets_no_silence_while_the_receiver_takes_its_time() -> None:
    def decide(kind: str, data: dict[str, Any]) -> Any:
        if kind == "call.started":
            return [say("Welcome."), {"verb": "transfer", "to": "+4420790000"}]
        if kind == "turn":
            return 60.0 if data["text"] == "and now" else [say("Well.")]
        return None

    receiver = ScriptedReceiver(decide, takes_s=2.9)
    async with driven(receiver) as stage:
        await stage.sound(8.0)
        assert said(stage) == ["Welcome."]
        assert longest_silence(stage, 0.0) < 2.0
        for words, answer in (("hello there", "Well."), ("and now", "Sorry.")):
            await stage.says(words)
            over = asyncio.get_running_loop().time()
            await stage.sound(4.5)
            assert said(stage)[-1] == answer
            assert longest_silence(stage, over) < 2.0
            assert max(stage.audible()) - over > 2.9
    assert max(event.ms for event in stage.events if isinstance(event, WebhookAsked)) <= 3000


async def test_a_receiver_that_is_asked_early_and_hangs_is_waited_for_no_longer_than_any_other() -> None:
    receiver = ScriptedReceiver(lambda kind, _: 60.0 if kind == "turn" else None)
    async with driven(receiver, speculative=True) as stage:
        await stage.sound(0.3)
        await stage.says("a table")
        over = asyncio.get_running_loop().time()
        await stage.sound(6.0)
        assert longest_silence(stage, over) < 2.0
        assert max(stage.audible()) - over < 4.0
    assert said(stage) == ["Sorry."]
    assert [data["final"] for kind, data in receiver.requests if kind == "turn"] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "...!?",
        "\u202eevil\u0000\u0007\u001b[31m",
        "Z\u0351\u0352\u0353" * 300,
        "a" * 5000,
        "<speak><audio src='http://169.254.169.254/latest/meta-data'/></speak>",
        "&lol9; {{config}} {0.__class__} %s ${x}",
    ],
)
async def test_any_text_is_only_ever_a_text(text: str) -> None:
    receiver = at_start(say(text))
    async with driven(receiver) as stage:
        await stage.sound(0.5)
        assert stage.voice.said == [text]
        await stage.says("stop it please")
        await stage.sound(0.5)
    assert receiver.kinds == ["call.started", "turn", "call.ended"]


class Mute(Lexicon):
    """A voice that finds nothing to say."""

    @override
    def speak(self, text: str) -> tuple[bytes, list[SpokenWord]]:
        return b"", []


async def test_a_text_that_gives_no_sound_is_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.call.stage.FakeVoice", lambda delay_s: FakeVoice(delay_s, Mute()))
    receiver = at_start(say("\U0001f600"), {"verb": "hangup", "reason": "said"})
    async with driven(receiver) as stage:
        await stage.sound(1.0)
        assert receiver.requests[-1][1]["reason"] == "said"
        assert stage.audible() == []


@pytest.mark.parametrize(
    "answer",
    [
        [say("")],
        [say("a" * 5001)],
        b"[" + to_json(say("a" * 1_000_000)) + b"]",
        b"<Response><Say>" + b"a" * 1_000_000 + b"</Say></Response>",
        b"<Response><Say/></Response>",
        b"<Response><Say><break time='10s'/></Say></Response>",
        b"<Response><Say>&#xD800;</Say></Response>",
        b"<Response><Say><prosody rate='slow'>Hello</prosody></Say></Response>",
        [{"verb": "play", "source": "http://169.254.169.254/a.wav"}],
        [{"verb": "ask", "question": "?", "slot": {"type": "date"}, "confirm": "{value:>999999999}"}],
    ],
)
async def test_what_no_voice_could_say_is_the_fall_back(answer: Any) -> None:
    receiver = ScriptedReceiver(lambda kind, _: answer if kind == "call.started" else None)
    async with driven(receiver) as stage:
        await stage.sound(1.5)
    assert said(stage) == ["Sorry."]
    assert asked(stage)[0] in ("shape", "too_large", "twiml", "verb")

"""Lists of verbs, performed on a call in virtual time."""

from typing import Any

import pytest

from media_server.call.events import CallEndedEvent, Noted
from media_server.dialplan import Call, Ran
from media_server.dialplan.run import after_interruption
from media_server.dialplan.verbs import validate_verbs
from media_server.errors import InvalidVerbs
from tests.call.stage import Stage, on_stage
from tests.dialplan.scripted import ScriptedCall

pytestmark = pytest.mark.looptime


async def performed(verbs: Any, *, transfers: tuple[str, ...] = (), words: str = "") -> tuple[Ran, ScriptedCall, Stage]:
    """What came of a list; `words`: what the caller says after a second."""
    calls: list[ScriptedCall] = []
    ran: list[Ran] = []

    async def plan(call: Call) -> None:
        calls.append(ScriptedCall(call))
        calls[0].transfers = list(transfers)
        ran.append(await calls[0].run(verbs))

    async with on_stage(plan) as stage:
        await stage.sound(1.0)
        if words:
            await stage.says(words)
        await stage.sound(2.0)
    return ran[0], calls[0], stage


async def test_each_verb_is_performed_in_its_order_and_gives_what_it_gave() -> None:
    ran, call, stage = await performed(
        [
            {"verb": "say", "text": "Hello."},
            {"verb": "play", "source": "a/ring.wav", "barge_in": False},
            {"verb": "send_dtmf", "digits": "12#"},
            {"verb": "note", "values": {"who": "Ann", "self": 1}},
            {"verb": "record", "max_s": 30, "as": "message"},
            {"verb": "transfer", "to": "+15550100", "whisper": "A caller.", "as": "desk"},
            {"verb": "pause", "seconds": 0.2},
            {"verb": "voicemail", "greeting": "Nobody is free.", "transcribe": True},
            {"verb": "redirect", "url": "/next"},
            {"verb": "say", "text": "Never heard."},
        ],
        transfers=("busy",),
    )
    assert call.did == [
        ("play", "a/ring.wav", False),
        ("send_dtmf", "12#"),
        ("record", 30.0),
        ("transfer", "+15550100", "A caller."),
        ("voicemail", "Nobody is free.", True),
    ]
    assert [(each.verb, each.ok, each.reason) for each in ran.outcomes if not each.ok] == [("transfer", False, "busy")]
    assert ran["desk"] is False
    assert ran["message"]["text"] == "Call me back."
    assert ran.redirect == "/next"
    assert any(isinstance(event, Noted) and event.values["who"] == "Ann" for event in stage.events)
    assert stage.voice.said == ["Hello."]


async def test_a_hangup_is_the_last_verb() -> None:
    _, call, stage = await performed([{"verb": "hangup", "reason": "closed"}, {"verb": "play", "source": "a.wav"}])
    assert call.did == []
    assert next(event.reason for event in stage.events if isinstance(event, CallEndedEvent)) == "closed"


async def test_listen_gives_the_next_words() -> None:
    ran, _, _ = await performed([{"verb": "listen", "as": "wish"}], words="a table")
    assert ran["wish"] == "a table"


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
    from media_server.dialplan.run import Outcome  # noqa: PLC0415

    assert "4711" not in repr(Ran((Outcome("ask", value="4711", name="pin"),)))

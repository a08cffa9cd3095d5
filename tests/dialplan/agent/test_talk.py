"""An agent's conversations in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from media_server.call.events import AgentSaid, Answered, CallerSaid, Fault, ToolRan
from media_server.dialplan import Agent, Call, Outcome, ToolError, Transfer, tool
from media_server.dialplan.agent.chat import Finished, ToolCall
from media_server.dialplan.agent.words import WHEN_DOWN
from media_server.errors import ModelRefused, ModelUnavailable
from tests.call.stage import Stage, on_stage
from tests.dialplan.agent.fake_model import FakeModel

pytestmark = pytest.mark.looptime

END = ToolCall("e", "end_call", "{}")


def said(stage: Stage) -> list[str]:
    return [event.text.strip() for event in stage.events if isinstance(event, AgentSaid)]


def ran(stage: Stage) -> list[tuple[str, bool]]:
    return [(event.tool, event.ok) for event in stage.events if isinstance(event, ToolRan)]


def longest_silence(stage: Stage, since: float, until: float) -> float:
    """The longest time between two sounds of ours."""
    times = [since, *(at for at in stage.audible() if since <= at <= until), until]
    return max(later - earlier for earlier, later in pairwise(times))


def talking(agent: Agent, outcomes: list[Outcome] | None = None) -> Callable[[Call], Awaitable[None]]:
    async def talk(call: Call) -> None:
        outcome = await agent.talk(call)
        if outcomes is not None:
            outcomes.append(outcome)

    return talk


async def test_a_turn_is_answered_and_the_model_is_asked_at_its_eager_end() -> None:
    model = FakeModel([["We open at nine."]])
    async with on_stage(talking(Agent(model, "You are a shop."))) as stage:
        await stage.sound(0.1)
        await stage.says("When do you open?")
        await stage.sound(3.0)
    assert said(stage) == ["We open at nine."]
    assert model.warmed == 1
    (asked,) = model.asked
    assert asked.messages[0]["content"].startswith("You are a shop.")
    assert asked.latest == "(The call begins.)\nWhen do you open?"
    receipt = next(event.receipt for event in stage.events if isinstance(event, Answered))
    assert receipt.think < 300, "it was asked before the turn was over"


async def test_an_early_answer_is_kept_when_the_words_differ_in_marks_only() -> None:
    model = FakeModel([["At nine."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("when do you open")
        await stage.ends("When do you open.")
        await stage.sound(3.0)
    assert len(model.asked) == 1
    assert said(stage) == ["At nine."]


async def test_who_goes_on_cancels_the_request_and_leaves_no_trace_of_it() -> None:
    model = FakeModel([["Which day?"], ["For four, gladly."], ["Yes."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("book a table")
        await stage.resumes()
        await stage.pauses("book a table for four")
        await stage.ends("book a table for four")
        await stage.sound(3.0)
        await stage.says("Really?")
        await stage.sound(3.0)
    assert said(stage) == ["For four, gladly.", "Yes."]
    assert [asked.cancelled for asked in model.asked] == [True, False, False]
    assert [message["content"] for message in model.asked[2].messages[1:]] == [
        "(The call begins.)\nbook a table for four",
        "For four, gladly.",
        "Really?",
    ]


async def test_after_a_barge_in_the_history_is_what_was_heard() -> None:
    model = FakeModel([["One two three four. Five six seven eight. Nine ten eleven twelve."], ["Sure."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.says("Count, please.")
        await stage.sound(1.8)
        await stage.says("Wait a second.")
        await stage.sound(3.0)
    event = next(event for event in stage.events if isinstance(event, AgentSaid))
    assert not event.complete
    assert 2 < len(event.heard.split()) < 10
    assert model.asked[1].messages[-2:] == [
        {"role": "assistant", "content": f"{event.heard}—"},
        {"role": "user", "content": "Wait a second."},
    ]


async def test_what_was_said_before_the_agent_began_belongs_to_the_history() -> None:
    model = FakeModel([["Hello."]])

    async def plan(call: Call) -> None:
        await call.say("Northwind help line.")
        await Agent(model, "").talk(call)

    async with on_stage(plan) as stage:
        await stage.sound(2.0)
        await stage.says("Hi there.")
        await stage.sound(2.0)
    assert [message["content"] for message in model.asked[0].messages[1:]] == [
        "(The call begins.)",
        "Northwind help line.",
        "Hi there.",
    ]


# --- how it ends -----------------------------------------------------------------------------------------------------


async def test_the_model_takes_leave_and_its_words_are_heard_first() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([["Goodbye, and thank you.", END]])
    async with on_stage(talking(Agent(model, ""), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("That is all.")
        await stage.sound(5.0)
    assert said(stage) == ["Goodbye, and thank you."]
    assert outcomes[0].goodbye
    assert next(event for event in stage.events if isinstance(event, AgentSaid)).complete
    assert len(model.asked) == 1


async def test_a_model_that_ends_without_a_word_has_a_goodbye_said() -> None:
    outcomes: list[Outcome] = []
    async with on_stage(talking(Agent(FakeModel([[END]]), ""), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("Bye.")
        await stage.sound(4.0)
    assert said(stage) == ["Goodbye."]
    assert outcomes[0].goodbye


async def test_who_interrupts_the_goodbye_is_still_served() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([["Goodbye then, and thank you for calling us today.", END], ["Gladly."]])
    async with on_stage(talking(Agent(model, ""), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("That is all.")
        await stage.sound(1.2)
        await stage.says("Wait, one more thing.")
        await stage.sound(3.0)
        assert outcomes == []
    assert said(stage)[-1] == "Gladly."
    roles = [message["role"] for message in model.asked[1].messages]
    assert roles == ["system", "user", "assistant", "tool", "user"]


async def test_a_silent_caller_is_told_goodbye() -> None:
    outcomes: list[Outcome] = []
    async with on_stage(talking(Agent(FakeModel([]), ""), outcomes)) as stage:
        await stage.sound(60.0)
    assert outcomes[0].goodbye


async def test_time_is_limited() -> None:
    outcomes: list[Outcome] = []
    async with on_stage(talking(Agent(FakeModel([]), "", max_minutes=0.1), outcomes)) as stage:
        await stage.sound(2.0)
        await stage.says("Hello.")
        await stage.sound(10.0)
    assert outcomes[0].limit
    assert said(stage) == ["Fine.", "I am sorry, I have to end our conversation here."]


async def test_tokens_are_limited() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([[Finished("stop", tokens=5000)], ["Fine."]])
    async with on_stage(talking(Agent(model, "", max_call_tokens=4000), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(3.0)
        await stage.says("And?")
        await stage.sound(6.0)
    assert outcomes[0].limit
    assert said(stage)[-1] == "I am sorry, I have to end our conversation here."


# --- tools -----------------------------------------------------------------------------------------------------------


@tool
async def order_status(order: str) -> str:
    """Where an order is. `order`: its number."""
    return f"{order} is on its way"


def lookup(order: str, name: str = "order_status") -> ToolCall:
    return ToolCall("c1", name, f'{{"order": "{order}"}}')


async def test_a_tool_is_run_and_the_model_is_told_its_result() -> None:
    model = FakeModel([[lookup("123456")], ["It is on its way."]])
    async with on_stage(talking(Agent(model, "", tools=[order_status]))) as stage:
        await stage.sound(0.1)
        await stage.says("Where is 123456?")
        await stage.sound(4.0)
    assert said(stage) == ["It is on its way."]
    assert ran(stage) == [("order_status", True)]
    assert model.asked[1].messages[-2:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "order_status", "arguments": '{"order": "123456"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "123456 is on its way"},
    ]


async def test_no_tool_is_run_for_a_turn_that_is_taken_back() -> None:
    model = FakeModel([[lookup("1")], [lookup("12")], ["There."]], first_token_s=0.05)
    async with on_stage(talking(Agent(model, "", tools=[order_status]))) as stage:
        await stage.sound(0.1)
        await stage.begins()
        await stage.pauses("one")
        await stage.sound(1.0)  # the model has long answered
        assert ran(stage) == []
        await stage.resumes()
        await stage.pauses("one two")
        await stage.ends("one two")
        await stage.sound(3.0)
    assert ran(stage) == [("order_status", True)]
    assert model.asked[2].messages[-1]["content"] == "12 is on its way"


async def test_an_effect_happens_once_for_the_same_turn_and_arguments() -> None:
    booked: list[str] = []

    @tool(effect=True)
    async def book(order: str) -> str:
        """Book it. `order`: which."""
        booked.append(order)
        return "booked"

    model = FakeModel([[lookup("1", "book")], [lookup("1", "book"), lookup("2", "book")], ["Booked."]])
    async with on_stage(talking(Agent(model, "", tools=[book]))) as stage:
        await stage.sound(0.1)
        await stage.says("Book it.")
        await stage.sound(5.0)
    assert booked == ["1", "2"]
    contents = [message["content"] for message in model.asked[2].messages if message["role"] == "tool"]
    assert contents == ["booked", "booked", "booked"]
    ids = [message["tool_call_id"] for message in model.asked[2].messages if message["role"] == "tool"]
    assert len(set(ids)) == 3


async def test_an_effect_that_was_begun_is_finished_though_the_caller_interrupts() -> None:
    done: list[str] = []

    @tool(effect=True, filler="I am booking it for you right now.", timeout_s=8)
    async def book(order: str) -> str:
        """Book it. `order`: which."""
        await asyncio.sleep(3.0)
        done.append(order)
        return "booked"

    model = FakeModel([[lookup("1", "book")], ["It is booked."]])
    async with on_stage(talking(Agent(model, "", tools=[book]))) as stage:
        await stage.sound(0.1)
        await stage.says("Book it.")
        await stage.sound(1.5)
        await stage.says("Hello, are you there?")
        await stage.sound(5.0)
    assert done == ["1"]
    assert [message["content"] for message in model.asked[1].messages if message["role"] == "tool"] == ["booked"]
    assert said(stage)[-1].endswith("It is booked.")


async def test_a_slow_tool_has_its_filler_said_and_nobody_meets_two_seconds_of_silence() -> None:
    @tool(filler="Let me look that up.", timeout_s=10)
    async def slow(order: str) -> str:
        """Slow. `order`: which."""
        await asyncio.sleep(6.0)
        return order

    model = FakeModel([[lookup("1", "slow")], ["There it is."]])
    async with on_stage(talking(Agent(model, "", tools=[slow]))) as stage:
        await stage.sound(0.1)
        await stage.says("Where is it?")
        since = stage.conversation.now() if stage.conversation else 0.0
        await stage.sound(11.0)
    assert said(stage) == ["Let me look that up. One moment. I am still on it. There it is."]
    end = stage.audible()[-1]
    assert longest_silence(stage, since, end) < 2.0
    assert stage.conversation is not None
    assert stage.conversation.leg.playout.gaps == 0, "waiting for a tool is no gap"


async def test_a_quick_tool_has_no_filler() -> None:
    @tool(filler="Let me look that up.")
    async def quick(order: str) -> str:
        """Quick. `order`: which."""
        await asyncio.sleep(0.3)
        return order

    model = FakeModel([[lookup("1", "quick")], ["There it is."]])
    async with on_stage(talking(Agent(model, "", tools=[quick]))) as stage:
        await stage.sound(0.1)
        await stage.says("Where is it?")
        await stage.sound(4.0)
    assert said(stage) == ["There it is."]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (ToolCall("c", "order_status", "{not json"), "Error: the arguments are no JSON object"),
        (ToolCall("c", "order_status", "{}"), "Error: the arguments do not fit: order: Field required"),
        (
            ToolCall("c", "nothing", "{}"),
            "Error: there is no tool of that name; there are order_status, breaks, late, end_call",
        ),
        (ToolCall("c", "breaks", "{}"), "Error: it failed"),
        (ToolCall("c", "late", "{}"), "Error: it took too long"),
        (ToolCall("c", "order_status", '{"order": "1", "x": 2}'), "Error: the arguments do not fit"),
    ],
)
async def test_whatever_goes_wrong_with_a_tool_the_model_hears_of_it(call: ToolCall, told: str) -> None:
    @tool
    def breaks() -> str:
        """Break."""
        raise KeyError("secret")

    @tool(timeout_s=1.0)
    async def late() -> None:
        """Be late."""
        await asyncio.sleep(100)

    model = FakeModel([[call], ["I see."]])
    async with on_stage(talking(Agent(model, "", tools=[order_status, breaks, late]))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(5.0)
    assert str(model.asked[1].messages[-1]["content"]).startswith(told)
    assert said(stage)[-1].endswith("I see.")
    assert ran(stage) == [(call.name, False)]


async def test_a_tool_may_tell_the_model_why_it_could_not() -> None:
    @tool
    async def find() -> str:
        """Find."""
        raise ToolError("no such order")

    model = FakeModel([[ToolCall("c", "find", "")], ["Sorry."]])
    async with on_stage(talking(Agent(model, "", tools=[find]))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(3.0)
    assert model.asked[1].messages[-1]["content"] == "Error: no such order"


async def test_a_tool_hands_the_caller_over() -> None:
    outcomes: list[Outcome] = []

    @tool(effect=True)
    async def human(call: Call, why: str) -> Transfer:
        """Hand over. `why`: the reason."""
        return Transfer(call.called, timeout_s=25, whisper=why)

    model = FakeModel([["I connect you.", ToolCall("c", "human", '{"why": "angry"}')]])
    async with on_stage(talking(Agent(model, "", tools=[human]), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("A person, please.")
        await stage.sound(4.0)
    (outcome,) = outcomes
    assert isinstance(outcome, Transfer)
    assert (outcome.to, outcome.whisper, outcome.timeout_s) == ("+15550002", "angry", 25)
    assert not outcome.goodbye
    assert said(stage) == ["I connect you."]


async def test_rounds_of_tools_are_limited() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([[lookup(str(number))] for number in range(9)])
    async with on_stage(talking(Agent(model, "", tools=[order_status], max_tool_rounds=2), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(6.0)
    assert [asked.request.may_call for asked in model.asked] == [True, True, False]
    assert outcomes[0].limit
    assert said(stage) == ["I am sorry, I have to end our conversation here."]


async def test_keys_that_are_pressed_in_a_row_are_one_turn() -> None:
    model = FakeModel([["Thank you."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        for key in "123":
            stage.port.press(key)
            await stage.sound(0.5)
        await stage.sound(4.0)
    assert [asked.latest for asked in model.asked] == ["(The call begins.)\n(The caller pressed 1 2 3 on the keypad.)"]
    assert said(stage) == ["Thank you."]


# --- a model that is of no use ---------------------------------------------------------------------------------------


async def test_a_model_that_is_down_has_words_said_for_it_and_twice_in_a_row_it_is_over() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([[ModelUnavailable("500")]] * 4)
    agent = Agent(model, "", when_down="I cannot think just now, I am sorry.")
    async with on_stage(talking(agent, outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(4.0)
        assert outcomes == []
        await stage.says("Hello?")
        await stage.sound(4.0)
    assert said(stage) == ["I cannot think just now, I am sorry."] * 2
    assert outcomes[0].down
    assert len(model.asked) == 4, "each is asked once more"
    assert any(isinstance(event, Fault) and event.code == "model_unavailable" for event in stage.events)


async def test_a_model_that_refuses_is_not_asked_again() -> None:
    outcomes: list[Outcome] = []
    model = FakeModel([[ModelRefused("401")]])
    async with on_stage(talking(Agent(model, ""), outcomes)) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(4.0)
    assert len(model.asked) == 1
    assert outcomes[0].down
    assert said(stage) == [WHEN_DOWN]


async def test_one_failure_is_asked_again_before_anybody_notices() -> None:
    model = FakeModel([[ModelUnavailable("503")], ["Hello."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(4.0)
    assert said(stage) == ["Hello."]


async def test_a_late_model_has_fillers_said_until_its_deadline() -> None:
    model = FakeModel([[30.0, "Too late."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        since = stage.conversation.now() if stage.conversation else 0.0
        await stage.sound(10.0)
    assert said(stage) == [f"One moment. I am still on it. Just a little longer. {WHEN_DOWN}"] or said(stage) == [
        f"One moment. I am still on it. {WHEN_DOWN}"
    ]
    assert longest_silence(stage, since, stage.audible()[-1]) < 2.0
    assert model.asked[0].cancelled


async def test_a_model_that_stalls_in_the_middle_of_a_sentence_is_apologised_for() -> None:
    model = FakeModel([["It is here. The price of it is", 60.0]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(12.0)
    (text,) = said(stage)
    assert text.startswith("It is here. One moment.")
    assert text.endswith("The price of it is I am sorry, I lost my thread.")


async def test_an_empty_answer_is_asked_for_again_and_then_the_caller_is_asked() -> None:
    model = FakeModel([[], [], ["Fine."]])
    async with on_stage(talking(Agent(model, ""))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(4.0)
        await stage.says("Hello again.")
        await stage.sound(3.0)
    assert said(stage) == ["Sorry, could you say that again?", "Fine."]
    assert model.asked[2].latest == "(The call begins.)\nHello.\nHello again."


async def test_a_model_that_never_ends_is_cut_off() -> None:
    model = FakeModel([["word. " * 4000]], token_s=0.0)
    async with on_stage(talking(Agent(model, "", max_tokens=20))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(15.0)
    assert 100 < len(said(stage)[0]) < 200


async def test_a_caller_who_leaves_in_the_middle_leaves_nothing_behind() -> None:
    model = FakeModel([["One two three.", 1.0, "Four five six."]])
    async with on_stage(talking(Agent(model, "", tools=[order_status]))) as stage:
        await stage.sound(0.1)
        await stage.says("Hello.")
        await stage.sound(0.5)
    await asyncio.sleep(5.0)
    assert model.asked[0].cancelled
    assert [event.text for event in stage.events if isinstance(event, CallerSaid)] == ["Hello."]

"""The text of a turn while it is being said."""

from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.asr_stream import AsrEvent, Final, Partial, SpeechStarted, TurnEager, TurnEnded
from media_server.speech.turn_text import SoFar, TurnText

BEGAN = SpeechStarted(turn=1, at=0.0)


def partial(text: str, stable: int = 0) -> Partial:
    return Partial(turn=1, revision=1, text=text, stable=stable, start=0, end=1)


def eager(text: str) -> TurnEager:
    return TurnEager(turn=1, revision=1, text=text, start=0, end=1, probability=0.9)


def final(text: str) -> Final:
    return Final(turn=1, text=text, start=0, end=1)


def told(*events: AsrEvent) -> list[SoFar | None]:
    text = TurnText()
    return [text.receive(event) for event in events]


def test_partials_are_the_turn_so_far() -> None:
    assert told(BEGAN, partial("I want"), partial("I want a", 6)) == [None, SoFar("I want", 0), SoFar("I want a", 6)]


def test_what_follows_a_final_stands_behind_it() -> None:
    events = (BEGAN, final("I want"), partial("a table", 0), partial("a table", 1), partial("a table please", 7))
    assert told(*events)[1:] == [
        SoFar("I want", 6),
        SoFar("I want a table", 6),
        SoFar("I want a table", 8),
        SoFar("I want a table please", 14),
    ]


def test_an_offer_keeps_what_was_stable_where_it_agrees() -> None:
    assert told(BEGAN, partial("a table", 7), eager("a table for four"))[-1] == SoFar("a table for four", 7)
    assert told(BEGAN, partial("a table", 7), eager("eight tables"))[-1] == SoFar("eight tables", 0)


def test_the_final_that_ends_a_turn_is_told_with_its_end() -> None:
    assert told(BEGAN, partial("a"), final("a table").model_copy(update={"ends_turn": True}))[-1] is None


def test_what_changes_nothing_is_not_told_and_the_next_turn_begins_anew() -> None:
    ended = TurnEnded(turn=1, end=1, at=1, probability=1, reason="complete")
    assert told(BEGAN, partial("a"), partial("a"), partial(""), ended, BEGAN, partial("a"))[2:] == [
        None,
        None,
        None,
        None,
        SoFar("a", 0),
    ]


TEXT = st.text("ab ")
EVENT: st.SearchStrategy[AsrEvent] = TEXT.map(partial) | TEXT.map(eager) | TEXT.map(final)


@given(st.lists(EVENT))
def test_no_more_is_stable_than_there_is(events: list[AsrEvent]) -> None:
    for so_far in told(BEGAN, *events):
        assert so_far is None or 0 <= so_far.stable <= len(so_far.text)

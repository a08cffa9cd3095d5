import pytest

from media_server.turn.barge_in import asks_for_the_floor
from media_server.turn.floor import CONTEST_S, Change, Floor, Holder, Move


@pytest.mark.parametrize(
    ("changes", "holder", "may_begin"),
    [
        ([], Holder.FREE, True),
        ([Change.SPEECH_STARTED], Holder.CALLER, False),
        ([Change.SPEECH_STARTED, Change.TURN_ENDED], Holder.FREE, True),
        ([Change.AGENT_BEGINS], Holder.AGENT, True),
        ([Change.AGENT_BEGINS, Change.SPEECH_STARTED], Holder.BOTH, False),
        ([Change.AGENT_BEGINS, Change.SPEECH_STARTED, Change.AGENT_HEARD], Holder.CALLER, False),
        ([Change.AGENT_BEGINS, Change.SPEECH_STARTED, Change.TURN_ENDED], Holder.AGENT, True),
        ([Change.TURN_ENDED, Change.AGENT_HEARD], Holder.FREE, True),
    ],
)
def test_who_has_the_floor(changes: list[Change], holder: Holder, may_begin: bool) -> None:
    floor = Floor(0.0)
    for change in changes:
        floor.change(change, 1.0)
    assert floor.holder is holder
    assert floor.may_begin is may_begin


def test_quiet_is_counted_from_the_last_sound_of_either() -> None:
    floor = Floor(0.0)
    floor.change(Change.AGENT_BEGINS, 1.0)
    assert floor.quiet_for(5.0) == 0.0
    floor.change(Change.AGENT_HEARD, 6.0)
    assert floor.quiet_for(8.5) == 2.5


@pytest.mark.parametrize(
    ("changes", "moves", "holder"),
    [
        ([Change.CONTESTS], [Move.PAUSE], Holder.CONTESTED),
        ([Change.CONTESTS, Change.WORDS], [Move.PAUSE, Move.YIELD], Holder.CALLER),
        ([Change.CONTESTS, Change.WORDS, Change.TURN_ENDED], [Move.PAUSE, Move.YIELD, None], Holder.FREE),
        ([Change.CONTESTS, Change.OVERDUE, Change.WORDS], [Move.PAUSE, Move.CLEAR, Move.YIELD], Holder.CALLER),
        ([Change.CONTESTS, Change.TURN_ENDED], [Move.PAUSE, Move.RESUME], Holder.AGENT),
        ([Change.CONTESTS, Change.OVERDUE, Change.TURN_ENDED], [Move.PAUSE, Move.CLEAR, Move.RESUME], Holder.AGENT),
        ([Change.CONTESTS, Change.NO_WORDS], [Move.PAUSE, Move.RESUME], Holder.BOTH),
        ([Change.CONTESTS, Change.NO_WORDS, Change.CONTESTS], [Move.PAUSE, Move.RESUME, Move.PAUSE], Holder.CONTESTED),
        ([Change.CONTESTS, Change.AGENT_HEARD], [Move.PAUSE, Move.RESUME], Holder.CALLER),
        ([Change.SPEECH_STARTED, Change.TURN_ENDED], [None, None], Holder.AGENT),
        ([Change.SPEECH_STARTED, Change.WORDS], [None, Move.YIELD], Holder.CALLER),
        ([Change.WORDS], [Move.YIELD], Holder.FREE),
    ],
)
def test_what_becomes_of_us_when_the_caller_speaks_too(
    changes: list[Change], moves: list[Move | None], holder: Holder
) -> None:
    floor = Floor(0.0)
    floor.change(Change.AGENT_BEGINS, 1.0)
    assert [floor.change(change, 2.0) for change in changes] == moves
    assert floor.holder is holder


def test_a_contest_is_undecided_for_so_long() -> None:
    floor = Floor(0.0)
    floor.change(Change.AGENT_BEGINS, 1.0)
    assert floor.next_deadline() is None
    floor.change(Change.CONTESTS, 2.0)
    assert floor.next_deadline() == 2.0 + CONTEST_S
    assert floor.on_deadline(2.0 + CONTEST_S - 0.01) is None
    assert floor.on_deadline(2.0 + CONTEST_S) is Move.CLEAR
    assert floor.next_deadline() is None


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Uh-huh.", False),
        ("Mm-hmm, yeah.", False),
        ("Mhm", False),
        ("Okay.", False),
        ("...", False),
        ("", False),
        ("Yes.", True),
        ("No", True),
        ("Okay, stop.", True),
        ("Wait a second", True),
        ("I see what you mean", True),
    ],
)
def test_what_asks_for_the_floor(text: str, *, asks: bool) -> None:
    assert asks_for_the_floor(text, "en") is asks
    assert asks_for_the_floor(text, "xx") is any(char.isalnum() for char in text)

import pytest

from media_server.turn.floor import Change, Floor, Holder


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

import pytest

from media_server.admission import Load, check
from media_server.errors import Overloaded
from media_server.speech.room import Room

ROOM = Room(ready=1, free=3, asked_at=100.0)


def refusal(lag_s: float = 0.0, recogniser: Room = ROOM, voice: Room = ROOM, unsettled: int = 0) -> str | None:
    try:
        check(Load(lag_s, recogniser, voice, lambda _since: unsettled), max_queue_wait_ms=400)
    except Overloaded as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        ({}, None),
        ({"unsettled": 2}, None),
        ({"unsettled": 3}, "engine_full"),
        ({"voice": Room(ready=1, free=0)}, "engine_full"),
        ({"recogniser": Room()}, "no_engine"),
        ({"voice": Room()}, "no_engine"),
        ({"recogniser": Room(ready=1, free=9, queue_wait_ms=401)}, "engine_late"),
        ({"lag_s": 0.11}, "event_loop"),
        ({"lag_s": 0.09}, None),
    ],
)
def test_a_call_is_let_in_where_it_would_be_served_well(load: dict[str, object], reason: str | None) -> None:
    assert refusal(**load) == reason  # type: ignore[arg-type]

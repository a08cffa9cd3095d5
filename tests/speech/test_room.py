from media_server.speech.connection import Readiness
from media_server.speech.room import Room
from media_server.telemetry.loop_lag import LoopLag


def test_the_room_is_that_of_all_engines_that_are_ready() -> None:
    room = Room.of([Readiness(free=3, queue_wait_ms=900), Readiness(free=2, queue_wait_ms=20)])
    assert room == Room(ready=2, free=5, queue_wait_ms=20)
    assert room.state == "ready"
    assert Room.of([]).state == "down"
    assert Room.of([Readiness(free=0)]).state == "full"
    assert Room.of([Readiness.model_validate({"voice": "joe"})]).free > 1000


def test_the_lag_is_that_of_19_in_20() -> None:
    lag = LoopLag()
    assert lag.seconds == 0.0
    for number in range(100):
        lag.observe(0.3 if number % 50 == 0 else -0.001)
    assert lag.seconds == 0.0
    for _ in range(10):
        lag.observe(0.3)
    assert lag.seconds == 0.3

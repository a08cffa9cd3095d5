from media_server.turn.clock import ArrivalClock, PlayClock


def test_the_packet_with_the_least_delay_is_believed() -> None:
    clock = ArrivalClock(8000)
    clock.observe(160, 10.05)  # 50 ms late
    clock.observe(320, 10.025)
    clock.observe(480, 10.2)
    assert abs(clock.time_of(1.0) - (10.025 - 0.04 + 1.0)) < 0.001


def test_a_clock_that_drifts_is_followed_slowly() -> None:
    clock = ArrivalClock(8000)
    for tick in range(10_000):
        clock.observe(160 * tick, 0.020005 * tick)  # the far end is 250 ppm slow
    assert abs(clock.time_of(200.0) - 200.05) < 0.005


def test_positions_and_times_are_inverse() -> None:
    clock = PlayClock(8000, 3.0, 800)
    assert clock.time_of(clock.position_at(4.5)) == 4.5
    assert clock.position_at(1.0) == 800

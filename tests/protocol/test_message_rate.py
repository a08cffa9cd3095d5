from media_server.protocol.message_rate import MessageRate


def test_a_burst_is_taken_and_then_so_many_a_second() -> None:
    rate = MessageRate(per_s=10, burst=5)
    assert [rate.allows(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert rate.allows(1.0)
    assert sum(rate.allows(100.0) for _ in range(20)) == 5


def test_who_stays_below_it_is_never_refused() -> None:
    rate = MessageRate(per_s=50, burst=2)
    assert all(rate.allows(number / 50) for number in range(1000))

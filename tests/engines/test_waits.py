from engines.waits import WINDOW_S, RecentWaits


def test_the_typical_wait_is_that_of_nine_in_ten_of_late() -> None:
    waits = RecentWaits()
    assert waits.typical(0.0) == 0.0
    for number in range(100):
        waits.add(1.0 if number % 20 == 0 else 0.01, now=float(number) / 100)
    assert waits.typical(1.0) == 0.01
    for _ in range(20):
        waits.add(2.0, now=2.0)
    assert waits.typical(2.0) == 2.0
    assert waits.typical(2.0 + WINDOW_S + 0.1) == 0.0

from engines.waits import LEAST, WINDOW_S, RecentWaits


def test_the_typical_wait_is_the_median_of_late() -> None:
    waits = RecentWaits()
    assert waits.typical(0.0) == 0.0
    for number in range(20):
        waits.add(2.0 if number % 4 == 0 else 0.01, now=1.0)
    assert waits.typical(1.0) == 0.01
    for _ in range(30):
        waits.add(2.0, now=2.0)
    assert waits.typical(2.0) == 2.0
    assert waits.typical(2.0 + WINDOW_S + 0.1) == 0.0


def test_a_few_that_came_together_are_no_load() -> None:
    waits = RecentWaits()
    for _ in range(LEAST - 1):
        waits.add(1.0, now=0.0)
    assert waits.typical(1.0) == 0.0


def test_there_is_little_to_do_until_several_have_waited_of_late() -> None:
    waits = RecentWaits()
    for number in range(LEAST):
        assert waits.few(float(number) / LEAST)
        waits.add(0.0, now=float(number) / LEAST)
    assert not waits.few(1.0)
    assert waits.few(1.0 + WINDOW_S)

import pytest

from media_server.errors import TooMany
from media_server.telemetry.tickets import Tickets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_is_good_once_and_for_a_minute() -> None:
    clock = Clock()
    tickets = Tickets(now=clock)
    first, second, third = (tickets.issue() for _ in range(3))
    assert len({first, second, third}) == 3
    assert len(first) >= 43, "256 bits"
    assert tickets.knows(first)
    assert tickets.knows(first)
    assert tickets.redeem(first) is not None
    assert not tickets.knows(first)
    assert tickets.redeem(first) is None
    clock.now += 59.9
    assert tickets.redeem(second) is not None
    clock.now += 0.1
    assert tickets.redeem(third) is None


@pytest.mark.parametrize("ticket", ["", "x", "\ud800", "x" * 100_000, "é" * 40])
def test_what_is_no_ticket_opens_nothing(ticket: str) -> None:
    tickets = Tickets(now=Clock())
    tickets.issue()
    assert tickets.redeem(ticket) is None


def test_a_ticket_that_was_used_for_nothing_is_good_again_for_the_rest_of_its_minute() -> None:
    clock = Clock()
    tickets = Tickets(now=clock)
    ticket = tickets.issue()
    give_back = tickets.redeem(ticket)
    assert give_back is not None
    clock.now += 50
    give_back()
    assert tickets.knows(ticket)
    clock.now += 10
    assert not tickets.knows(ticket)


def test_so_many_are_open_and_no_more() -> None:
    clock = Clock()
    tickets = Tickets(now=clock, max_open=3)
    first = [tickets.issue() for _ in range(3)]
    with pytest.raises(TooMany):
        tickets.issue()
    tickets.redeem(first[0])
    tickets.issue()
    clock.now += 60
    assert len([tickets.issue() for _ in range(3)]) == 3

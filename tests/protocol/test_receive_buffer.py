"""Ticks are 8 kHz, a packet is 20 ms = 160 of them, unless a test says otherwise."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.receive_buffer import (
    LAG_S,
    LEAST_WAIT_S,
    MAX_AHEAD_S,
    MAX_WAITING,
    MOST_WAIT_S,
    Lost,
    NewStream,
    Piece,
    ReceiveBuffer,
    Silent,
    Sound,
    Unused,
)
from media_server.protocol.rtp import RtpPacket

RATE, TICKS, PTIME = 8000, 160, 0.02


def packet(
    n: int, *, ssrc: int = 7, first: int = 65_530, ts: int | None = None, payload: bytes = bytes(TICKS)
) -> RtpPacket:
    """The n-th packet of a stream that is about to go around both corners."""
    timestamp = ((1 << 32) - 500 + n * TICKS) if ts is None else ts
    return RtpPacket(0, (first + n) % 65_536, timestamp % (1 << 32), ssrc, payload)


class Line:
    """Drives a buffer as a port does, deadlines included, and keeps the books."""

    def __init__(self) -> None:
        self.buffer = ReceiveBuffer(RATE, len, lambda payload: len(payload) == 1)
        self.out: list[tuple[float, Piece]] = []

    def to(self, now: float) -> None:
        while (deadline := self.buffer.next_deadline()) is not None and deadline <= now:
            pieces = self.buffer.on_deadline(deadline)
            self.out += [(deadline, piece) for piece in pieces]
            assert self.buffer.next_deadline() != deadline

    def receive(self, now: float, *packets: RtpPacket) -> None:
        self.to(now)
        for each in packets:
            self.out += [(now, piece) for piece in self.buffer.receive(each, now)]

    @property
    def pieces(self) -> list[Piece]:
        return [piece for _, piece in self.out]

    @property
    def sequence(self) -> list[int]:
        return [piece.packet.sequence for piece in self.pieces if isinstance(piece, Sound)]

    def ticks(self) -> int:
        return sum(
            len(piece.packet.payload) if isinstance(piece, Sound) else piece.ticks
            for piece in self.pieces
            if isinstance(piece, Sound | Lost | Silent)
        )


def numbers(*which: int) -> list[int]:
    return [(65_530 + n) % 65_536 for n in which]


def test_what_comes_in_order_goes_on_at_once() -> None:
    line = Line()
    for n in range(50):
        line.receive(n * PTIME, packet(n))
    assert [at for at, _ in line.out] == [n * PTIME for n in range(50)]
    assert line.sequence == numbers(*range(50))


def test_what_is_overtaken_is_waited_for_and_put_in_order() -> None:
    line = Line()
    line.receive(0, packet(0))
    line.receive(0.02, packet(2))
    line.receive(0.05, packet(3), packet(1))
    assert line.sequence == numbers(0, 1, 2, 3)
    assert not any(isinstance(piece, Lost) for piece in line.pieces)


def test_a_hole_is_given_up_after_a_while_and_told_with_the_packet_behind_it() -> None:
    line = Line()
    line.receive(0, packet(0))
    line.receive(0.04, packet(2))
    line.receive(0.06, packet(3))
    line.to(0.2)
    assert line.pieces[1:4] == [Lost(TICKS, packet(2)), Sound(packet(2)), Sound(packet(3))]
    assert [at for at, _ in line.out[1:4]] == [pytest.approx(0.04 + line.buffer.wait_s, abs=0.001)] * 3
    line.receive(0.12, packet(1))
    assert line.pieces[-1] == Unused(packet(1), "late")


def test_where_nothing_is_ever_overtaken_a_loss_soon_costs_no_more_than_a_packet_time() -> None:
    line = Line()
    for n in range(1500):
        line.receive(n * PTIME, packet(n))
    assert line.buffer.wait_s == LEAST_WAIT_S


def test_the_wait_grows_with_how_late_packets_are_and_has_an_end() -> None:
    line = Line()
    line.receive(0, packet(0), packet(2))
    line.receive(0.055, packet(1))
    assert line.buffer.wait_s == pytest.approx(0.0825, rel=0.01)
    line.receive(0.06, packet(4))
    line.receive(0.9, packet(3))
    assert line.buffer.wait_s == pytest.approx(MOST_WAIT_S, rel=0.01)


def test_duplicates_are_heard_once() -> None:
    line = Line()
    line.receive(0, packet(0), packet(0), packet(2), packet(2), packet(1), packet(1))
    assert line.sequence == numbers(0, 1, 2)
    assert Counter(piece.reason for piece in line.pieces if isinstance(piece, Unused)) == {"duplicate": 3}


def test_a_pause_of_the_sender_is_filled_to_the_tick() -> None:
    line = Line()
    line.receive(0, packet(0), packet(1, ts=packet(0).timestamp + TICKS + 900))
    assert line.pieces[1] == Silent(900)


def test_when_nothing_comes_silence_goes_on_with_the_clock() -> None:
    line = Line()
    line.receive(0, packet(0))
    line.to(2.0)
    assert line.ticks() == pytest.approx((2.0 - LAG_S) * RATE, abs=2 * TICKS)
    assert line.out[1][0] == pytest.approx(0.2)


def test_an_announced_silence_is_filled_without_waiting_for_a_stall() -> None:
    line = Line()
    line.receive(0, packet(0))
    line.receive(0.02, packet(1, payload=b"-"))
    line.to(0.11)
    assert line.out[-1][0] == pytest.approx(0.10)
    assert isinstance(line.pieces[-1], Silent)


def test_after_a_stall_every_word_is_delivered_and_the_time_is_made_up_in_the_next_silence() -> None:
    line = Line()
    for n in range(10):
        line.receive(n * PTIME, packet(n))
    line.receive(0.8, *(packet(n) for n in range(10, 40)))
    assert line.sequence == numbers(*range(40))
    ahead = line.ticks() - 40 * TICKS
    assert ahead > 0.3 * RATE
    line.receive(0.82, packet(40, ts=packet(40).timestamp + RATE))
    assert line.ticks() == 41 * TICKS + RATE, "the pause of a second is shorter by what was ahead"


@pytest.mark.parametrize(
    "change", [{"ssrc": 99}, {"first": 33_000}, {"ts": 1 << 31}, {"ssrc": 1, "first": 5, "ts": 77}], ids=str
)
def test_a_new_beginning_is_believed_at_its_second_packet(change: dict[str, int]) -> None:
    line = Line()
    for n in range(5):
        line.receive(n * PTIME, packet(n))
    base = change.pop("ts", None)
    for n in range(5, 10):
        ts = None if base is None else base + n * TICKS
        line.receive(n * PTIME, packet(n, ts=ts, ssrc=change.get("ssrc", 7), first=change.get("first", 65_530)))
    kinds = [type(piece) for piece in line.pieces]
    assert kinds == [Sound] * 5 + [NewStream] + [Sound] * 5
    assert line.out[5][0] == pytest.approx(6 * PTIME)


def test_one_odd_packet_is_dropped_and_counted() -> None:
    line = Line()
    line.receive(0, packet(0), packet(0, ssrc=1234), packet(1))
    assert line.pieces == [Sound(packet(0)), Unused(packet(0, ssrc=1234), "odd"), Sound(packet(1))]


def test_three_times_the_clock_rate_is_heard_in_real_time() -> None:
    line = Line()
    for n in range(500):
        line.receive(n * PTIME, packet(n, ts=n * 3 * TICKS))
    assert len(line.sequence) == 500
    assert line.ticks() <= (500 * PTIME + MAX_AHEAD_S) * RATE


def test_ten_times_as_many_packets_as_time_are_cut_down_to_it() -> None:
    line = Line()
    for n in range(5000):
        line.receive(n * PTIME / 10, packet(n))
    assert line.ticks() <= (500 * PTIME + MAX_AHEAD_S) * RATE
    assert {piece.reason for piece in line.pieces if isinstance(piece, Unused)} == {"too_fast"}


def test_no_more_than_200_packets_ever_wait() -> None:
    line = Line()
    line.receive(0, packet(0))
    for n in range(2, 900, 2):
        line.receive(0.001, packet(n))
        assert len(line.buffer._waiting) <= MAX_WAITING


@given(seed=st.integers(0, 10_000), loss=st.floats(0, 0.3), jitter=st.floats(0, 0.08), repeats=st.floats(0, 0.2))
def test_whatever_the_network_does_the_order_is_kept_and_the_books_balance(
    seed: int, loss: float, jitter: float, repeats: float
) -> None:
    rng = random.Random(seed)
    arrivals = []
    for n in range(300):
        if n and rng.random() < loss:
            continue
        copies = 1 + (rng.random() < repeats)
        arrivals += [(n * PTIME + (rng.random() * jitter if n else 0), n) for _ in range(copies)]
    line = Line()
    for at, n in sorted(arrivals):
        line.receive(at, packet(n))
    line.to(300 * PTIME + 0.5)
    order = [(number - 65_530) % 65_536 for number in line.sequence]
    assert order == sorted(set(order))
    unused = Counter(piece.reason for piece in line.pieces if isinstance(piece, Unused))
    assert len(order) + unused.total() == len(arrivals)
    assert unused["odd"] == unused["too_fast"] == 0
    assert line.ticks() == pytest.approx(300 * TICKS, abs=0.6 * RATE)

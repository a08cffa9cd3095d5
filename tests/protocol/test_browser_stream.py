from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol import browser_stream
from media_server.protocol.browser_socket import SAMPLE_RATE, Digit, Mark, Text
from media_server.protocol.browser_stream import Audio, BrowserStream, Dropped, StreamEvent

PIECE = b"\x01\x02" * 320
PTIME = 0.02


class Axis:
    """A stream in virtual time, and what became of each sample."""

    def __init__(self, now: float = 100.0) -> None:
        self.stream = BrowserStream()
        self.now = now
        self.received = 0
        self.filled = 0
        self.placed = 0
        self.dropped: Counter[str] = Counter()

    def take(self, events: list[StreamEvent]) -> None:
        for event in events:
            if isinstance(event, Audio):
                assert event.position == self.placed, "pieces are contiguous"
                samples = len(event.pcm) // 2
                assert samples > 0
                self.placed += samples
                self.filled += samples if event.filled else 0
                assert not (event.filled and any(event.pcm))
            elif isinstance(event, Dropped):
                self.dropped[event.reason] += event.samples

    def sound(self, pieces: int = 1, *, every: float = PTIME, piece: bytes = PIECE) -> None:
        for _ in range(pieces):
            self.wait(every)
            self.received += len(piece) // 2
            self.take(self.stream.receive_binary(piece, self.now))

    def wait(self, seconds: float) -> None:
        """Time goes on, and the stream is called when it wants to be."""
        until = self.now + seconds
        while (deadline := self.stream.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.stream.on_deadline(self.now))
        self.now = until

    def burst(self, pieces: int) -> None:
        """What was held up comes all at once."""
        self.sound(pieces, every=0)

    def balances(self) -> bool:
        return self.received + self.filled == self.placed + self.dropped.total()


def test_pieces_follow_each_other_whatever_their_length_and_time() -> None:
    axis = Axis()
    axis.sound(10)
    axis.sound(3, every=0.3, piece=PIECE * 10)
    axis.sound(5, every=0.008, piece=PIECE[:256])
    assert (axis.filled, axis.dropped) == (0, Counter())
    assert axis.placed == 10 * 320 + 30 * 320 + 5 * 128


def test_nothing_is_filled_before_the_first_sound() -> None:
    axis = Axis()
    axis.wait(10)
    assert axis.stream.next_deadline() is None
    axis.sound()
    assert (axis.placed, axis.filled) == (320, 0)


def test_what_a_lost_packet_holds_up_comes_late_and_whole() -> None:
    axis = Axis()
    axis.sound(50)
    axis.wait(0.9)
    axis.burst(45)
    axis.sound(50)
    assert (axis.filled, axis.dropped) == (0, Counter())
    assert axis.placed == 145 * 320


def test_time_goes_on_where_no_sound_comes() -> None:
    axis = Axis()
    axis.sound(50)
    axis.wait(5)
    assert axis.filled == pytest.approx(5 * SAMPLE_RATE, abs=0.11 * SAMPLE_RATE)
    axis.sound(50)
    assert axis.placed == pytest.approx(7 * SAMPLE_RATE, abs=10)
    assert axis.dropped == Counter()
    axis.wait(0.9)
    assert axis.placed == pytest.approx(7 * SAMPLE_RATE, abs=10), "each gap is a gap of its own"


def test_what_comes_late_after_silence_is_heard_and_no_more_than_three_seconds_of_it() -> None:
    axis = Axis()
    axis.sound(50)
    axis.wait(8)
    axis.burst(400)
    axis.sound(200)
    taken = axis.placed - axis.filled - 250 * 320
    assert taken == browser_stream.BURST_S * SAMPLE_RATE
    assert axis.dropped == Counter(too_fast=5 * SAMPLE_RATE)
    assert not axis.stream.flooded
    assert axis.balances()


def test_a_page_that_was_away_as_long_as_a_call_lasts_without_sound_is_no_flood() -> None:
    axis = Axis()
    axis.sound(50)
    axis.wait(15)
    axis.burst(750)
    assert not axis.stream.flooded


def test_half_as_fast_again_as_time_may_be_kept_up() -> None:
    axis = Axis()
    axis.sound(3000, every=PTIME / 1.5)
    assert not axis.stream.flooded
    assert axis.dropped == Counter()


@pytest.mark.parametrize(("times", "within_s"), [(2, 45), (10, 3), (100, 1)])
def test_sound_faster_than_time_is_dropped_and_then_a_flood(times: float, within_s: float) -> None:
    axis = Axis()
    begun = axis.now
    while not axis.stream.flooded:
        axis.sound(every=PTIME / times)
        assert axis.now - begun < within_s
    assert axis.placed <= (browser_stream.BURST_S + 1.5 * (axis.now - begun)) * SAMPLE_RATE + 320
    assert axis.balances()


def test_a_page_that_often_comes_back_late_is_forgiven() -> None:
    axis = Axis()
    for _ in range(20):
        axis.sound(3000)
        axis.wait(6)
        axis.burst(300)
    assert not axis.stream.flooded


@pytest.mark.parametrize(
    ("data", "reason", "samples"),
    [(b"\0", "odd_length", 0), (b"\0" * 641, "odd_length", 320), (b"\0" * 6402, "too_long", 3201)],
)
def test_what_is_no_piece_of_sound_is_dropped_and_counted(data: bytes, reason: str, samples: int) -> None:
    stream = BrowserStream()
    assert stream.receive_binary(data, 1.0) == [Dropped(samples, reason)]
    assert stream.irregular == Counter({reason: 1})
    assert stream.heard_at is None, "it keeps no call alive"


def test_an_empty_piece_is_nothing() -> None:
    stream = BrowserStream()
    assert stream.receive_binary(b"", 1.0) == []
    assert stream.irregular == Counter(empty=1)


def test_keys_texts_and_marks_are_told() -> None:
    stream = BrowserStream()
    messages = ('{"type":"digit","digit":"1"}', '{"type":"text","text":"yes"}', '{"type":"mark","name":"g0.1"}')
    assert [stream.receive_text(text, 1.0) for text in messages] == [[Digit("1")], [Text("yes")], [Mark("g0.1")]]


def test_what_is_not_understood_is_counted_and_ignored() -> None:
    stream = BrowserStream()
    for text in ("", "[]", '{"type":"wave"}', '{"type":"digit","digit":"x"}'):
        assert stream.receive_text(text, 1.0) == []
    assert stream.irregular == Counter(protocol_violation=3, unknown_type=1)


def test_keys_and_texts_without_end_are_ignored_and_marks_are_not() -> None:
    stream = BrowserStream()
    told = sum(len(stream.receive_text('{"type":"text","text":"yes"}', 1.0 + n / 100)) for n in range(1000))
    assert told <= browser_stream.COMMANDS_AT_ONCE + 10 * browser_stream.COMMANDS_PER_S
    assert stream.irregular["too_many_commands"] == 1000 - told
    assert all(stream.receive_text('{"type":"mark","name":"a"}', 11.0) for _ in range(100))


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from([0, 1, 2, 5, 256, 640, 641, 6400, 6402]), st.integers(1, 30)),
        max_size=20,
    )
)
def test_every_sample_is_placed_or_dropped_whatever_comes_when(story: list[tuple[float, int, int]]) -> None:
    axis = Axis()
    for seconds, size, times in story:
        axis.wait(seconds)
        axis.sound(times, every=0.0, piece=bytes(size))
    assert axis.balances()
    assert axis.filled <= (axis.now - 100.0) * SAMPLE_RATE

from hypothesis import given
from hypothesis import strategies as st

from media_server.protocol.placement import ODD_IN_A_ROW, Placement, Placing


def test_frames_in_order_follow_each_other_from_zero_on() -> None:
    placement = Placement(8000)
    assert placement.place(60, 160) == Placing(0, 0, 0, 160)
    assert placement.place(80, 160) == Placing(160, 0, 0, 160)


def test_any_length_is_taken() -> None:
    placement = Placement(8000)
    placement.place(0, 800)
    assert placement.place(100, 7) == Placing(800, 0, 0, 7)


def test_a_deviation_of_less_than_10_ms_is_rounding() -> None:
    placement = Placement(8000)
    placement.place(0, 160)
    assert placement.place(29, 160) == Placing(160, 0, 0, 160)
    assert placement.place(40, 160) == Placing(320, 0, 0, 160)
    assert placement.place(51, 160) == Placing(480, 0, 0, 160)


def test_a_gap_is_filled() -> None:
    placement = Placement(8000)
    placement.place(0, 160)
    assert placement.place(30, 160) == Placing(240, 80, 0, 160)
    assert placement.place(90, 160) == Placing(720, 320, 0, 160)


def test_a_drift_is_not_forgotten() -> None:
    placement = Placement(8000)
    fills = [placement.place(21 * number, 160).fill for number in range(21)]
    assert sum(fills) == 160
    assert all(fill in (0, 80) for fill in fills)


def test_a_repeat_is_dropped_and_an_overlap_cut() -> None:
    placement = Placement(8000)
    placement.place(0, 160)
    assert placement.place(0, 160) == Placing(160, 0, 160, 0, "late")
    assert placement.place(10, 160) == Placing(160, 0, 80, 80, "late")
    assert placement.place(30, 160) == Placing(240, 0, 0, 160)


def test_an_absurd_jump_is_dropped_and_the_next_frame_lives() -> None:
    placement = Placement(8000)
    placement.place(0, 160)
    assert placement.place(10_021, 160) == Placing(160, 0, 160, 0, "bad_timestamp")
    assert placement.place(20, 160) == Placing(160, 0, 0, 160)
    assert placement.place(10_040, 160).fill == 80_000


def test_a_clock_that_stays_elsewhere_is_followed_after_fifty_frames() -> None:
    placement = Placement(8000)
    placement.place(1_000_000, 160)
    placings = [placement.place(20 * number, 160) for number in range(ODD_IN_A_ROW + 1)]
    assert [placing.keep for placing in placings] == [0] * (ODD_IN_A_ROW - 1) + [160, 160]
    assert placings[-1] == Placing(320, 0, 0, 160)


@given(st.lists(st.tuples(st.integers(0, 10**15 - 1) | st.integers(0, 20_000), st.integers(1, 70_000)), max_size=120))
def test_nothing_is_lost_and_positions_are_contiguous(pieces: list[tuple[int, int]]) -> None:
    placement = Placement(8000)
    received = filled = placed = dropped = 0
    for timestamp, samples in pieces:
        placing = placement.place(timestamp, samples)
        assert placing.position == placed + placing.fill
        assert placing.keep + placing.skip == samples
        assert min(placing.fill, placing.skip, placing.keep) >= 0
        assert (placing.reason is None) == (placing.skip == 0)
        assert placing.fill <= 80_000
        received += samples
        filled += placing.fill
        dropped += placing.skip
        placed += placing.fill + placing.keep
        assert placement.end == placed
    assert received + filled == placed + dropped


@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.data())
def test_a_stream_with_losses_keeps_its_length(lengths_ms: list[int], data: st.DataObject) -> None:
    """Whatever frames of 10 ms and more are lost, the others stay where they were spoken."""
    placement = Placement(8000)
    at, anchor = 0, None
    for length_ms in lengths_ms:
        if length_ms < 10 or data.draw(st.booleans()):
            placing = placement.place(at, 8 * length_ms)
            anchor = at if anchor is None else anchor
            assert placing.position == 8 * (at - anchor)
        at += length_ms

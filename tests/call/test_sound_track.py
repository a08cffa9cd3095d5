from media_server.audio.frame import AudioFrame
from media_server.call.sound_track import SoundTrack

RATE = 8000
FRAME = 160


def pcm(value: int, samples: int = FRAME) -> bytes:
    return value.to_bytes(2, "little") * samples


def same_clock(at: float) -> float:
    return at


def caller_speaks(track: SoundTrack, frames: int, first: int = 0, value: int = 1) -> None:
    for number in range(first, first + frames):
        track.receive(AudioFrame(pcm(value), RATE, number * FRAME))


def sides(track: SoundTrack, now: float = 1e9) -> tuple[list[int], list[int]]:
    """All that is left of it: the caller's samples and ours."""
    blocks = track.rest(now, same_clock)
    data = b"".join(block.pcm for block in blocks)
    values = [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]
    return values[::2], values[1::2]


def test_each_side_stands_in_its_place_and_gaps_are_silent() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    caller_speaks(track, 2)
    caller_speaks(track, 1, first=4)
    track.send(pcm(2), 0.030)
    left, right = sides(track)
    assert left == [1] * 320 + [0] * 320 + [1] * 160
    assert right == [0] * 240 + [2] * 160 + [0] * 400


def test_pieces_that_follow_each_other_up_to_jitter_are_one_run() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    caller_speaks(track, 10)
    for number, jitter in enumerate((0.0, 0.004, -0.003)):
        track.send(pcm(number + 2), 0.04 + number * 0.02 + jitter)
    _, right = sides(track)
    assert right[320:800] == [2] * 160 + [3] * 160 + [4] * 160


def test_what_is_cleared_before_it_sounds_is_not_there() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    caller_speaks(track, 20)
    for number in range(10):
        track.send(pcm(2), number * 0.02)
    track.clear(0.050)
    track.send(pcm(3), 0.1)
    _, right = sides(track)
    assert right[:400] == [2] * 400
    assert right[400:800] == [0] * 400
    assert right[800:960] == [3] * 160


def test_blocks_come_while_the_call_goes_on_and_a_piece_may_lie_across_two() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    track.send(pcm(2, samples=RATE * 2), 0.1)
    given = []
    for number in range(200):
        caller_speaks(track, 1, first=number)
        given += track.due(same_clock)
    assert [block.sample for block in given] == [number * 4000 for number in range(7)]
    given += track.rest(4.0, same_clock)
    data = b"".join(block.pcm for block in given)
    right = [int.from_bytes(data[at : at + 2], "little") for at in range(2, len(data), 4)]
    assert right == [0] * 800 + [2] * 16000 + [0] * (32000 - 16800)
    assert track.late == 0


def test_while_it_is_paused_both_sides_are_silent_and_time_goes_on() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    caller_speaks(track, 5)
    track.send(pcm(2, samples=800), 0.0)
    track.pause(0.05)
    caller_speaks(track, 5, first=5)
    track.send(pcm(2), 0.1)
    track.resume()
    caller_speaks(track, 5, first=10)
    track.send(pcm(2), 0.2)
    left, right = sides(track)
    assert left == [1] * 800 + [0] * 800 + [1] * 800
    assert right == [2] * 400 + [0] * 1200 + [2] * 160 + [0] * 640


def test_what_comes_too_late_for_its_block_is_cut_and_counted() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    caller_speaks(track, 60)
    assert track.due(same_clock)
    track.send(pcm(2), 0.1)
    assert track.due(same_clock) == []
    sides(track)
    assert track.late == FRAME


def test_sound_for_a_caller_who_never_comes_is_bounded() -> None:
    track = SoundTrack(RATE, 0, ours=True)
    for number in range(100):
        track.send(pcm(2, samples=RATE), number)
    assert track.late == 40 * RATE


def test_the_callers_side_alone_is_mono() -> None:
    track = SoundTrack(RATE, 320, ours=False)
    track.send(pcm(2), 0.05)
    caller_speaks(track, 2, first=2)
    [block] = track.rest(1.0, same_clock)
    assert (track.channels, block.sample, block.pcm) == (1, 0, pcm(1, samples=320))

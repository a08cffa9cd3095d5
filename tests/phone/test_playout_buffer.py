from hypothesis import given
from hypothesis import strategies as st

from media_server.phone.playout_buffer import MAX_QUEUED, PlayoutBuffer, Span
from tests.phone.tones import quiet, tone


def test_audio_is_played_in_real_time_from_its_arrival() -> None:
    buffer = PlayoutBuffer(start=100.0)
    sound = tone(0.1)
    buffer.receive_media(sound, 100.25)
    buffer.advance(100.3125)
    assert bytes(buffer.played) == quiet(0.25) + sound[:1000]
    assert not buffer.is_quiet
    buffer.advance(101.0)
    assert bytes(buffer.played) == quiet(0.25) + sound + quiet(0.65)
    assert buffer.is_quiet
    assert buffer.underruns == [Span(0, 2000), Span(2800, 8000)]


def test_audio_sent_ahead_has_no_gap() -> None:
    buffer = PlayoutBuffer(start=0.0)
    for number in range(5):
        buffer.receive_media(tone(0.02), 0.001 * number)
    buffer.advance(0.1)
    assert buffer.underruns in ([], [Span(0, 1)])


def test_a_mark_comes_back_when_all_before_it_was_played() -> None:
    buffer = PlayoutBuffer(start=0.0)
    assert buffer.receive_mark("empty", 0.0) == ["empty"]
    buffer.receive_media(tone(0.1), 0.0)
    assert buffer.receive_mark("a", 0.0) == []
    buffer.receive_media(tone(0.1), 0.05)
    assert buffer.receive_mark("b", 0.05) == []
    assert buffer.advance(0.099) == []
    assert buffer.advance(0.1) == ["a"]
    assert buffer.advance(5.0) == ["b"]


def test_clear_throws_away_and_returns_all_marks() -> None:
    buffer = PlayoutBuffer(start=0.0)
    buffer.receive_media(tone(1.0), 0.0)
    buffer.receive_mark("a", 0.0)
    buffer.receive_media(tone(1.0), 0.0)
    buffer.receive_mark("b", 0.0)
    assert buffer.receive_clear(0.5) == ["a", "b"]
    buffer.advance(1.0)
    assert bytes(buffer.played) == tone(1.0)[:8000] + quiet(0.5)


def test_more_than_ten_minutes_are_thrown_away() -> None:
    buffer = PlayoutBuffer(start=0.0)
    buffer.receive_media(bytes(2 * MAX_QUEUED), 0.0)
    buffer.receive_media(bytes(320), 0.0)
    assert buffer.discarded == 160


def test_silence_that_waits_is_quiet() -> None:
    buffer = PlayoutBuffer(start=0.0)
    buffer.receive_media(tone(0.5), 0.0)
    buffer.receive_media(quiet(0.5), 0.0)
    assert not buffer.is_quiet
    buffer.advance(0.5)
    assert buffer.is_quiet
    buffer.receive_media(tone(0.5), 0.5)
    buffer.receive_clear(0.5)
    assert buffer.is_quiet


actions = st.sampled_from(["media", "mark", "clear", "nothing"])


@given(st.lists(st.tuples(actions, st.floats(0, 0.3), st.integers(1, 4000)), max_size=40))
def test_every_mark_comes_back_once_and_time_has_no_holes(script: list[tuple[str, float, int]]) -> None:
    buffer = PlayoutBuffer(start=0.0)
    now, sent, sounded = 0.0, [], 0
    returned: list[str] = []
    for number, (action, passes, samples) in enumerate(script):
        now += passes
        match action:
            case "media":
                returned += buffer.receive_media(b"\1\1" * samples, now)
                sounded += samples
            case "mark":
                sent.append(str(number))
                returned += buffer.receive_mark(str(number), now)
            case "clear":
                returned += buffer.receive_clear(now)
            case _:
                returned += buffer.advance(now)
        assert buffer.position == int(now * 8000)
    returned += buffer.advance(now + 30)
    assert returned == sent
    assert bytes(buffer.played).count(b"\1") // 2 <= sounded
    assert sum(span.end - span.begin for span in buffer.underruns) == buffer.position - buffer.played.count(1) // 2

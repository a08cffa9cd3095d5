"""Playout in virtual time."""

from collections import deque
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.phone.playout_buffer import PlayoutBuffer
from media_server.turn.playout import Playout
from media_server.turn.utterance import FirstAudible, Heard, PlayoutAction, SendAudio, SendClear, SendMark, Utterance

RATE = 8000
FRAME = 320
LOUD = b"\x00\x20" * 160


def run(playout: Playout, start: float, end: float, *, marks: bool = True) -> list[tuple[float, PlayoutAction]]:
    """Let time pass; a far end that plays at once and returns its marks as they are due."""
    now, done = start, list[tuple[float, PlayoutAction]]()
    owed: list[tuple[float, str]] = []
    played_until = start
    while now <= end:
        for due, name in [mark for mark in owed if mark[0] <= now]:
            owed.remove((due, name))
            playout.receive_mark(name)
        for action in playout.on_deadline(now):
            done.append((now, action))
            if isinstance(action, SendAudio):
                played_until = max(played_until, now) + 0.02
            elif isinstance(action, SendMark) and marks:
                owed.append((played_until, action.name))
        deadlines = [*(due for due, _ in owed), *([playout.next_deadline()] if playout.next_deadline() else [])]
        upcoming = min((each for each in deadlines if each is not None), default=end + 1)
        now = max(upcoming, now + 0.0005)
    return done


def said(pcm: bytes, name: str = "u") -> Utterance:
    utterance = Utterance(name)
    utterance.pcm += pcm
    utterance.finished = True
    return utterance


def audio(done: list[tuple[float, PlayoutAction]]) -> list[float]:
    return [at for at, action in done if isinstance(action, SendAudio)]


def test_the_lead_is_sent_at_once_and_the_rest_on_an_absolute_clock() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(said(LOUD * 50))
    done = run(playout, 10.0, 12.0)
    times = audio(done)
    assert times[:11] == [10.0] * 11  # 200 ms of lead: frames 0 to 10 are due at once
    assert [round(at, 2) for at in times[11:14]] == [10.02, 10.04, 10.06]
    assert len(times) == 50
    assert round(times[-1], 2) == 10.78


def test_a_late_wake_up_does_not_shift_the_frames_behind_it() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(said(LOUD * 50))
    playout.on_deadline(0.0)
    late = playout.on_deadline(0.15)  # 130 ms late
    assert sum(isinstance(action, SendAudio) for action in late) == 7
    assert round(playout.next_deadline() or 0, 6) == 0.16
    assert playout.gaps == 0


def test_running_dry_inside_an_utterance_is_a_gap_between_them_it_is_not() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(said(LOUD * 5, "one"))
    run(playout, 0.0, 1.0)
    playout.open(said(LOUD * 5, "two"))
    run(playout, 1.0, 2.0)
    assert playout.gaps == 0
    slow = Utterance("slow")
    playout.open(slow)
    playout.push(slow, LOUD * 5)
    run(playout, 2.0, 2.5)
    playout.push(slow, LOUD * 5)
    playout.finish(slow)
    run(playout, 2.5, 3.0)
    assert playout.gaps == 1


def test_a_held_utterance_waits_for_its_release_and_keeps_its_place() -> None:
    playout = Playout(RATE, 0.2)
    first, second = said(LOUD, "held"), said(LOUD, "behind")
    first.held = True
    playout.open(first)
    playout.open(second)
    assert run(playout, 0.0, 1.0) == []
    playout.release(first)
    assert len(audio(run(playout, 1.0, 2.0))) == 2
    assert first.start == 0
    assert second.start == 160


def test_withdrawn_before_its_first_sample_nothing_is_sent() -> None:
    playout = Playout(RATE, 0.2)
    utterance = said(LOUD)
    utterance.held = True
    playout.open(utterance)
    assert playout.withdraw(utterance)
    assert playout.idle
    sent = said(LOUD)
    playout.open(sent)
    playout.on_deadline(0.0)
    assert not playout.withdraw(sent)


def test_heard_comes_with_the_mark_not_with_the_sending() -> None:
    playout = Playout(RATE, 0.2)
    utterance = said(LOUD * 10)
    playout.open(utterance)
    done = run(playout, 0.0, 1.0)
    heard = [at for at, action in done if isinstance(action, Heard)]
    assert len(heard) == 1
    assert 0.2 <= heard[0] < 0.21


def test_a_far_end_that_returns_no_marks_is_believed_by_the_clock() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(said(LOUD * 10))
    done = run(playout, 0.0, 3.0, marks=False)
    assert [round(at, 1) for at, action in done if isinstance(action, Heard)] == [1.2]


def test_the_first_audible_sample_is_stamped_with_when_it_sounds() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(said(bytes(FRAME) * 3 + LOUD))
    done = run(playout, 5.0, 6.0)
    stamps = [action.audible_at for _, action in done if isinstance(action, FirstAudible)]
    assert [round(stamp, 3) for stamp in stamps] == [5.06]


def test_after_a_clear_old_marks_prove_nothing() -> None:
    playout = Playout(RATE, 0.2)
    utterance = said(LOUD * 50)
    playout.open(utterance)
    done = run(playout, 0.0, 0.1, marks=False)
    names = [action.name for _, action in done if isinstance(action, SendMark)]
    assert playout.cut(0.1) == [utterance]
    before = playout.heard(0.1)
    for name in names:
        playout.receive_mark(name)
    assert playout.heard(0.1) == before
    assert playout.on_deadline(0.2) == [SendClear()]
    playout.open(said(LOUD))
    marks = [action.name for _, action in run(playout, 0.3, 1.0) if isinstance(action, SendMark)]
    assert all(name.startswith("g1.") for name in marks)


def test_the_floor_holds_back_what_has_not_begun_only() -> None:
    playout = Playout(RATE, 0.0)
    playout.open(said(LOUD * 4, "sounding"))
    playout.open(said(LOUD, "next"))
    assert sum(isinstance(action, SendAudio) for action in playout.on_deadline(0.0)) == 1
    sent = [playout.on_deadline(0.02 * tick, may_begin=False) for tick in range(1, 8)]
    assert sum(isinstance(action, SendAudio) for actions in sent for action in actions) == 3
    assert playout.waits_to_begin
    assert playout.next_deadline(may_begin=False) is None or playout.next_deadline(may_begin=False) != 0


# --- the caller speaks too ------------------------------------------------------------------------------------------

WORD = RATE // 4
"""Four words a second, each of a sound of its own."""


def words(count: int) -> bytes:
    return b"".join(bytes([index + 1, 0x20]) * WORD for index in range(count))


def heard_words(played: bytes) -> list[int]:
    """Which words were played from beginning to end, in order."""
    runs = [(value, len(list(run))) for value, run in groupby(played[::2])]
    return [value - 1 for value, samples in runs if value and samples >= WORD]


class Phone:
    """A far end on the playout: plays what it is sent, returns marks after `way_s`."""

    def __init__(self, playout: Playout, way_s: float = 0.05) -> None:
        self.playout = playout
        self.buffer = PlayoutBuffer(0.0)
        self._marks: deque[tuple[float, str]] = deque()
        self._way_s = way_s

    def run(self, start: float, end: float) -> None:
        for tick in range(round(start * 100), round(end * 100)):
            now = tick / 100
            self._queue(self.buffer.advance(now), now)
            while self._marks and self._marks[0][0] <= now:
                self.playout.receive_mark(self._marks.popleft()[1])
            for action in self.playout.on_deadline(now):
                match action:
                    case SendAudio():
                        self._queue(self.buffer.receive_media(action.pcm, now), now)
                    case SendMark():
                        self._queue(self.buffer.receive_mark(action.name, now), now)
                    case SendClear():
                        self._queue(self.buffer.receive_clear(now), now)
                    case _:
                        pass

    def _queue(self, marks: list[str], now: float) -> None:
        self._marks.extend((now + self._way_s, name) for name in marks)


def test_a_pause_within_the_lead_is_not_heard() -> None:
    playout = Playout(RATE, 0.2)
    playout.open(spoken(8))
    phone = Phone(playout)
    phone.run(0.0, 0.6)
    playout.pause()
    phone.run(0.6, 0.7)
    playout.resume(0.7)
    phone.run(0.7, 3.0)
    assert [span.end for span in phone.buffer.underruns][:-1] == []
    assert heard_words(bytes(phone.buffer.played)) == list(range(8))


@pytest.mark.parametrize("cleared", [False, True])
@pytest.mark.parametrize("paused_at", [0.31, 0.5, 0.77, 1.0, 1.19])
def test_after_a_pause_the_cut_word_comes_again_and_none_is_lost(paused_at: float, *, cleared: bool) -> None:
    playout = Playout(RATE, 0.2)
    utterance = spoken(8)
    playout.open(utterance)
    phone = Phone(playout)
    phone.run(0.0, paused_at)
    playout.pause()
    phone.run(paused_at, paused_at + 0.3)
    if cleared:
        playout.clear(paused_at + 0.3)
    phone.run(paused_at + 0.3, paused_at + 0.8)
    silent_since = len(bytes(phone.buffer.played).rstrip(b"\0")) / 2 / RATE
    assert silent_since <= paused_at + 0.22
    playout.resume(paused_at + 0.8)
    phone.run(paused_at + 0.8, 5.0)
    assert heard_words(bytes(phone.buffer.played)) == list(range(8))
    assert playout.gaps == 0
    assert playout.idle


def test_with_a_long_lead_a_clear_silences_us_at_once() -> None:
    playout = Playout(RATE, 2.0)
    utterance = spoken(8)
    playout.open(utterance)
    phone = Phone(playout)
    phone.run(0.0, 0.6)
    playout.pause()
    playout.clear(0.6)
    phone.run(0.6, 1.5)
    assert len(bytes(phone.buffer.played).rstrip(b"\0")) / 2 / RATE <= 0.61
    assert 0.3 <= playout.heard_of(utterance, 1.5) / RATE <= 0.61
    playout.resume(1.5)
    phone.run(1.5, 6.0)
    assert set(range(8)) == set(heard_words(bytes(phone.buffer.played)))


def test_what_is_cut_is_given_up_and_what_waits_is_not() -> None:
    playout = Playout(RATE, 0.2)
    first, second = spoken(8), spoken(2)
    playout.open(first)
    playout.open(second)
    phone = Phone(playout)
    phone.run(0.0, 0.9)
    playout.pause()
    phone.run(0.9, 1.2)
    assert playout.current is first
    assert playout.cut(1.2) == [first]
    assert first.cut
    assert 1.0 <= playout.heard_of(first, 1.2) / RATE <= 1.12
    phone.run(1.2, 3.0)
    assert heard_words(bytes(phone.buffer.played)) == [0, 1, 2, 3, 0, 1]


def spoken(count: int) -> Utterance:
    return Utterance("u", finished=True, pcm=bytearray(words(count)), seams=[WORD * index for index in range(1, count)])


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.integers(1, 90)), max_size=6), st.integers(0, 20))
def test_however_often_we_are_interrupted_each_word_is_heard_once(
    interruptions: list[tuple[int, bool, int]], way: int
) -> None:
    playout = Playout(RATE, 0.2)
    playout.open(spoken(6))
    playout.open(spoken(3))
    phone, now = Phone(playout, way / 100), 0.0
    for talk, cleared, silence in interruptions:
        phone.run(now, now := round(now + talk / 100, 2))
        playout.pause()
        phone.run(now, now := round(now + 0.5, 2))
        if cleared:
            playout.clear(now)
        phone.run(now, now := round(now + silence / 100, 2))
        playout.resume(now)
        assert playout.heard(now) <= playout.sent
    phone.run(now, now + 6.0)
    assert heard_words(bytes(phone.buffer.played)) == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert playout.idle


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 2000)),
        st.tuples(st.just("wait"), st.integers(0, 400)),
        st.tuples(st.just("mark"), st.integers(0, 20)),
        st.tuples(st.just("clear"), st.just(0)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("pause"), st.just(0)),
        st.tuples(st.just("resume"), st.just(0)),
        st.tuples(st.just("junk"), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
def test_heard_never_passes_sent_whatever_the_far_end_claims(steps: list[tuple[str, int]]) -> None:
    playout, now, names = Playout(RATE, 0.2), 0.0, ["g0.99999999"]
    for step, value in steps:
        match step:
            case "say":
                playout.open(said(LOUD[: value // 2 * 2] * 3))
            case "wait":
                now += value / 1000
            case "mark":
                playout.receive_mark(names[value % len(names)])
            case "clear":
                playout.clear(now)
            case "cut":
                playout.cut(now)
            case "pause":
                playout.pause()
            case "resume":
                playout.resume(now)
            case _:
                playout.receive_mark("g0.²")
        names += [action.name for action in playout.on_deadline(now) if isinstance(action, SendMark)]
        assert 0 <= playout.heard(now) <= playout.sent

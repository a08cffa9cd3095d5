"""Playout in virtual time."""

from hypothesis import given
from hypothesis import strategies as st

from media_server.turn.playout import FirstAudible, Heard, Playout, PlayoutAction, SendAudio, SendMark, Utterance

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
    assert playout.clear(0.1) == [utterance]
    before = playout.heard(0.1)
    for name in names:
        playout.receive_mark(name)
    assert playout.heard(0.1) == before
    assert playout.on_deadline(0.2) == []
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


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 2000)),
        st.tuples(st.just("wait"), st.integers(0, 400)),
        st.tuples(st.just("mark"), st.integers(0, 20)),
        st.tuples(st.just("clear"), st.just(0)),
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
            case _:
                playout.receive_mark("g0.²")
        names += [action.name for action in playout.on_deadline(now) if isinstance(action, SendMark)]
        assert 0 <= playout.heard(now) <= playout.sent

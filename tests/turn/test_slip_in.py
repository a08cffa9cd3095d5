"""What is slipped into the gap of an utterance that has run dry, and what the caller has heard of both."""

from media_server.turn.playout import Playout
from media_server.turn.utterance import SendAudio, Utterance
from tests.turn.test_playout import FRAME, LOUD, RATE, run, said

SECOND = LOUD * 50
OTHER = b"\x00\x10" * 160


def dry() -> tuple[Playout, Utterance]:
    """A second of it was heard at 11.0, more is still to be made; then something of 0.5 s is slipped in at 12.0."""
    playout, utterance = Playout(RATE, 0.2), Utterance("u")
    playout.open(utterance)
    playout.push(utterance, SECOND)
    run(playout, 10.0, 11.9)
    assert playout.slip_in(said(OTHER * 25, "filler"))
    return playout, utterance


def test_what_is_slipped_in_is_not_heard_of_what_goes_on_behind_it() -> None:
    playout, utterance = dry()
    run(playout, 12.0, 12.3)
    playout.push(utterance, SECOND)
    assert playout.heard_of(utterance, 12.3) == RATE


def test_what_goes_on_behind_it_loses_no_word_where_the_caller_has_spoken_meanwhile() -> None:
    playout, utterance = dry()
    run(playout, 12.0, 12.45)
    playout.pause()
    playout.push(utterance, OTHER * 50)
    utterance.seams += [RATE, RATE * 5 // 4]
    run(playout, 12.46, 13.5)
    playout.resume(13.5)
    done = run(playout, 13.5, 15.0)
    assert sum(len(action.pcm) for _, action in done if isinstance(action, SendAudio)) == 50 * FRAME


def test_what_was_heard_before_it_is_not_said_again_where_the_caller_speaks_at_its_end() -> None:
    playout, utterance = dry()
    run(playout, 12.0, 12.1)
    playout.push(utterance, OTHER * 50)
    run(playout, 12.101, 12.4)  # some of what follows is sent, while what was slipped in still sounds
    assert utterance.next > 2 * RATE
    assert playout.heard_of(utterance, 12.4) == RATE
    playout.clear(12.4)
    playout.resume(12.4)
    done = run(playout, 12.4, 15.0)
    pcm = b"".join(action.pcm for _, action in done if isinstance(action, SendAudio))
    assert LOUD not in pcm
    assert pcm.count(OTHER) >= 50

"""The silence after a turn is told of once, and not when somebody speaks before."""

import pytest

from engines.asr.events import Quiet, SpeechStarted, TurnEnded
from engines.asr.quiet import QuietWatch

RATE = 8000
ENDED = TurnEnded(turn=1, end=2.0, at=2.4, probability=1.0, reason="silence")


@pytest.mark.parametrize(
    ("before", "quiet_at"),
    [
        ([ENDED], 3.0),
        ([ENDED, SpeechStarted(2, 2.5)], None),
        ([SpeechStarted(1, 1.0)], None),
        ([], None),
    ],
)
def test_quiet(before: list[object], quiet_at: float | None) -> None:
    watch = QuietWatch(RATE, 1000)
    told = watch.receive(before, round(2.5 * RATE))
    for position in range(round(2.5 * RATE), 5 * RATE, RATE // 10):
        told += watch.receive([], position)
    assert told == ([] if quiet_at is None else [Quiet(1, 2.0, quiet_at)])


def test_a_turn_that_ended_in_a_longer_silence_is_followed_at_once() -> None:
    assert QuietWatch(RATE, 300).receive([ENDED], round(2.4 * RATE)) == [Quiet(1, 2.0, 2.4)]

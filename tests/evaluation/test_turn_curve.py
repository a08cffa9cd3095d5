"""Policies of ending turns, on a voice that is a tone: what is said and how it sounds is up to each test."""

from collections.abc import Hashable, Sequence

import numpy as np
import pytest

from engines.asr.models import AsrModels
from engines.ports import Listening, Samples, Transcription
from engines.turn.expectation import Expectation
from media_server.evaluation.turn_curve import BARE, turn_curve, turn_report
from media_server.evaluation.turn_ends import Listener
from media_server.phone.speech_folder import Recording

RATE = 8000


class Words:
    """A recogniser: of little voice the first half is heard, of more the whole."""

    languages = frozenset({"en"})

    def bucket(self, seconds: float) -> Hashable:
        del seconds
        return None

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> list[Transcription]:
        return [self.transcribe(samples, listening) for samples in batch]

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        del listening
        more = " your manager." if np.count_nonzero(np.abs(samples) > 0.1) > 1.1 * 16_000 else ""
        return Transcription(f"I would like to talk to{more}", -0.1)

    def warm_up(self) -> float:
        return 0.0


class Voice:
    """A VAD for tones."""

    window = 256

    def stream(self, sample_rate: int) -> "Voice":
        assert sample_rate == RATE
        return self

    def probability(self, window: Samples) -> float:
        return float(np.abs(window).max() > 0.1)

    def reset(self) -> None:
        pass


class Sure:
    """A turn detector that takes every pause for the end."""

    def probability(self, samples: Samples) -> float:
        del samples
        return 0.95


MODELS = AsrModels(Words(), Voice(), Sure())


def tone(seconds: float) -> bytes:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype("<i2").tobytes()


def quiet(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RATE))


HESITATING = quiet(0.5) + tone(1.0) + quiet(0.8) + tone(1.0)


def test_a_timer_ends_a_turn_in_every_pause_that_is_longer() -> None:
    heard = Listener(MODELS, HESITATING, "en")
    assert heard.timer(600).cut_short
    outcome = heard.timer(900)
    assert not outcome.cut_short
    assert outcome.wait_ms == pytest.approx(900, abs=100)


def test_who_only_listens_to_the_sound_ends_it_where_that_sounds_complete() -> None:
    outcome = Listener(MODELS, HESITATING, "en").vad_and_smart_turn()
    assert outcome.cut_short
    assert 200 <= outcome.wait_ms < 300


def test_ours_weighs_the_words_too() -> None:
    outcome = Listener(MODELS, HESITATING, "en").ours(Expectation())
    assert not outcome.cut_short, "'… talk to' cannot be all"
    assert outcome.wait_ms > 800, "who has paused for 0.8 s is given more"


def test_the_curve_puts_all_of_them_side_by_side() -> None:
    whole = Recording("whole", quiet(0.3) + tone(0.8) + quiet(0.1) + tone(0.8) + quiet(0.2), "")
    seen: list[int] = []
    curve = turn_curve(MODELS, [whole, whole], [0.8], "en", seen.append)
    assert seen == [1, 2]
    assert curve.bare.policy == BARE
    assert curve.bare.cut_when_split == {0.8: 1.0}
    quick, normal, patient = curve.ours
    assert quick.p50 < normal.p50 < patient.p50
    assert normal.cut == 0.0
    assert normal.cut_when_split == {0.8: 0.0}
    assert curve.timer_of(normal.p50, 0.8) == 1.0
    table = "\n".join(turn_report(curve))
    assert "of those with 0.8 s inside (ours 0%)" in table
    assert "VAD + Smart Turn" in table

"""What every recogniser must do, whatever it is made of."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from engines.errors import InputError
from engines.ports import ASR_RATE, AsrEngine, Listening, Samples
from tests.contract.beeps import Beeps
from tests.engines.asr.loaded import whisper
from tests.speech_data import Prompt, words_right


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine, with sound that has words for it: short ones, and a longer one at the end."""

    engine: AsrEngine
    spoken: list[tuple[Samples, str]]


def beeps() -> Candidate:
    burst = np.full(ASR_RATE // 5, 0.5, np.float32)
    pause = np.zeros(ASR_RATE // 5, np.float32)
    counts = (1, 2, 3, 9)
    return Candidate(
        Beeps(), [(np.concatenate([pause, *[burst, pause] * count]), " ".join(["beep"] * count)) for count in counts]
    )


def faster_whisper(models_dir: Path, prompts: list[Prompt]) -> Candidate:
    names = ("all-circuits-busy-now", "agent-newlocation", "vm-goodbye", "conf-onlyperson")
    chosen = sorted((prompt for prompt in prompts if prompt.name in names), key=lambda prompt: prompt.seconds)
    assert len(chosen) == len(names)
    return Candidate(
        whisper(models_dir),
        [
            (soxr.resample(np.frombuffer(prompt.pcm, "<i2").astype(np.float32) / 32768, 8000, ASR_RATE), prompt.text)
            for prompt in chosen
        ],
    )


@pytest.fixture(name="candidate", params=["beeps", pytest.param("faster-whisper", marks=pytest.mark.models)])
def fixture_candidate(request: pytest.FixtureRequest) -> Candidate:
    if request.param == "beeps":
        return beeps()
    return faster_whisper(request.getfixturevalue("models_dir"), request.getfixturevalue("prompts"))


def test_it_hears_what_is_said(candidate: Candidate) -> None:
    for samples, text in candidate.spoken:
        heard = candidate.engine.transcribe(samples, Listening("en"))
        assert words_right(text, heard.text) >= 0.6
        assert heard.language == "en"
        assert heard.words == ()
        assert heard.log_probability <= 0


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 9.0])
def test_of_silence_and_hiss_it_makes_no_words(candidate: Candidate, seconds: float) -> None:
    hiss = np.random.default_rng(1).normal(0, 1e-4, int(seconds * ASR_RATE)).astype(np.float32)
    for samples in (np.zeros_like(hiss), hiss):
        heard = candidate.engine.transcribe(samples, Listening("en", words=True))
        assert (heard.text, heard.words) == ("", ())


def test_words_are_those_of_the_text_in_order_and_in_the_sound(candidate: Candidate) -> None:
    for samples, _ in candidate.spoken:
        heard = candidate.engine.transcribe(samples, Listening("en", words=True))
        assert " ".join(word.text for word in heard.words) == heard.text
        assert all(word.start <= word.end for word in heard.words)
        assert all(one.end <= other.start + 0.02 for one, other in pairwise(heard.words))
        assert heard.words[0].start >= 0
        assert heard.words[-1].end <= len(samples) / ASR_RATE
        assert all(0 <= word.probability <= 1 for word in heard.words)


@pytest.mark.parametrize("words", [False, True])
def test_several_together_are_heard_as_each_alone(candidate: Candidate, *, words: bool) -> None:
    batch = [samples for samples, _ in candidate.spoken]
    batch.insert(1, np.zeros(ASR_RATE, np.float32))
    together = candidate.engine.transcribe_together(batch, Listening("en", words=words))
    assert len(together) == len(batch)
    assert together[1].text == ""
    for heard, (samples, text) in zip([together[0], *together[2:]], candidate.spoken, strict=True):
        alone = candidate.engine.transcribe(samples, Listening("en", words=words))
        assert words_right(alone.text, heard.text) >= 0.8
        assert words_right(text, heard.text) >= 0.6
        assert bool(heard.words) is words


def test_many_threads_at_once_get_each_their_own(candidate: Candidate) -> None:
    def hear(case: tuple[Samples, str]) -> bool:
        return words_right(case[1], candidate.engine.transcribe(case[0], Listening("en")).text) >= 0.6

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(hear, candidate.spoken * 2))


def test_the_language_is_found_where_none_is_given(candidate: Candidate) -> None:
    samples, text = candidate.spoken[-1]
    heard = candidate.engine.transcribe(samples, Listening(None))
    assert heard.language == "en"
    assert words_right(text, heard.text) >= 0.6


def test_as_many_key_terms_as_a_client_may_send_do_no_harm(candidate: Candidate) -> None:
    samples, text = candidate.spoken[0]
    names = tuple(f"Doctor {first} {last}" for first in ("Ann", "Bob", "Zoe") for last in ("Miller", "Ngo", "Singh"))
    heard = candidate.engine.transcribe(samples, Listening("en", keyterms=names * 5))
    assert words_right(text, heard.text) >= 0.6
    terms = tuple(f"term {number} " + 90 * "é" for number in range(50))
    candidate.engine.transcribe(samples, Listening("en", keyterms=terms))


def test_what_may_be_recognised_together_is_short(candidate: Candidate) -> None:
    bucket = candidate.engine.bucket
    assert bucket(1.0) is not None
    assert bucket(1.0) == bucket(2.0)
    assert bucket(28.0) != bucket(2.0)


def test_a_language_that_it_does_not_know_is_refused(candidate: Candidate) -> None:
    with pytest.raises(InputError):
        candidate.engine.transcribe(candidate.spoken[0][0], Listening("xx"))


def test_what_is_too_long_is_refused_alone_and_together(candidate: Candidate) -> None:
    long = np.zeros(31 * ASR_RATE, np.float32)
    with pytest.raises(InputError):
        candidate.engine.transcribe(long, Listening("en"))
    with pytest.raises(InputError):
        candidate.engine.transcribe_together([candidate.spoken[0][0], long], Listening("en"))

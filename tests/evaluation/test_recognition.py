"""Rows of `media-server eval`: with a recogniser that is an arithmetic, and once with the real one."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import pytest

from engines.asr.events import Partial
from engines.asr.models import AsrModels
from engines.ports import HeardWord, Listening, Samples, Transcription
from media_server.cli.eval import parse_contexts
from media_server.errors import ConfigError
from media_server.evaluation.audio_time import hear
from media_server.evaluation.recognition import Contexts, Row, advised, evaluate, report
from media_server.evaluation.word_errors import Errors
from media_server.phone.bench_figures import Spread
from media_server.phone.speech_folder import Recording
from tests.engines.asr.loaded import models as real_models
from tests.evaluation.test_turn_curve import Sure, Voice, quiet, tone
from tests.speech_data import Prompt

TONE_S = 2.0


class Counting:
    """A recogniser: a word for every half second of voice, the last one ends where the voice does."""

    languages = frozenset({"en"})

    def transcribe(self, samples: Samples, listening: Listening) -> Transcription:
        voiced = np.flatnonzero(np.abs(samples) > 0.1)
        count = round(len(voiced) / 5850)
        words = ["open", "the", "old", "door", "now"][:count]
        timed = [HeardWord(word, 0.0, 0.5 * (number + 1), 1.0) for number, word in enumerate(words)]
        return Transcription(" ".join(words), -0.1, redecoded=count == 4, words=tuple(timed) if listening.words else ())

    def bucket(self, seconds: float) -> Hashable:
        del seconds
        return None

    def transcribe_together(self, batch: Sequence[Samples], listening: Listening) -> Sequence[Transcription]:
        return [self.transcribe(samples, listening) for samples in batch]

    def warm_up(self) -> float:
        return 0.0


MODELS = AsrModels(Counting(), Voice(), Sure())
RECORDINGS = [Recording("a", tone(TONE_S), "Open the old drawer."), Recording("b", tone(1.0), "")]


def row(contexts_s: Contexts, wer: float | None) -> Row:
    return Row(contexts_s, 10.0, Errors(), wer, wer, 5, 1, 0.25, 0.2, 0.5, 4, 200, 10, 1, Spread(500, 900), Spread())


def test_a_folder_is_heard_and_counted() -> None:
    told: list[int] = []
    figures = evaluate(MODELS, (8.0,), RECORDINGS, "en", told.append, partials=True)
    assert told == [1, 2]
    assert (figures.errors.words, figures.errors.word_errors) == (4, 1), "of b nobody knows the words"
    assert (figures.wer, figures.audio_s) == (25.0, 3.0)
    assert (figures.decodes, figures.redecoded) == (2, 1)
    assert figures.partials > 2
    assert figures.characters == len("open the old door") + len("open the")
    assert (figures.taken_back, figures.broken) == (0, 0)
    assert figures.first == figures.stayed
    assert figures.first.p50 is not None


def test_without_partials_there_is_nothing_to_read_along() -> None:
    figures = evaluate(MODELS, (), RECORDINGS, "en", lambda _: None, partials=False)
    assert (figures.partials, figures.first, figures.wer) == (0, Spread(), 25.0)
    assert figures.cpu == figures.cpu_all


def test_the_least_context_that_is_as_good_as_the_full_one_is_advised() -> None:
    rows = [row((6.0,), 12.4), row((8.0, 12.0), 4.2), row((12.0,), 4.0), row((), 3.9)]
    assert advised(rows) == rows[1]
    assert advised([row((6.0,), 5.0), rows[-1]]) == rows[-1]
    assert advised(rows[:3]) is None
    assert advised([row((6.0,), None), row((), None)]) is None


def test_the_table_has_a_row_for_each_and_the_advice() -> None:
    assert report([row((8.0, 12.0), 4.2), row((), 3.9)]) == [
        "context          WER     CER re-decoded   RTF   CPU +partials taken back  broken        first       stayed",
        "8 s + 12 s    4.20 %  4.20 %     1 of 5 0.250 0.200     0.500     5.00 %  0.50 %    500 / 900            -",
        "30 s, stock   3.90 %  3.90 %     1 of 5 0.250 0.200     0.500     5.00 %  0.50 %    500 / 900            -",
        "Advice: 8 s + 12 s, the least whose WER is within 0.3 points of 30 s",
    ]


def test_contexts_are_choices_and_ladders() -> None:
    assert parse_contexts("8,12") == [(8.0,), (12.0,)]
    assert parse_contexts("12+8,30") == [(8.0, 12.0), ()]
    for wrong in ("", "8,", "x", "0", "31", "nan", "-1"):
        with pytest.raises(ConfigError, match="--context"):
            parse_contexts(wrong)


@pytest.mark.models
def test_a_sentence_in_audio_time_is_told_after_it_was_said(models_dir: Path, prompts: list[Prompt]) -> None:
    [prompt] = [prompt for prompt in prompts if prompt.name == "all-circuits-busy-now"]
    pcm = quiet(0.5) + prompt.pcm + quiet(2.0)
    heard = hear(real_models(models_dir), pcm, prompt.sample_rate, language="en", interim_results=True)
    assert heard.text == "All circuits are busy now."
    assert [word.text for word in heard.words] == heard.text.split()
    assert all(at >= event.end for at, event in heard.told if isinstance(event, Partial))
    [final_at] = [at for at, event in heard.told if event in heard.finals]
    assert heard.finals[0].end < final_at < len(pcm) / 2 / prompt.sample_rate
